package memory

import (
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/shopex/prism-go/internal/topic"
	"github.com/shopex/prism-go/platform"
)

// An owner has the queues of one key. The lock of its exchange guards it.
type owner struct {
	*shared
	name string
	// exchange changes while the locks of both exchanges are held.
	exchange atomic.Pointer[exchange]

	listen    platform.Permission
	filter    *topic.Filter // of listen, shared in the exchange
	topics    map[string]*queue
	used      platform.Usage
	forgotten bool // it is no longer in Queues.owners, so callers must look it up again

	bindings, weight int // of all queues, as CheckBinding counts them

	round      uint64         // the message of the exchange for which the rest holds
	must, more platform.Usage // what its queues cannot refuse, and all that they need
}

// newOwner returns an owner that has no exchange yet.
func newOwner(s *shared, name string, is platform.Owner) *owner {
	o := &owner{shared: s, name: name, topics: make(map[string]*queue)}
	o.listen = slices.Clone(is.Listen)
	o.add("")
	first := is.Bindings
	if first == nil {
		first = s.config.Bindings
	}
	for _, b := range first {
		q := o.topics[b.Topic]
		if q == nil {
			q = o.add(b.Topic)
		}
		if !q.patterns[b.Pattern] {
			q.connect(b.Pattern)
		}
	}
	return o
}

// lock takes the lock of the exchange that o is in, and returns that.
func (o *owner) lock() *exchange {
	for {
		x := o.exchange.Load()
		x.mu.Lock()
		if o.exchange.Load() == x {
			return x
		}
		x.mu.Unlock() // it went to another one meanwhile
	}
}

// unlock undoes lock.
func (o *owner) unlock() { o.exchange.Load().unlock() }

// change makes o what it is declared as, and reports whether it could: not if it is
// forgotten or has to move to another exchange.
func (o *owner) change(to platform.Owner) bool {
	x := o.lock()
	defer x.unlock()
	if o.forgotten || x.name != to.Exchange {
		return false
	}
	if !o.listen.Equal(to.Listen) {
		x.filters.Release(o.filter)
		o.listen = slices.Clone(to.Listen)
		o.filter = x.filters.Obtain(o.listen)
	}
	return true
}

func (o *owner) add(topic string) *queue {
	q := newQueue(o, topic)
	o.topics[topic] = q
	return q
}

// find returns the queue of topic, or an error if there is none.
func (o *owner) find(topic string) (*queue, error) {
	q := o.topics[topic]
	if q == nil {
		return nil, fmt.Errorf("%w %q", platform.ErrUnknownTopic, topic)
	}
	return q, nil
}

// obtain returns the queue of topic and makes it if need be.
func (o *owner) obtain(topic string) (*queue, error) {
	if q := o.topics[topic]; q != nil {
		return q, nil
	}
	if err := o.config.CheckTopic(len(o.topics)-1, topic); err != nil {
		return nil, err
	}
	return o.add(topic), nil
}

func (o *owner) bind(topic, pattern string) error {
	q := o.topics[topic]
	if q != nil && q.patterns[pattern] {
		return nil
	}
	if err := o.config.CheckBinding(o.bindings, o.weight, pattern); err != nil {
		return err
	}
	made := q == nil
	q, err := o.obtain(topic)
	if err != nil {
		return err
	}
	if err := o.exchange.Load().bind(q, pattern); err != nil {
		if made {
			delete(o.topics, topic)
		}
		return err
	}
	return nil
}

func (o *owner) unbind(topic, pattern string) error {
	q, err := o.find(topic)
	if err != nil {
		return err
	}
	if !q.patterns[pattern] {
		return fmt.Errorf("%w: %s is not bound to %q", platform.ErrUnknownBinding, platform.QueueName(q.topic), pattern)
	}
	o.exchange.Load().unbind(q, pattern)
	return nil
}

func (o *owner) drop(topic string) error {
	q, err := o.find(topic)
	if err != nil {
		return err
	}
	if topic == "" {
		q.purge()
		return nil
	}
	o.exchange.Load().unbindAll(q)
	for pattern := range q.patterns {
		q.disconnect(pattern)
	}
	delete(o.topics, topic)
	q.end()
	return nil
}

// forget ends all queues of the owner, which has left its exchange.
func (o *owner) forget() {
	o.forgotten = true
	for _, q := range o.topics {
		q.end()
	}
	o.topics = nil
}

func (o *owner) list() []string {
	topics := make([]string, 0, len(o.topics)-1)
	for topic := range o.topics {
		if topic != "" {
			topics = append(topics, topic)
		}
	}
	slices.Sort(topics)
	return topics
}

// depths appends the status of each queue.
func (o *owner) depths(all []platform.QueueDepth) []platform.QueueDepth {
	x := o.lock()
	defer x.unlock()
	for topic, q := range o.topics {
		all = append(all, platform.QueueDepth{Owner: o.name, Topic: topic, Exchange: x.name, QueueStatus: q.status(), Published: q.came})
	}
	return all
}
