package memory

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/shopex/prism-go/platform"
)

func numbered(number uint64) item {
	return item{message: &platform.Message{ID: platform.MessageID{Number: number}}}
}

func TestRingIsADoubleEndedQueue(t *testing.T) {
	var r ring
	var want []uint64
	random := rand.New(rand.NewPCG(1, 2))
	for step := range 20_000 {
		number := uint64(step)
		switch growing := step/1000%2 == 0; {
		case len(want) > 0 && random.IntN(3) > 0 != growing:
			if got := r.popFront().number(); got != want[0] {
				t.Fatalf("step %d: popped %d, want %d", step, got, want[0])
			}
			want = want[1:]
		case random.IntN(2) == 0:
			r.pushBack(numbered(number))
			want = append(want, number)
		default:
			r.pushFront(numbered(number))
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

// What was removed is inserted again later, from everywhere.
func TestRingKeepsTheOrderOfWhatIsInserted(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var r ring
	var want, away []uint64
	for step := range 2000 {
		want = append(want, uint64(step))
		r.pushBack(numbered(uint64(step)))
		var places []int
		for i := range want {
			if random.IntN(8) == 0 {
				places = append(places, i)
			}
		}
		for n, it := range r.remove(places) {
			if it.number() != want[places[n]] {
				t.Fatalf("step %d: removed %d, want %d", step, it.number(), want[places[n]])
			}
			away = append(away, it.number())
		}
		want = slices.DeleteFunc(want, func(n uint64) bool { return slices.Contains(away, n) })
		random.Shuffle(len(away), func(i, j int) { away[i], away[j] = away[j], away[i] })
		back := slices.Clone(away[len(away)*random.IntN(4)/4:])
		away = away[:len(away)-len(back)]
		slices.Sort(back)
		var items []item
		for _, n := range back {
			items = append(items, numbered(n))
		}
		r.insert(items)
		want = append(want, back...)
		slices.Sort(want)
		if len(want) > 100 {
			r.popFront()
			want = want[1:]
		}
		for i, n := range want {
			if r.place(i).number() != n || r.find(n) != i {
				t.Fatalf("step %d: place %d has %d, and %d is found at %d", step, i, r.place(i).number(), n, r.find(n))
			}
		}
		if r.len() != len(want) || len(r.places) > max(smallest, 4*r.len()+4) {
			t.Fatalf("step %d: %d items in %d places, want %d items", step, r.len(), len(r.places), len(want))
		}
	}
}
