package jetstream

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/shopex/prism-go/platform"
)

// Declare makes an owner with its default queue and first bindings, or changes the
// exchange of an owner and what it may listen to. It stores something only if that
// differs. There are at most 1,000 first bindings. Beyond MaxFanOut the error is
// [platform.ErrFanOut].
func (e *Engine) Declare(ctx context.Context, name string, as platform.Owner) error {
	as.Listen, as.Bindings = slices.Clone(as.Listen), slices.Clone(as.Bindings) // the committer may read them after the caller has given up
	if e.alone && e.isDeclared(name, as) {
		return cmp.Or(ctx.Err(), e.server.lostError())
	}
	return e.do(ctx, func(d *draft) error {
		if o := d.state.owners[name]; o != nil {
			return d.redeclare(o, as)
		}
		return d.makeOwner(name, as)
	}, nil)
}

func (e *Engine) isDeclared(name string, as platform.Owner) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	o := e.state.owners[name]
	return o != nil && o.isAs(as)
}

// Publish stores each message in every queue of the exchange that has a binding
// for its key and an owner that may listen to it. If one of them refuses it, it is in
// none, and the error is [platform.ErrQueueFull]. A message that matches no queue is
// dropped. As many as fit into one record are stored at once. The publisher need not
// be an owner. A queue that loses the message does not count among the routed.
func (e *Engine) Publish(ctx context.Context, exchange string, ms ...*platform.Message) (routed []int, err error) {
	copies := copied(ms) // the committer may read them after the caller has given up
	for len(routed) < len(ms) {
		some, err := e.publishSome(ctx, exchange, copies[len(routed):])
		tellIDs(ms[len(routed):], copies[len(routed):][:len(some)])
		routed = append(routed, some...)
		if err != nil {
			return routed, err
		}
	}
	return routed, nil
}

// publishSome stores as many messages as fit into one record. It returns both counts
// and an error when it has stored some and the next one was refused.
func (e *Engine) publishSome(ctx context.Context, exchange string, ms []*platform.Message) ([]int, error) {
	var routed []int // the committer may write both unless do returns nil
	var refused error
	err := e.do(ctx, func(d *draft) (err error) {
		routed, refused = nil, nil
		for err == nil && len(routed) < len(ms) && !(len(routed) > 0 && d.full()) {
			m, n := ms[len(routed)], 0
			if n, err = d.put(d.state.route(exchange, m), m.ClientID, m); err == nil {
				routed = append(routed, n)
			}
		}
		if len(routed) == 0 || err == nil {
			return err
		}
		if !errors.Is(err, errAgain) { // those without room go into the next record
			refused = err
		}
		return nil
	}, nil)
	if err != nil {
		return nil, err
	}
	return routed, refused
}

// Route returns to how many queues Publish would route m now, if all had room.
func (e *Engine) Route(ctx context.Context, exchange string, m *platform.Message) (int, error) {
	var n int
	err := e.query(ctx, func(d *draft) error {
		n = len(d.state.route(exchange, m))
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Routes returns the queues of an exchange with a binding that matches key.
func (e *Engine) Routes(ctx context.Context, exchange, key string) ([]platform.QueueRoute, error) {
	var routes []platform.QueueRoute
	err := e.query(ctx, func(d *draft) error {
		routes = d.state.allRoutes(exchange, key)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return routes, nil
}

// Write stores m in the queue of topic, which is made if it is not there, or
// returns [platform.ErrQueueFull]. It counts as a message of the owner.
func (e *Engine) Write(ctx context.Context, owner, topic string, m *platform.Message) error {
	copies := copied([]*platform.Message{m})
	err := e.do(ctx, func(d *draft) error {
		q, err := d.obtain(owner, topic)
		if err != nil {
			return err
		}
		_, err = d.put([]*queue{q}, owner, copies[0])
		return err
	}, nil)
	if err == nil {
		m.ID = copies[0].ID
	}
	return err
}

// Read removes up to n ready messages from the head of the queue and returns
// them, at once. It holds them while it reads them, so that they go back if
// that fails.
func (e *Engine) Read(ctx context.Context, owner, topic string, n int) ([]*platform.Message, error) {
	q, err := e.find(ctx, owner, topic)
	if err != nil || n < 1 {
		return nil, err
	}
	c := e.newConsumer(q, 1, "")
	defer c.Close()
	return c.read(ctx, n)
}

// read passes over messages that are too old, and removes them with those that it
// returns.
func (c *consumer) read(ctx context.Context, n int) ([]*platform.Message, error) {
	var messages []*platform.Message
	var taken []item
	for len(messages) < n {
		items, err := c.lease(ctx, n-len(messages), math.MaxInt)
		if err != nil {
			return nil, err
		}
		if len(items) == 0 {
			break
		}
		items, facts, err := c.engine.messages(ctx, c.queue, items)
		if err != nil {
			return nil, err
		}
		taken = append(taken, items...)
		for _, f := range facts {
			if !c.engine.old(f.message) {
				messages = append(messages, f.message)
			}
		}
	}
	if err := c.Ack(ctx, numbersOf(taken)...); err != nil {
		return nil, err
	}
	return messages, nil
}

// find returns the id of the queue of topic, or an error if there is none.
func (e *Engine) find(ctx context.Context, owner, topic string) (uint64, error) {
	var id uint64
	err := e.query(ctx, func(d *draft) error {
		q, err := d.queue(owner, topic)
		if err == nil {
			id = q.id
		}
		return err
	})
	if err != nil {
		return 0, err // and id may still be written to
	}
	return id, nil
}

// query is do for an operation that changes nothing, except that it may make the
// owner. An engine that has its log to itself need not wait for the committer.
func (e *Engine) query(ctx context.Context, run func(d *draft) error) error {
	if e.alone && ctx.Err() == nil && e.ctx.Err() == nil {
		e.mu.Lock()
		e.rounds++
		d := &draft{config: &e.config, state: e.state, round: e.rounds, largest: e.largest, made: make(map[string]bool)}
		err := run(d)
		e.mu.Unlock()
		if len(d.facts) == 0 {
			return err
		}
	}
	return e.do(ctx, run, nil)
}

// Consume adds a consumer to the queue of topic, which is made if it is not
// there. The consumer competes with the others, those of other engines too,
// until its Close. Of a name of more than 256 bytes, Peek shows the beginning.
func (e *Engine) Consume(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	return e.consume(ctx, name, false, func(d *draft) (*queue, error) { return d.obtain(owner, topic) })
}

// Resume is Consume of a queue that is there.
func (e *Engine) Resume(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	return e.consume(ctx, name, false, func(d *draft) (*queue, error) { return d.queue(owner, topic) })
}

func (e *Engine) consume(ctx context.Context, name string, alone bool, find func(d *draft) (*queue, error)) (platform.Consumer, error) {
	var id uint64
	err := e.do(ctx, func(d *draft) error {
		q, err := find(d)
		if err == nil {
			id = q.id
		}
		return err
	}, nil)
	if err != nil {
		return nil, err
	}
	c := e.newConsumer(id, 0, shortName(name))
	c.alone = alone
	if err := c.join(ctx); err != nil {
		e.forget(c)
		return nil, err
	}
	return c, nil
}

// newConsumer returns a consumer that the queue does not know yet. The lowest bit of
// its id says whether it belongs to a call of Read.
func (e *Engine) newConsumer(queue, reads uint64, name string) *consumer {
	var b [8]byte
	rand.Read(b[:])
	id := binary.LittleEndian.Uint64(b[:])&^1 | reads
	c := &consumer{engine: e, queue: queue, id: id, name: name, wake: make(chan struct{}, 1)}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.local[c] = struct{}{}
	return c
}

func (e *Engine) forget(c *consumer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.local, c)
}

// Create makes the queue of topic, if it is not there.
func (e *Engine) Create(ctx context.Context, owner, topic string) error {
	return e.do(ctx, func(d *draft) error {
		_, err := d.obtain(owner, topic)
		return err
	}, nil)
}

// Drop removes the queue of topic with its bindings and with all messages,
// those that consumers hold included; Fetch of its consumers returns
// [platform.ErrUnknownTopic]. For the default queue Drop is Purge. A topic of
// [Config].Bindings that is dropped and made again is not bound again.
func (e *Engine) Drop(ctx context.Context, owner, topic string) error {
	if topic == "" {
		return e.Purge(ctx, owner, topic)
	}
	return e.changeQueue(ctx, owner, topic, func(q *queue) fact { return fact{kind: factDrop, queue: q.id} })
}

// Forget removes all queues of owner, as Drop would, and the default queue too.
// An owner that is named again begins with [Config].Bindings. One of a great many
// queues is forgotten in several steps, between which it can still be used.
func (e *Engine) Forget(ctx context.Context, owner string) error {
	return e.do(ctx, func(d *draft) error { return d.forget(owner) }, nil)
}

// Purge removes the ready messages. What consumers hold stays theirs, and
// returns to the queue when they close.
func (e *Engine) Purge(ctx context.Context, owner, topic string) error {
	return e.changeQueue(ctx, owner, topic, func(q *queue) fact {
		return fact{kind: factPurge, queue: q.id, number: numberOf(e.state.applied+1, 0), numbers: slices.Sorted(maps.Keys(q.held))}
	})
}

// changeQueue stores the fact that change returns. It calls change with mu held.
func (e *Engine) changeQueue(ctx context.Context, owner, topic string, change func(q *queue) fact) error {
	return e.do(ctx, func(d *draft) error {
		q, err := d.queue(owner, topic)
		if err != nil {
			return err
		}
		return d.change(q.owner, change(q))
	}, nil)
}

// SetLimits replaces the limits of the queue of topic, which stay with it. A negative
// number is no limit.
func (e *Engine) SetLimits(ctx context.Context, owner, topic string, l platform.QueueLimits) error {
	if err := l.Overflow.Check(); err != nil {
		return err
	}
	return e.do(ctx, func(d *draft) error {
		q, err := d.queue(owner, topic)
		if err != nil || q.limits == l {
			return err
		}
		f := fact{kind: factLimits, queue: q.id, text: string(l.Overflow), numbers: []uint64{uint64(l.MaxMessages), uint64(l.MaxBytes)}}
		if l.MaxAttempts != 0 {
			f.numbers = append(f.numbers, uint64(l.MaxAttempts))
		}
		if err := d.checkSize(&f, 0); err != nil {
			return err
		}
		d.emit(q.owner, f)
		return nil
	}, nil)
}

// Bind sends messages whose routing key matches pattern, and to which the owner may
// listen, to the queue of topic, which is made if it is not there. Any text is a
// pattern. A binding that an earlier version made, for what its own owner publishes, is
// replaced. Beyond MaxFanOut the error is [platform.ErrFanOut].
func (e *Engine) Bind(ctx context.Context, owner, topic, pattern string) error {
	return e.do(ctx, func(d *draft) error {
		o, err := d.owner(owner)
		if err != nil {
			return err
		}
		bound, was := false, binding{}
		if q := o.topics[topic]; q != nil {
			if was, bound = q.patterns[pattern]; bound && !was.own {
				return nil
			}
		}
		if err := d.config.CheckBinding(o.bindings, o.weight, pattern); err != nil && !bound {
			return err
		}
		if err := d.checkBind(o, topic, pattern); err != nil {
			return err
		}
		q, err := d.obtain(owner, topic)
		if err != nil {
			return err
		}
		err = d.change(o, fact{kind: factRoute, queue: q.id, text: pattern})
		if err == nil {
			d.noteBindings(o.exchange.name, 1)
		}
		return err
	}, nil)
}

// Unbind undoes Bind, or a binding of [Config].Bindings for this owner until
// Forget.
func (e *Engine) Unbind(ctx context.Context, owner, topic, pattern string) error {
	return e.do(ctx, func(d *draft) error {
		q, err := d.queue(owner, topic)
		if err != nil {
			return err
		}
		if _, bound := q.patterns[pattern]; !bound {
			return fmt.Errorf("%w: %s is not bound to %q", platform.ErrUnknownBinding, platform.QueueName(q.topic), pattern)
		}
		return d.change(q.owner, fact{kind: factUnbind, queue: q.id, text: pattern})
	}, nil)
}

// Bindings returns the bindings of the queue of topic, sorted by the bytes of their
// patterns.
func (e *Engine) Bindings(ctx context.Context, owner, topic string) ([]platform.Binding, error) {
	var bindings []platform.Binding
	err := e.query(ctx, func(d *draft) error {
		q, err := d.queue(owner, topic)
		if err != nil {
			return err
		}
		bindings = nil
		for _, pattern := range slices.Sorted(maps.Keys(q.patterns)) {
			bindings = append(bindings, platform.Binding{Pattern: pattern, Topic: topic, Own: q.patterns[pattern].own})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return bindings, nil
}

// Limits returns [Config].MaxMessages and MaxBytes.
func (e *Engine) Limits() (messages int, bytes int64) {
	return e.config.MaxMessages, e.config.MaxBytes
}

// Status counts the queue of topic.
func (e *Engine) Status(ctx context.Context, owner, topic string) (platform.QueueStatus, error) {
	var status platform.QueueStatus
	err := e.query(ctx, func(d *draft) error {
		q, err := d.queue(owner, topic)
		if err == nil {
			status = q.statusIn(d.config)
		}
		return err
	})
	if err != nil {
		return platform.QueueStatus{}, err
	}
	return status, nil
}

// List returns the owner's named topics, sorted by their bytes.
func (e *Engine) List(ctx context.Context, owner string) ([]string, error) {
	var topics []string
	err := e.query(ctx, func(d *draft) error {
		o, err := d.owner(owner)
		if err == nil {
			topics = o.list()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return topics, nil
}

// Depths counts every queue of every owner, all at one moment. Nothing else
// happens in that moment, so it is not for each request.
func (e *Engine) Depths(ctx context.Context) ([]platform.QueueDepth, error) {
	var all []platform.QueueDepth
	err := e.query(ctx, func(d *draft) error {
		all = make([]platform.QueueDepth, 0, len(d.state.queues))
		for _, q := range d.state.queues {
			all = append(all, platform.QueueDepth{Owner: q.owner.name, Topic: q.topic, Exchange: q.owner.exchange.name, QueueStatus: q.statusIn(d.config), Published: q.published()})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
