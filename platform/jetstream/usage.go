package jetstream

import "github.com/shopex/prism-go/platform"

// count brings what has changed in q into the usage of its owner and of all.
func (s *state) count(q *queue) {
	now := platform.Usage{Messages: int64(q.ready.len() + len(q.held)), Bytes: q.bytes}
	change := now.Minus(q.counted)
	q.counted = now
	s.used = s.used.Plus(change)
	if q.owner != nil {
		q.owner.used = q.owner.used.Plus(change)
	}
}
