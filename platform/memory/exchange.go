package memory

import (
	"sync"
	"time"

	"github.com/shopex/prism-go/internal/topic"
	"github.com/shopex/prism-go/platform"
)

// An exchange ties the queues of its owners together. Its lock guards them all.
type exchange struct {
	*shared
	name   string
	owners int // guarded by the lock of Queues

	mu       sync.Mutex // guards what follows, and the owners with their queues and consumers
	bindings topic.Bindings[*queue]
	givers   []*queue // those that may make room for others; empty without a bound over all

	change  platform.Usage // what the usage of all does not have yet
	now     time.Duration  // what clock returned since the lock was taken
	notices []notice       // that are given when the lock is free

	filters topic.Filters // what owners may listen to
	round   uint64        // counts what is routed or stored
	one     [1]*queue
}

func newExchange(s *shared, name string) *exchange {
	return &exchange{shared: s, name: name}
}

// unlock lets the lock go and tells of what was dropped.
func (x *exchange) unlock() {
	if x.change != (platform.Usage{}) {
		x.total.add(x.change)
		x.change = platform.Usage{}
	}
	x.now = 0
	if len(x.notices) == 0 {
		x.mu.Unlock()
		return
	}
	notices, dropped := x.notices, make([]uint64, len(x.notices))
	for i, n := range notices {
		dropped[i] = n.queue.dropped
	}
	x.notices = nil
	x.mu.Unlock()
	for i, n := range notices {
		n.to(n.queue.owner.name, n.queue.topic, dropped[i])
	}
}

// A notice says that a queue drops messages.
type notice struct {
	queue *queue
	to    onDrop
}

// An onDrop is a function like that of [Config].
type onDrop func(owner, topic string, dropped uint64)

// clock returns how long ago New was, once for all that is done under the lock: to ask
// for the time takes as long as to store a message.
func (x *exchange) clock() time.Duration {
	if x.now == 0 {
		x.now = time.Since(x.began)
	}
	return x.now
}

// targets returns the queues that a message with this key is routed to. The slice is
// valid until the next call.
func (x *exchange) targets(key string) []*queue {
	found := x.bindings.Match(key)
	x.round++
	n := 0
	for _, q := range found {
		if q.owner.filter.Match(key, x.round) {
			found[n] = q
			n++
		}
	}
	return found[:n]
}

// publish stores m in the queues that it is routed to, and returns how many have it. If
// it returns some usage instead, room for that must be made under the bound over all.
// full says that none can be made.
func (x *exchange) publish(m *platform.Message, full bool) (routed int, more platform.Usage, err error) {
	return x.store(m, x.targets(m.Key), false, full)
}

// write is publish for one queue, whose owner writes.
func (x *exchange) write(m *platform.Message, q *queue, full bool) (more platform.Usage, err error) {
	x.one[0] = q
	_, more, err = x.store(m, x.one[:], true, full)
	return more, err
}

// admit returns an error if o has too many bindings for the exchange, of which it
// becomes an owner.
func (x *exchange) admit(o *owner) error {
	var own topic.Bindings[*queue]
	for _, q := range o.topics {
		for pattern := range q.patterns {
			if own.IsBound(pattern, q) {
				continue
			}
			if err := x.config.CheckFanOut(x.bindings.Bound(pattern)+own.Bound(pattern), pattern); err != nil {
				return err
			}
			own.Add(pattern, q)
		}
	}
	return nil
}

// attach makes o an owner of x, which has admitted it.
func (x *exchange) attach(o *owner) {
	x.owners++
	o.exchange.Store(x)
	o.filter = x.filters.Obtain(o.listen)
	o.round = 0 // it was a number of another exchange
	for _, q := range o.topics {
		for pattern := range q.patterns {
			x.bindings.Add(pattern, q)
		}
		q.count()
	}
}

// detach undoes attach.
func (x *exchange) detach(o *owner) {
	x.owners--
	x.filters.Release(o.filter)
	for _, q := range o.topics {
		x.unbindAll(q)
		x.give(q, false)
	}
}

// unbindAll takes what is bound to q out of x. The patterns stay at q.
func (x *exchange) unbindAll(q *queue) {
	for pattern := range q.patterns {
		x.bindings.Remove(pattern, q)
	}
}

// bind binds q to a pattern that it is not bound to.
func (x *exchange) bind(q *queue, pattern string) error {
	if !x.bindings.IsBound(pattern, q) {
		if err := x.config.CheckFanOut(x.bindings.Bound(pattern), pattern); err != nil {
			return err
		}
	}
	q.connect(pattern)
	x.bindings.Add(pattern, q)
	return nil
}

// unbind undoes bind.
func (x *exchange) unbind(q *queue, pattern string) {
	x.bindings.Remove(pattern, q)
	q.disconnect(pattern)
}

// give adds q to the givers, or removes it.
func (x *exchange) give(q *queue, on bool) {
	switch {
	case on == (q.giver > 0):
	case on:
		x.givers = append(x.givers, q)
		q.giver = len(x.givers)
		x.giving.Add(1)
	default:
		end := len(x.givers) - 1
		last := x.givers[end]
		x.givers[q.giver-1], last.giver = last, q.giver
		x.givers[end] = nil
		x.givers = x.givers[:end]
		q.giver = 0
		x.giving.Add(-1)
	}
}
