package memory

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/shopex/prism-go/internal/steady"
	"github.com/shopex/prism-go/platform"
)

// Queues holds the messages of any number of owners, as [platform.Queues]
// describes. Make one with [New]. Its methods may be called from any number
// of goroutines. They never wait and ignore their context; only the Fetch of a
// consumer waits. An owner is made when a method first names it, and is kept, empty or
// not, until Forget: let only keys that exist be owners.
//
// For an unknown topic, a method that does not make topics returns
// [platform.ErrUnknownTopic]. A method that makes topics returns
// [platform.ErrTooManyTopics] at the bound of the owner, and Bind
// [platform.ErrTooManyBindings] at its own. The text of an error names the queue
// and the limit.
type Queues struct {
	shared

	mu     sync.RWMutex // guards owners
	owners map[string]*owner
}

var _ platform.Queues = (*Queues)(nil)

// New returns an engine without messages. It copies config.
func New(config Config) *Queues {
	q := &Queues{shared: shared{config: config.WithDefaults()}, owners: make(map[string]*owner)}
	if config.MaxAge > 0 {
		q.ages = steady.New(time.Now(), agePatience)
	}
	return q
}

// lock returns the owner with this name, locked. It makes the owner if there is none.
func (q *Queues) lock(name string) *owner {
	for {
		o := q.find(name)
		if o == nil {
			o = q.enter(name)
		}
		o.mu.Lock()
		if !o.forgotten {
			return o
		}
		o.mu.Unlock() // it was forgotten, and is no longer in the map
	}
}

func (q *Queues) find(name string) *owner {
	q.mu.RLock()
	defer q.mu.RUnlock()
	return q.owners[name]
}

func (q *Queues) enter(name string) *owner {
	q.mu.Lock()
	defer q.mu.Unlock()
	o := q.owners[name]
	if o == nil {
		o = newOwner(&q.shared)
		q.owners[name] = o
	}
	return o
}

// Expired returns how many messages were removed since New because they were older than
// [Config].MaxAge.
func (q *Queues) Expired() int64 { return q.expired.Load() }

// Publish stores each message in every queue of the exchange that has a binding
// for its key, or in none and returns [platform.ErrQueueFull]. A message that
// matches no queue is dropped.
func (q *Queues) Publish(_ context.Context, exchange string, ms ...*platform.Message) (stored int, err error) {
	o := q.lock(exchange)
	defer o.mu.Unlock()
	for i, m := range ms {
		if err := o.publish(m); err != nil {
			return i, err
		}
	}
	return len(ms), nil
}

// Write stores m in the queue of topic, which is made if it is not there, or
// returns [platform.ErrQueueFull].
func (q *Queues) Write(_ context.Context, owner, topic string, m *platform.Message) error {
	o := q.lock(owner)
	defer o.mu.Unlock()
	to, err := o.obtain(topic)
	if err != nil {
		return err
	}
	if err := o.checkLimits([]*queue{to}, m); err != nil {
		return err
	}
	to.put(m)
	return nil
}

// Read removes up to n ready messages from the head of the queue and returns them, at
// once. They are never delivered again. For n below 1 there are none.
func (q *Queues) Read(_ context.Context, owner, topic string, n int) ([]*platform.Message, error) {
	o := q.lock(owner)
	defer o.mu.Unlock()
	queue, err := o.find(topic)
	if err != nil {
		return nil, err
	}
	return queue.read(n), nil
}

// Consume adds a consumer to the queue of topic, which is made if it is not
// there. The consumer competes with the others until its Close.
func (q *Queues) Consume(_ context.Context, owner, topic string) (platform.Consumer, error) {
	o := q.lock(owner)
	defer o.mu.Unlock()
	queue, err := o.obtain(topic)
	if err != nil {
		return nil, err
	}
	return newConsumer(o, queue), nil
}

// Resume is Consume of a queue that is there.
func (q *Queues) Resume(_ context.Context, owner, topic string) (platform.Consumer, error) {
	o := q.lock(owner)
	defer o.mu.Unlock()
	queue, err := o.find(topic)
	if err != nil {
		return nil, err
	}
	return newConsumer(o, queue), nil
}

// Create makes the queue of topic, if it is not there.
func (q *Queues) Create(_ context.Context, owner, topic string) error {
	o := q.lock(owner)
	defer o.mu.Unlock()
	_, err := o.obtain(topic)
	return err
}

// Drop removes the queue of topic with its bindings and with all messages,
// those that consumers hold included; Fetch of its consumers returns
// [platform.ErrUnknownTopic]. For the default queue Drop is Purge. A topic of
// [Config].Bindings that is dropped and made again is not bound again.
func (q *Queues) Drop(_ context.Context, owner, topic string) error {
	o := q.lock(owner)
	defer o.mu.Unlock()
	return o.drop(topic)
}

// Purge removes the ready messages. What consumers hold stays theirs, and
// returns to the queue when they close.
func (q *Queues) Purge(_ context.Context, owner, topic string) error {
	o := q.lock(owner)
	defer o.mu.Unlock()
	queue, err := o.find(topic)
	if err != nil {
		return err
	}
	queue.purge()
	return nil
}

// Bind sends messages whose routing key matches pattern to the queue of
// topic, which is made if it is not there. Any text is a pattern.
func (q *Queues) Bind(_ context.Context, owner, topic, pattern string) error {
	o := q.lock(owner)
	defer o.mu.Unlock()
	return o.bind(topic, pattern)
}

// Unbind undoes Bind, or a binding of [Config].Bindings for this owner until
// Forget.
func (q *Queues) Unbind(_ context.Context, owner, topic, pattern string) error {
	o := q.lock(owner)
	defer o.mu.Unlock()
	return o.unbind(topic, pattern)
}

// Bindings returns the patterns of the queue of topic, sorted by their bytes.
func (q *Queues) Bindings(_ context.Context, owner, topic string) ([]string, error) {
	o := q.lock(owner)
	defer o.mu.Unlock()
	queue, err := o.find(topic)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(queue.patterns)), nil
}

// Limits returns [Config].MaxMessages and MaxBytes.
func (q *Queues) Limits() (messages int, bytes int64) { return q.config.MaxMessages, q.config.MaxBytes }

// Status counts the queue of topic.
func (q *Queues) Status(_ context.Context, owner, topic string) (platform.QueueStatus, error) {
	o := q.lock(owner)
	defer o.mu.Unlock()
	queue, err := o.find(topic)
	if err != nil {
		return platform.QueueStatus{}, err
	}
	return queue.status(), nil
}

// List returns the owner's named topics, sorted by their bytes.
func (q *Queues) List(_ context.Context, owner string) ([]string, error) {
	o := q.lock(owner)
	defer o.mu.Unlock()
	return o.list(), nil
}

// Forget removes all queues of owner, as Drop would, and the default queue too.
// An owner that is named again begins with [Config].Bindings.
func (q *Queues) Forget(_ context.Context, owner string) error {
	if o := q.remove(owner); o != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.forget()
	}
	return nil
}

// remove removes an owner from the map and returns it, or nil if there is none.
func (q *Queues) remove(name string) *owner {
	q.mu.Lock()
	defer q.mu.Unlock()
	o := q.owners[name]
	delete(q.owners, name)
	return o
}

// Depths counts every queue of every owner. Each owner is counted at a moment
// of its own.
func (q *Queues) Depths(context.Context) ([]platform.QueueDepth, error) {
	var all []platform.QueueDepth
	for name, o := range q.everyOwner() {
		all = o.depths(name, all)
	}
	return all, nil
}

func (q *Queues) everyOwner() map[string]*owner {
	q.mu.RLock()
	defer q.mu.RUnlock()
	return maps.Clone(q.owners)
}
