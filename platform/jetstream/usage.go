package jetstream

import "github.com/shopex/prism-go/platform"

// count adds what has changed in q to the usage of its owner and of the state.
func (s *state) count(q *queue) {
	now := platform.Usage{Messages: int64(q.ready.len() + len(q.held)), Bytes: q.bytes}.Plus(q.parked.usage())
	change := now.Minus(q.counted)
	q.counted = now
	s.used = s.used.Plus(change)
	if q.owner != nil {
		q.owner.used = q.owner.used.Plus(change)
	}
}
