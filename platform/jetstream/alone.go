package jetstream

import (
	"context"

	"github.com/shopex/prism-go/platform"
)

// ConsumeAlone is [Engine.Consume] for one of several consumers of which only the one that
// joined first may fetch, those of other engines included. When its engine dies, the next
// one gets the messages after [Config].AckWait and a fifth more.
func (e *Engine) ConsumeAlone(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	return e.consume(ctx, name, true, func(d *draft) (*queue, error) { return d.obtain(owner, topic) })
}

// waitsForOlder reports whether c must not lease anything, as it consumes alone and so does
// an older consumer. One that is no member, as its engine was declared gone, has to join
// first.
func (c *consumer) waitsForOlder(q *queue) bool {
	if !c.alone {
		return false
	}
	m := q.members[c.id]
	return m != nil && m != q.firstAlone()
}

// firstAlone returns the oldest member that consumes alone, or nil.
func (q *queue) firstAlone() (first *member) {
	for _, m := range q.members {
		if m.order > 0 && (first == nil || m.order < first.order) {
			first = m
		}
	}
	return first
}

// place returns the number of what the next fact of the draft makes.
func (d *draft) place() uint64 { return numberOf(d.after+1, len(d.facts)) }

// leaseTo is lease to a consumer, unless it has to wait for an older one. One that is no
// member any more joins, and asks once more: another one may do the same in this draft.
func (d *draft) leaseTo(q *queue, c *consumer, n, bytes int) []item {
	if c.alone && q.members[c.id] == nil {
		d.emit(q.owner, c.newMember(d.place()).joining(q))
		return nil
	}
	if c.waitsForOlder(q) {
		return nil
	}
	return d.lease(q, c.newMember(0), n, bytes)
}
