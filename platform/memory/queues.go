package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/shopex/prism-go/internal/topic"
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
	sheds sync.Mutex // held while room is made under the bound over all

	mu        sync.RWMutex // guards what follows; taken before the lock of an exchange
	owners    map[string]*owner
	exchanges map[string]*exchange // those that have owners
}

var (
	_ platform.Queues     = (*Queues)(nil)
	_ platform.QueueDrops = (*Queues)(nil)
)

// New returns an engine without messages. It copies config.
func New(config Config) *Queues {
	q := &Queues{owners: make(map[string]*owner), exchanges: make(map[string]*exchange)}
	q.set(config)
	return q
}

// NotifyDrops sets f, as [platform.QueueDrops] describes.
func (q *Queues) NotifyDrops(f func(owner, topic string, dropped uint64)) {
	told := onDrop(f)
	q.onDrop.Store(&told)
}

// Declare makes an owner or changes it, as [platform.Queues] describes. It returns
// [platform.ErrFanOut], and has changed nothing, if the owner has too many bindings for
// the exchange.
func (q *Queues) Declare(_ context.Context, name string, o platform.Owner) error {
	if known := q.find(name); known != nil && known.change(o) {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch known := q.owners[name]; {
	case known == nil:
		return q.enter(name, o)
	case known.change(o): // it has come, or moved, meanwhile
		return nil
	default:
		return q.move(known, o)
	}
}

// need makes an owner of which nothing is known, unless it is there.
func (q *Queues) need(name string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.owners[name] != nil {
		return nil
	}
	return q.enter(name, platform.Owner{})
}

// enter makes an owner that is not there. The caller holds q.mu.
func (q *Queues) enter(name string, is platform.Owner) error {
	o := newOwner(&q.shared, name, is)
	x := q.obtain(is.Exchange)
	x.mu.Lock()
	defer x.unlock()
	if err := x.admit(o); err != nil {
		return err
	}
	x.attach(o)
	q.owners[name], q.exchanges[x.name] = o, x
	return nil
}

// move moves an owner, which hears in the new exchange only what it may. Nothing else
// takes the lock of an exchange while it holds that of another one, and q.mu, which the
// caller holds, lets one move at a time.
func (q *Queues) move(o *owner, is platform.Owner) error {
	from := o.lock()
	defer from.unlock()
	to := q.obtain(is.Exchange)
	to.mu.Lock()
	defer to.unlock()
	if err := to.admit(o); err != nil {
		return err
	}
	from.detach(o)
	o.listen = slices.Clone(is.Listen)
	to.attach(o)
	q.exchanges[to.name] = to
	q.leave(from)
	return nil
}

// leave removes an exchange that has no owners any more. The caller holds q.mu.
func (q *Queues) leave(x *exchange) {
	if x.owners == 0 {
		delete(q.exchanges, x.name)
	}
}

// obtain returns an exchange, or a new one. The caller holds q.mu.
func (q *Queues) obtain(name string) *exchange {
	if x := q.exchanges[name]; x != nil {
		return x
	}
	return newExchange(&q.shared, name)
}

// lock returns the owner with this name and takes its lock. It makes the owner if there
// is none.
func (q *Queues) lock(name string) (*owner, error) {
	for {
		o := q.find(name)
		if o == nil {
			if err := q.need(name); err != nil {
				return nil, err
			}
			continue
		}
		if x := o.lock(); o.forgotten {
			x.unlock() // and is no longer in the map
			continue
		}
		return o, nil
	}
}

// lockQueue returns a queue, which must be there, and takes the lock of its owner.
func (q *Queues) lockQueue(owner, topic string) (*queue, error) {
	o, err := q.lock(owner)
	if err != nil {
		return nil, err
	}
	queue, err := o.find(topic)
	if err != nil {
		o.unlock()
		return nil, err
	}
	return queue, nil
}

func (q *Queues) find(name string) *owner {
	q.mu.RLock()
	defer q.mu.RUnlock()
	return q.owners[name]
}

// exchange returns an exchange, or nil if nobody is in it.
func (q *Queues) exchange(name string) *exchange {
	q.mu.RLock()
	defer q.mu.RUnlock()
	return q.exchanges[name]
}

// Expired returns how many messages were removed since New because they were older than
// [Config].MaxAge.
func (q *Queues) Expired() int64 { return q.expired.Load() }

// Publish stores messages, as [platform.Queues] describes. A message that has an ID
// already is in queues, and a copy of it is stored.
func (q *Queues) Publish(_ context.Context, exchange string, ms ...*platform.Message) (routed []int, err error) {
	routed = make([]int, 0, len(ms))
	x := q.exchange(exchange)
	if x == nil {
		return routed[:len(ms)], nil
	}
	x.mu.Lock()
	defer x.unlock()
	for _, m := range ms {
		n, err := q.publish(x, m)
		if err != nil {
			return routed, err
		}
		routed = append(routed, n)
	}
	return routed, nil
}

// publish publishes one message. Where that needs room under the bound over all, it lets
// the lock of x go for a while.
func (q *Queues) publish(x *exchange, m *platform.Message) (int, error) {
	for full := false; ; {
		n, more, err := x.publish(m, full)
		if more == (platform.Usage{}) {
			return n, err
		}
		x.unlock()
		full = !q.shed(more)
		x.mu.Lock()
	}
}

// Route returns how many queues a message with the key of m matches. It does not matter
// whether they are full.
func (q *Queues) Route(_ context.Context, exchange string, m *platform.Message) (int, error) {
	x := q.exchange(exchange)
	if x == nil {
		return 0, nil
	}
	x.mu.Lock()
	defer x.unlock()
	return len(x.targets(m.Key)), nil
}

// Routes returns the queues of an exchange with a binding that matches key.
func (q *Queues) Routes(_ context.Context, exchange, key string) ([]platform.QueueRoute, error) {
	x := q.exchange(exchange)
	if x == nil {
		return nil, nil
	}
	x.mu.Lock()
	defer x.unlock()
	x.round++
	var routes []platform.QueueRoute
	for _, q := range x.bindings.Match(key) {
		route := platform.QueueRoute{Owner: q.owner.name, Topic: q.topic, Barred: !q.owner.filter.Match(key, x.round)}
		for pattern := range q.patterns {
			if topic.MatchAny([]string{pattern}, key) {
				route.Patterns = append(route.Patterns, pattern)
			}
		}
		slices.Sort(route.Patterns)
		routes = append(routes, route)
	}
	return routes, nil
}

// Write stores m in the queue of topic, which is made if it is not there, or
// returns [platform.ErrQueueFull]. A queue that is set to drop does that instead. As with
// Publish, a message that has an ID is copied.
func (q *Queues) Write(_ context.Context, owner, topic string, m *platform.Message) error {
	for full := false; ; {
		more, err := q.write(owner, topic, m, full)
		if more == (platform.Usage{}) {
			return err
		}
		full = !q.shed(more)
	}
}

func (q *Queues) write(owner, topic string, m *platform.Message, full bool) (more platform.Usage, err error) {
	o, err := q.lock(owner)
	if err != nil {
		return more, err
	}
	defer o.unlock()
	to, err := o.obtain(topic)
	if err != nil {
		return more, err
	}
	return o.exchange.Load().write(m, to, full)
}

// Read removes up to n ready messages from the head of the queue and returns them, at
// once. They are never delivered again. For n below 1 there are none.
func (q *Queues) Read(_ context.Context, owner, topic string, n int) ([]*platform.Message, error) {
	queue, err := q.lockQueue(owner, topic)
	if err != nil {
		return nil, err
	}
	defer queue.owner.unlock()
	return queue.read(n), nil
}

// Consume adds a consumer to the queue of topic, which is made if it is not
// there. The consumer competes with the others until its Close.
func (q *Queues) Consume(_ context.Context, owner, topic, name string) (platform.Consumer, error) {
	return q.consume(owner, topic, name, false)
}

// Resume is Consume of a queue that is there.
func (q *Queues) Resume(_ context.Context, owner, topic, name string) (platform.Consumer, error) {
	queue, err := q.lockQueue(owner, topic)
	if err != nil {
		return nil, err
	}
	defer queue.owner.unlock()
	return newConsumer(queue, name), nil
}

// ConsumeAlone is Consume for one of several consumers of which the oldest works.
func (q *Queues) ConsumeAlone(_ context.Context, owner, topic, name string) (platform.Consumer, error) {
	return q.consume(owner, topic, name, true)
}

func (q *Queues) consume(owner, topic, name string, alone bool) (platform.Consumer, error) {
	o, err := q.lock(owner)
	if err != nil {
		return nil, err
	}
	defer o.unlock()
	queue, err := o.obtain(topic)
	if err != nil {
		return nil, err
	}
	c := newConsumer(queue, name)
	if alone {
		queue.alone = append(queue.alone, c)
	}
	return c, nil
}

// Create makes the queue of topic, if it is not there.
func (q *Queues) Create(_ context.Context, owner, topic string) error {
	o, err := q.lock(owner)
	if err != nil {
		return err
	}
	defer o.unlock()
	_, err = o.obtain(topic)
	return err
}

// Drop removes the queue of topic with its bindings and with all messages,
// those that consumers hold included; Fetch of its consumers returns
// [platform.ErrUnknownTopic]. For the default queue Drop is Purge. A topic of
// [Config].Bindings that is dropped and made again is not bound again.
func (q *Queues) Drop(_ context.Context, owner, topic string) error {
	o, err := q.lock(owner)
	if err != nil {
		return err
	}
	defer o.unlock()
	return o.drop(topic)
}

// Purge removes the ready messages. What consumers hold stays theirs, and
// returns to the queue when they close. What is parked stays so.
func (q *Queues) Purge(_ context.Context, owner, topic string) error {
	queue, err := q.lockQueue(owner, topic)
	if err != nil {
		return err
	}
	defer queue.owner.unlock()
	queue.purge()
	return nil
}

// Peek returns messages of the queue of topic, as [platform.Queues] describes. They are
// shared with the queue, and must not be changed.
func (q *Queues) Peek(_ context.Context, owner, topic string, after platform.MessageID, n int) ([]platform.Peeked, error) {
	if !after.IsZero() && (after.Log != q.log || after.Number == 0 || after.Number > q.numbers.Load()) {
		return nil, fmt.Errorf("%w %v", platform.ErrUnknownMessage, after)
	}
	queue, err := q.lockQueue(owner, topic)
	if err != nil {
		return nil, err
	}
	defer queue.owner.unlock()
	return queue.peek(after.Number, n), nil
}

// Park parks messages of the queue of topic, as [platform.Queues] describes. Those of one
// call are parked in the order of the queue.
func (q *Queues) Park(_ context.Context, owner, topic, reason, by string, ids ...platform.MessageID) (int, error) {
	return q.eachOf(owner, topic, ids, func(queue *queue, numbers []uint64) int { return queue.park(reason, by, numbers) })
}

// Parked returns parked messages of the queue of topic. They are shared with the queue,
// and must not be changed. Only the number of after counts.
func (q *Queues) Parked(_ context.Context, owner, topic string, after platform.MessageID, n int) ([]platform.Parked, error) {
	queue, err := q.lockQueue(owner, topic)
	if err != nil {
		return nil, err
	}
	defer queue.owner.unlock()
	return queue.parked.list(after.Number, n), nil
}

// Unpark makes parked messages of the queue of topic ready. One that is older than
// [Config].MaxAge stays parked.
func (q *Queues) Unpark(_ context.Context, owner, topic string, ids ...platform.MessageID) (int, error) {
	return q.eachOf(owner, topic, ids, (*queue).unpark)
}

// Discard removes parked messages of the queue of topic.
func (q *Queues) Discard(_ context.Context, owner, topic string, ids ...platform.MessageID) (int, error) {
	return q.eachOf(owner, topic, ids, (*queue).discard)
}

// eachOf does something with those messages of a queue that this engine has named. It
// gets their numbers, which ascend, and returns how many it was done with.
func (q *Queues) eachOf(owner, topic string, ids []platform.MessageID, do func(*queue, []uint64) int) (int, error) {
	var numbers []uint64
	for _, id := range ids {
		if id.Log == q.log {
			numbers = append(numbers, id.Number)
		}
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	queue, err := q.lockQueue(owner, topic)
	if err != nil {
		return 0, err
	}
	defer queue.owner.unlock()
	return do(queue, numbers), nil
}

// Bind sends messages whose routing key matches pattern to the queue of
// topic, which is made if it is not there. Any text is a pattern.
func (q *Queues) Bind(_ context.Context, owner, topic, pattern string) error {
	o, err := q.lock(owner)
	if err != nil {
		return err
	}
	defer o.unlock()
	return o.bind(topic, pattern)
}

// Unbind undoes Bind, or a binding of [Config].Bindings for this owner until
// Forget.
func (q *Queues) Unbind(_ context.Context, owner, topic, pattern string) error {
	o, err := q.lock(owner)
	if err != nil {
		return err
	}
	defer o.unlock()
	return o.unbind(topic, pattern)
}

// SetLimits replaces the limits of the queue of topic. A negative number is no limit.
func (q *Queues) SetLimits(_ context.Context, owner, topic string, l platform.QueueLimits) error {
	if err := l.Overflow.Check(); err != nil {
		return err
	}
	queue, err := q.lockQueue(owner, topic)
	if err != nil {
		return err
	}
	defer queue.owner.unlock()
	queue.limit(l)
	queue.count()
	return nil
}

// Bindings returns the bindings of the queue of topic, sorted by the bytes of the
// patterns.
func (q *Queues) Bindings(_ context.Context, owner, topic string) ([]platform.Binding, error) {
	queue, err := q.lockQueue(owner, topic)
	if err != nil {
		return nil, err
	}
	defer queue.owner.unlock()
	bindings := make([]platform.Binding, 0, len(queue.patterns))
	for _, pattern := range slices.Sorted(maps.Keys(queue.patterns)) {
		bindings = append(bindings, platform.Binding{Pattern: pattern, Topic: topic})
	}
	return bindings, nil
}

// Limits returns [Config].MaxMessages and MaxBytes.
func (q *Queues) Limits() (messages int, bytes int64) { return q.config.MaxMessages, q.config.MaxBytes }

// Status counts the queue of topic.
func (q *Queues) Status(_ context.Context, owner, topic string) (platform.QueueStatus, error) {
	queue, err := q.lockQueue(owner, topic)
	if err != nil {
		return platform.QueueStatus{}, err
	}
	defer queue.owner.unlock()
	return queue.status(), nil
}

// List returns the owner's named topics, sorted by their bytes.
func (q *Queues) List(_ context.Context, owner string) ([]string, error) {
	o, err := q.lock(owner)
	if err != nil {
		return nil, err
	}
	defer o.unlock()
	return o.list(), nil
}

// Forget removes all queues of owner, as Drop would, and the default queue too.
func (q *Queues) Forget(_ context.Context, owner string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	o := q.owners[owner]
	if o == nil {
		return nil
	}
	delete(q.owners, owner)
	x := o.lock()
	defer x.unlock()
	x.detach(o)
	o.forget()
	q.leave(x)
	return nil
}

// Depths counts every queue of every owner. Each owner is counted at a moment
// of its own.
func (q *Queues) Depths(context.Context) ([]platform.QueueDepth, error) {
	var all []platform.QueueDepth
	for _, o := range q.everyOwner() {
		all = o.depths(all)
	}
	return all, nil
}

func (q *Queues) everyOwner() []*owner {
	q.mu.RLock()
	defer q.mu.RUnlock()
	return slices.Collect(maps.Values(q.owners))
}

func (q *Queues) everyExchange() []*exchange {
	q.mu.RLock()
	defer q.mu.RUnlock()
	return slices.Collect(maps.Values(q.exchanges))
}
