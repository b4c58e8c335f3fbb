package memory

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestRingIsADoubleEndedQueue(t *testing.T) {
	var r ring
	var want []uint64
	random := rand.New(rand.NewPCG(1, 2))
	for step := range 20_000 {
		number := uint64(step)
		switch growing := step/1000%2 == 0; {
		case len(want) > 0 && random.IntN(3) > 0 != growing:
			if got := r.popFront().number; got != want[0] {
				t.Fatalf("step %d: popped %d, want %d", step, got, want[0])
			}
			want = want[1:]
		case random.IntN(2) == 0:
			r.pushBack(item{number: number})
			want = append(want, number)
		default:
			r.pushFront(item{number: number})
			want = slices.Insert(want, 0, number)
		}
		if r.len() != len(want) {
			t.Fatalf("step %d: length %d, want %d", step, r.len(), len(want))
		}
		if len(r.places) > max(smallest, 4*r.len()+4) {
			t.Fatalf("step %d: %d places for %d items", step, len(r.places), r.len())
		}
	}
}
