package memory

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/shopex/prism-go/platform"
)

// A queue is guarded by the lock of its owner.
//
// Whenever the lock is free, ready or waiting is empty: no consumer waits while there is
// a ready message.
type queue struct {
	owner     *owner
	topic     string
	patterns  map[string]bool
	consumers map[*consumer]struct{}
	waiting   []*consumer // the longest waiting first

	last       uint64 // the number of the newest message
	ready      ring   // ascending numbers
	readyBytes int64
	held       int // messages that consumers hold
	heldBytes  int64

	counted platform.Usage // what the usage of the owner and of all has of this queue
}

// An item is a message with its number in the queue.
type item struct {
	number  uint64
	message *platform.Message
}

func newQueue(o *owner, topic string) *queue {
	return &queue{
		owner:     o,
		topic:     topic,
		patterns:  make(map[string]bool),
		consumers: make(map[*consumer]struct{}),
	}
}

// checkLimits returns an error if m would exceed a limit.
func (q *queue) checkLimits(m *platform.Message) error {
	q.expire()
	return q.owner.config.CheckQueue(q.topic, q.usage(), len(q.consumers) > 0, m.Size())
}

// usage returns the usage of the queue.
func (q *queue) usage() platform.Usage {
	return platform.Usage{Messages: int64(q.ready.len() + q.held), Bytes: q.readyBytes + q.heldBytes}
}

func (q *queue) put(m *platform.Message) {
	q.last++
	q.ready.pushBack(item{q.last, m})
	q.readyBytes += m.Size()
	q.count()
	q.serve()
}

// count adds what has changed to the usage of the owner and of all.
func (q *queue) count() {
	now := q.usage()
	change := now.Minus(q.counted)
	q.owner.own.add(change)
	q.owner.total.add(change)
	q.counted = now
}

// serve leases ready messages to waiting consumers. Several messages, which a closed
// consumer has returned, are divided evenly.
func (q *queue) serve() {
	for len(q.waiting) > 0 && q.ready.len() > 0 {
		share := (q.ready.len() + len(q.waiting) - 1) / len(q.waiting)
		c := q.waiting[0]
		if c.handed = q.lease(c, min(share, c.want), c.bytes); len(c.handed) > 0 {
			c.stopWaiting()
		}
	}
}

// expire removes messages that have become too old from the head.
func (q *queue) expire() {
	if q.owner.config.MaxAge <= 0 {
		return
	}
	for q.ready.len() > 0 && q.owner.old(q.ready.front().message) {
		q.pop()
		q.owner.expired.Add(1)
	}
	q.count()
}

// next removes the first message that is not too old, if there is one.
func (q *queue) next() (item, bool) {
	for q.ready.len() > 0 {
		if it := q.pop(); !q.owner.old(it.message) {
			return it, true
		}
		q.owner.expired.Add(1)
	}
	return item{}, false
}

// lease leases up to n ready messages to c. Together they have at most so many bytes,
// except that the first may have more. There may be none.
func (q *queue) lease(c *consumer, n, bytes int) []platform.Lease {
	leases := make([]platform.Lease, 0, min(n, q.ready.len()))
	for len(leases) < cap(leases) {
		q.expire()
		if q.ready.len() == 0 {
			break
		}
		if bytes -= int(q.ready.front().message.Size()); bytes < 0 && len(leases) > 0 {
			break
		}
		it := q.pop()
		q.held++
		q.heldBytes += it.message.Size()
		c.hold(it)
		leases = append(leases, platform.Lease{ID: it.number, Message: it.message})
	}
	return leases
}

// pop removes the head. The queue must not be empty.
func (q *queue) pop() item {
	it := q.ready.popFront()
	q.readyBytes -= it.message.Size()
	return it
}

// forget counts m as no longer held. The caller has removed it from its consumer.
func (q *queue) forget(m *platform.Message) {
	q.held--
	q.heldBytes -= m.Size()
}

// putBack makes messages that a consumer held ready again, each before every
// later one.
func (q *queue) putBack(items []item) {
	for _, it := range items {
		q.forget(it.message)
		q.readyBytes += it.message.Size()
	}
	q.merge(items)
	q.serve()
}

// merge inserts items in order. Only messages that were returned before can be in front
// of one of them, so it moves few, whatever the length.
func (q *queue) merge(items []item) {
	if len(items) == 0 {
		return
	}
	byNumber := func(a, b item) int { return cmp.Compare(a.number, b.number) }
	newest := slices.MaxFunc(items, byNumber).number
	for q.ready.len() > 0 && q.ready.front().number < newest {
		items = append(items, q.ready.popFront())
	}
	slices.SortFunc(items, byNumber)
	for _, it := range slices.Backward(items) {
		q.ready.pushFront(it)
	}
}

func (q *queue) read(n int) []*platform.Message {
	messages := make([]*platform.Message, 0, max(0, min(n, q.ready.len())))
	for len(messages) < cap(messages) {
		it, ok := q.next()
		if !ok {
			break
		}
		messages = append(messages, it.message)
	}
	q.count()
	return messages
}

func (q *queue) purge() {
	q.ready = ring{}
	q.readyBytes = 0
	q.count()
}

// end ends a queue that was removed from its owner.
func (q *queue) end() {
	for c := range q.consumers {
		c.end(fmt.Errorf("%w %q: it was dropped", platform.ErrUnknownTopic, q.topic))
	}
	q.held, q.heldBytes = 0, 0
	q.purge()
}

func (q *queue) status() platform.QueueStatus {
	q.expire()
	return platform.QueueStatus{
		Ready:          q.ready.len(),
		Unacknowledged: q.held,
		Consumers:      len(q.consumers),
		Bytes:          q.readyBytes + q.heldBytes,
	}
}
