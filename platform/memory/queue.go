package memory

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/shopex/prism-go/internal/topic"
	"github.com/shopex/prism-go/platform"
)

// A queue is guarded by the lock of the exchange of its owner.
//
// Whenever the lock is free, ready or waiting is empty: no consumer waits while there is
// a ready message.
type queue struct {
	owner     *owner
	topic     string
	patterns  map[string]bool
	consumers map[*consumer]struct{}
	waiting   []*consumer // the longest waiting first

	limits platform.QueueLimits // those that hold
	bound  platform.Usage       // the same

	ready      ring // ascending numbers
	readyBytes int64
	foreign    int // ready messages of other keys
	held       int // messages that consumers hold
	heldBytes  int64
	parked     *parkingLot // nil if nothing was ever parked

	counted platform.Usage // what the usage of the owner and of all has of this queue
	giver   int            // its place among the givers of the exchange, from 1; 0 if it is none
	dropped uint64
	came    uint64        // messages, with those that it has dropped at once
	told    time.Duration // when OnDrop was last told, since New
	noticed time.Duration // when the function of NotifyDrops was

	alone []*consumer // those of ConsumeAlone, the oldest first
}

// An item is a message of a queue.
type item struct {
	message  *platform.Message
	attempts int // how often it was tried in this queue
}

// number says where the item is in the order of the queue.
func (it item) number() uint64 { return it.message.ID.Number }

// try counts an attempt.
func (it *item) try() { it.attempts = min(it.attempts+1, platform.MaxAttemptsCounted) }

func newQueue(o *owner, name string) *queue {
	q := &queue{
		owner:     o,
		topic:     name,
		told:      -time.Minute,
		noticed:   -time.Minute,
		patterns:  make(map[string]bool),
		consumers: make(map[*consumer]struct{}),
	}
	q.limit(platform.QueueLimits{})
	return q
}

func (q *queue) limit(l platform.QueueLimits) {
	q.limits = q.owner.config.LimitsOf(l)
	q.bound = platform.Usage{Messages: int64(q.limits.MaxMessages), Bytes: q.limits.MaxBytes}
}

// connect notes a pattern to which q is not bound.
func (q *queue) connect(pattern string) {
	q.patterns[pattern] = true
	q.owner.bindings++
	q.owner.weight += topic.Weight(pattern)
}

// disconnect undoes connect.
func (q *queue) disconnect(pattern string) {
	delete(q.patterns, pattern)
	q.owner.bindings--
	q.owner.weight -= topic.Weight(pattern)
}

// refuses reports whether q, when it is full, refuses m rather than drop a message.
func (q *queue) refuses(m *platform.Message, written bool) bool {
	return q.limits.Overflow.Refuses(written || m.ClientID == q.owner.name)
}

// isForeign reports whether another key has published m, or the platform itself.
func (q *queue) isForeign(m *platform.Message) bool {
	return m.ClientID != q.owner.name && (m.ClientID != "" || topic.Reserved(m.Key))
}

// usage returns the usage of the queue, without what is parked.
func (q *queue) usage() platform.Usage {
	return platform.Usage{Messages: int64(q.ready.len() + q.held), Bytes: q.readyBytes + q.heldBytes}
}

// hasRoom reports whether one message fits under all bounds.
func (q *queue) hasRoom(one platform.Usage) bool {
	o, x := q.owner, q.owner.exchange.Load()
	return fits(q.usage(), one, q.bound) && fits(o.used, one, o.ownerBound) && fits(x.total.now().Plus(x.change), one, o.totalBound)
}

// canHaveRoom reports whether one message fits if q drops all that is ready.
func (q *queue) canHaveRoom(one platform.Usage) bool {
	ready := platform.Usage{Messages: int64(q.ready.len()), Bytes: q.readyBytes}
	o, x := q.owner, q.owner.exchange.Load()
	return fits(q.usage().Minus(ready), one, q.bound) && fits(o.used.Minus(ready), one, o.ownerBound) &&
		fits(x.total.now().Plus(x.change).Minus(ready), one, o.totalBound)
}

// makeRoom makes room for m, of which one is the usage, by dropping others. If it returns
// false, m is the one to be dropped, and counted so.
func (q *queue) makeRoom(m *platform.Message, one platform.Usage) bool {
	if q.hasRoom(one) {
		return true
	}
	if q.limits.Overflow == platform.DropNewest || !q.canHaveRoom(one) {
		q.drops(m)
		return false
	}
	for n := 0; n < mostDrops && q.ready.len() > 0; n++ {
		q.dropOldest()
		if q.hasRoom(one) {
			return true
		}
	}
	q.drops(m)
	return false
}

// gives reports whether q may drop messages that are ready to make room for other
// queues.
func (q *queue) gives() bool {
	switch q.limits.Overflow {
	case platform.DropOldest, platform.DropNewest:
		return q.ready.len() > 0
	case platform.OverflowDefault:
		return q.foreign > 0
	}
	return false
}

// size returns the bytes or the messages that are ready.
func (q *queue) size(bytes bool) int64 {
	if bytes {
		return q.readyBytes
	}
	return int64(q.ready.len())
}

// shrinkTo drops the oldest messages until the size of q is level, but not more than
// most, and returns how many.
func (q *queue) shrinkTo(level int64, bytes bool, most int) (dropped int) {
	for dropped < most && q.gives() && q.size(bytes) > level {
		q.dropOldest()
		dropped++
	}
	return dropped
}

// dropOldest drops the head. The queue must not be empty.
func (q *queue) dropOldest() {
	it := q.pop()
	q.count()
	q.drops(it.message)
}

// drops counts m, which was dropped.
func (q *queue) drops(m *platform.Message) {
	q.dropped++
	x := q.owner.exchange.Load()
	q.tell(x, x.config.OnDrop, &q.told)
	if f := x.onDrop.Load(); f != nil && !topic.Reserved(m.Key) {
		q.tell(x, *f, &q.noticed)
	}
}

// tell notes that f has to be told, unless that was done within the last minute.
func (q *queue) tell(x *exchange, f onDrop, last *time.Duration) {
	if f == nil {
		return
	}
	if now := x.clock(); now-*last >= time.Minute {
		*last = now
		x.notices = append(x.notices, notice{q, f})
	}
}

func (q *queue) put(m *platform.Message) {
	q.ready.pushBack(item{message: m})
	q.enters(m)
	if len(q.waiting) > 0 {
		q.serve()
	}
	q.count()
}

// count adds what has changed to the usage of the owner and of all.
func (q *queue) count() {
	x := q.owner.exchange.Load()
	if now := q.usage().Plus(q.parked.usage()); now != q.counted {
		change := now.Minus(q.counted)
		q.owner.used = q.owner.used.Plus(change)
		x.change = x.change.Plus(change)
		q.counted = now
	}
	if x.bounded {
		x.give(q, q.gives())
	}
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
	if q.ready.len() == 0 {
		return nil
	}
	since := q.owner.exchange.Load().clock()
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
		c.hold(it, since)
		leases = append(leases, platform.Lease{ID: it.number(), Message: it.message, Attempt: it.attempts + 1})
	}
	q.count()
	return leases
}

// pop removes the head. The queue must not be empty.
func (q *queue) pop() item {
	it := q.ready.popFront()
	q.leaves(it.message)
	return it
}

// enters counts m as ready.
func (q *queue) enters(m *platform.Message) {
	q.readyBytes += m.Size()
	if q.isForeign(m) {
		q.foreign++
	}
}

// leaves undoes enters.
func (q *queue) leaves(m *platform.Message) {
	q.readyBytes -= m.Size()
	if q.isForeign(m) {
		q.foreign--
	}
}

// forget counts m as no longer held. The caller has removed it from its consumer.
func (q *queue) forget(m *platform.Message) {
	q.held--
	q.heldBytes -= m.Size()
}

// putBack makes messages that a consumer held ready again.
func (q *queue) putBack(items []item) {
	for _, it := range items {
		q.forget(it.message)
	}
	q.restore(items)
}

// restore makes messages ready that were so before, each before every later one.
func (q *queue) restore(items []item) {
	for _, it := range items {
		q.enters(it.message)
	}
	slices.SortFunc(items, byNumber)
	q.ready.insert(items)
	q.serve()
	q.count()
}

func byNumber(a, b item) int { return cmp.Compare(a.number(), b.number()) }

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
	q.readyBytes, q.foreign = 0, 0
	q.count()
}

// end ends a queue that was removed from its owner.
func (q *queue) end() {
	for c := range q.consumers {
		c.end(fmt.Errorf("%w %q: it was dropped", platform.ErrUnknownTopic, q.topic))
	}
	q.held, q.heldBytes, q.parked = 0, 0, nil
	q.purge()
}

func (q *queue) status() platform.QueueStatus {
	q.expire()
	s := platform.QueueStatus{
		Limits:         q.limits,
		Dropped:        q.dropped,
		Ready:          q.ready.len(),
		Unacknowledged: q.held,
		Consumers:      len(q.consumers),
		Bytes:          q.readyBytes + q.heldBytes,
	}
	if l := q.parked; l != nil {
		s.Parked, s.ParkedBytes, s.ParkedDropped = len(l.places), l.bytes, l.dropped
	}
	return s
}
