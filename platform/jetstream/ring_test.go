package jetstream

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	busy "github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
)

// After random operations a ring has the same items as a sorted list.
func TestARingKeepsItsOrder(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		var l ring
		var want []uint64
		for step := range 200 {
			n := random.Uint64N(50) + 50*uint64(random.IntN(2)*step)
			at, known := slices.BinarySearch(want, n)
			switch it, ok := l.remove(n); {
			case ok != known, ok && (it.number != n || it.is(dead)):
				t.Fatalf("seed %d: %d is there: %v, found %+v, %v", seed, n, known, it, ok)
			case known:
				want = slices.Delete(want, at, at+1)
			case random.IntN(8) == 0 && len(want) > 0:
				if it := l.pop(); it.number != want[0] || it.is(dead) {
					t.Fatalf("seed %d: took %+v, want %d", seed, it, want[0])
				}
				want = want[1:]
			case random.IntN(2) == 0:
				l.insertLate(item{number: n})
				want = slices.Insert(want, at, n)
			default:
				l.insertAll(item{number: n})
				want = slices.Insert(want, at, n)
			}
			if l.len() != len(want) {
				t.Fatalf("seed %d: %d items, want %d", seed, l.len(), len(want))
			}
		}
		l.mergeLate()
		var got []uint64
		for l.len() > 0 {
			got = append(got, l.pop().number)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: %d, want %d", seed, got, want)
		}
	}
}

// A log that was cleaned behind a queue that nobody empties has its old messages
// behind its new ones.
func TestCarriedMessagesAreReadAsFastAsOthers(t *testing.T) {
	const n, each = 200_000, 1000
	const queue = 1 << indexBits
	s := newState()
	seq := uint64(n)
	apply := func(facts ...fact) {
		seq++
		assignNumbers(seq, facts)
		s.apply(seq, 100*len(facts), facts)
	}
	m := &platform.Message{Body: []byte("x")}
	apply(fact{kind: factQueue, number: queue, owner: shop})
	apply(fact{kind: factPut, queues: []uint64{queue}, message: m})
	newest := numberOf(seq, 0)
	began := time.Now()
	for i := uint64(0); i < n; i += each {
		var facts []fact
		for j := range uint64(each) {
			facts = append(facts, fact{kind: factMove, number: (i + j + 2) << indexBits, queues: []uint64{queue}, message: m})
		}
		apply(facts...)
		apply(fact{kind: factAck, queue: queue, numbers: []uint64{(i + 2) << indexBits}})
	}
	s.loaded(true)
	if took := time.Since(began); took > busy.Of(10*time.Second) { // one by one they took minutes
		t.Errorf("it took %v", took)
	}
	q := s.owners[shop].topics[""]
	all := q.first(0, n, math.MaxInt)
	if len(all) != n-n/each+1 || all[len(all)-1].number != newest || !slices.IsSortedFunc(all, func(a, b item) int { return int(a.number) - int(b.number) }) {
		t.Errorf("%d messages, the last %d", len(all), all[len(all)-1].number)
	}
}
