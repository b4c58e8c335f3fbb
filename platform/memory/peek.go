package memory

import (
	"cmp"
	"slices"

	"github.com/shopex/prism-go/platform"
)

// peek returns the first n messages whose numbers are above after, ready or held.
func (q *queue) peek(after uint64, n int) []platform.Peeked {
	q.expire()
	first := earliest[platform.Peeked]{n: n, number: func(p platform.Peeked) uint64 { return p.Message.ID.Number }}
	q.peekHeld(after, &first)
	for i, left := q.ready.find(after+1), n; i < q.ready.len() && left > 0; i++ {
		if m := q.ready.place(i).message; !q.owner.old(m) {
			first.add(platform.Peeked{Message: m})
			left--
		}
	}
	return first.sorted()
}

// peekHeld is peek of what consumers hold.
func (q *queue) peekHeld(after uint64, first *earliest[platform.Peeked]) {
	for c := range q.consumers {
		for number, h := range c.held {
			if number > after && first.wants(number) {
				first.add(platform.Peeked{Message: h.message, Held: true, Holder: c.name, Since: q.owner.began.Add(h.since)})
			}
		}
	}
}

// An earliest collects those n of many messages that come first in the order of their
// queue. It sorts few of them, as the exchange waits for it.
type earliest[T any] struct {
	n      int
	number func(T) uint64
	found  []T
	most   uint64 // n of found are not above it; 0 while that is not known
}

// wants reports whether a message with this number may be one of the first n.
func (e *earliest[T]) wants(number uint64) bool {
	return e.n > 0 && (e.most == 0 || number <= e.most)
}

func (e *earliest[T]) add(one T) {
	e.found = append(e.found, one)
	if len(e.found)/2 >= e.n {
		e.most = e.number(e.sorted()[e.n-1])
	}
}

// sorted returns the first n of those that were added, in order.
func (e *earliest[T]) sorted() []T {
	slices.SortFunc(e.found, func(a, b T) int { return cmp.Compare(e.number(a), e.number(b)) })
	e.found = e.found[:max(0, min(e.n, len(e.found)))]
	return e.found
}
