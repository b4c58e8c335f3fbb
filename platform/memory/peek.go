package memory

import (
	"cmp"
	"math"
	"slices"
	"sort"

	"github.com/shopex/prism-go/platform"
)

// peek returns the first n messages whose numbers are above after, ready or held.
func (q *queue) peek(after uint64, n int) []platform.Peeked {
	q.expire()
	if n <= 0 {
		return nil
	}
	found := q.peekHeld(after, n)
	first := sort.Search(q.ready.len(), func(i int) bool { return q.ready.place(i).number > after })
	for i, left := first, n; i < q.ready.len() && left > 0; i++ {
		if m := q.ready.place(i).message; !q.owner.old(m) {
			found = append(found, platform.Peeked{Message: m})
			left--
		}
	}
	return firstOf(found, n)
}

// peekHeld is peek of what consumers hold, in no order. Consumers may hold many
// messages, and a caller want few: it sorts few of them, as the exchange waits for it.
func (q *queue) peekHeld(after uint64, n int) (found []platform.Peeked) {
	most := uint64(math.MaxUint64) // n of those that were found are not above it
	for c := range q.consumers {
		for number, h := range c.held {
			if number <= after || number > most {
				continue
			}
			found = append(found, platform.Peeked{Message: h.message, Held: true, Holder: c.name, Since: q.owner.began.Add(h.since)})
			if len(found)/2 >= n {
				found = firstOf(found, n)
				most = found[n-1].Message.ID.Number
			}
		}
	}
	return found
}

// firstOf returns the first n messages, in order.
func firstOf(found []platform.Peeked, n int) []platform.Peeked {
	slices.SortFunc(found, func(a, b platform.Peeked) int { return cmp.Compare(a.Message.ID.Number, b.Message.ID.Number) })
	return found[:min(n, len(found))]
}
