package memory

import (
	"fmt"
	"slices"
	"sync"

	"github.com/shopex/prism-go/internal/topic"
	"github.com/shopex/prism-go/platform"
)

// An owner has the queues and bindings of one key.
type owner struct {
	*shared
	own usage

	mu       sync.Mutex // guards what follows, and the queues and consumers
	topics   map[string]*queue
	bindings topic.Bindings[*queue]

	forgotten bool // it is no longer in Queues.owners, so callers must look it up again
}

func newOwner(s *shared) *owner {
	o := &owner{shared: s, topics: make(map[string]*queue)}
	o.add("")
	for _, b := range s.config.Bindings {
		q := o.topics[b.Topic]
		if q == nil {
			q = o.add(b.Topic)
		}
		o.connect(q, b.Pattern)
	}
	return o
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

// publish checks the limits of all matching queues before it puts m into the first.
func (o *owner) publish(m *platform.Message) error {
	matched := o.bindings.Match(m.Key)
	if err := o.checkLimits(matched, m); err != nil {
		return err
	}
	for _, q := range matched {
		q.put(m)
	}
	return nil
}

// checkLimits returns an error if m in all of queues would exceed a limit.
func (o *owner) checkLimits(queues []*queue, m *platform.Message) error {
	for _, q := range queues {
		if err := q.checkLimits(m); err != nil {
			return err
		}
	}
	n := int64(len(queues))
	more := platform.Usage{Messages: n, Bytes: n * m.Size()}
	if err := o.config.CheckOwner(o.own.now(), more); err != nil {
		return err
	}
	return o.config.CheckTotal(o.total.now(), more)
}

func (o *owner) bind(topic, pattern string) error {
	q := o.topics[topic]
	if q != nil && q.patterns[pattern] {
		return nil
	}
	bindings, words := o.bindings.Size()
	if err := o.config.CheckBinding(bindings, words, pattern); err != nil {
		return err
	}
	q, err := o.obtain(topic)
	if err != nil {
		return err
	}
	o.connect(q, pattern)
	return nil
}

func (o *owner) connect(q *queue, pattern string) {
	if q.patterns[pattern] {
		return
	}
	q.patterns[pattern] = true
	o.bindings.Add(pattern, q)
}

func (o *owner) unbind(topic, pattern string) error {
	q, err := o.find(topic)
	if err != nil {
		return err
	}
	if !q.patterns[pattern] {
		return fmt.Errorf("%w: %s is not bound to %q", platform.ErrUnknownBinding, platform.QueueName(q.topic), pattern)
	}
	o.bindings.Remove(pattern, q)
	delete(q.patterns, pattern)
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
	for pattern := range q.patterns {
		o.bindings.Remove(pattern, q)
	}
	delete(o.topics, topic)
	q.end()
	return nil
}

// forget ends all queues of the owner.
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
func (o *owner) depths(name string, all []platform.QueueDepth) []platform.QueueDepth {
	o.mu.Lock()
	defer o.mu.Unlock()
	for topic, q := range o.topics {
		all = append(all, platform.QueueDepth{Owner: name, Topic: topic, QueueStatus: q.status()})
	}
	return all
}
