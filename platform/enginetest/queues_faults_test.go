package enginetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// A faultyQueues engine does what its functions say, else what the good one does.
type faultyQueues struct {
	platform.Queues
	declare   func(ctx context.Context, name string, o platform.Owner) error
	publish   func(ctx context.Context, exchange string, ms ...*platform.Message) ([]int, error)
	route     func(ctx context.Context, exchange string, m *platform.Message) (int, error)
	write     func(ctx context.Context, owner, topic string, m *platform.Message) error
	read      func(ctx context.Context, owner, topic string, n int) ([]*platform.Message, error)
	peek      func(ctx context.Context, owner, topic string, after platform.MessageID, n int) ([]platform.Peeked, error)
	consume   func(ctx context.Context, owner, topic, name string) (platform.Consumer, error)
	create    func(ctx context.Context, owner, topic string) error
	drop      func(ctx context.Context, owner, topic string) error
	purge     func(ctx context.Context, owner, topic string) error
	setLimits func(ctx context.Context, owner, topic string, l platform.QueueLimits) error
	bind      func(ctx context.Context, owner, topic, pattern string) error
	unbind    func(ctx context.Context, owner, topic, pattern string) error
	status    func(ctx context.Context, owner, topic string) (platform.QueueStatus, error)
	list      func(ctx context.Context, owner string) ([]string, error)
	depths    func(ctx context.Context) ([]platform.QueueDepth, error)
	forget    func(ctx context.Context, owner string) error
	notify    func(f func(owner, topic string, dropped uint64))

	consumeAlone func(ctx context.Context, owner, topic, name string) (platform.Consumer, error)
	park         func(ctx context.Context, owner, topic, reason, by string, ids ...platform.MessageID) (int, error)
	parked       func(ctx context.Context, owner, topic string, after platform.MessageID, n int) ([]platform.Parked, error)
	unpark       func(ctx context.Context, owner, topic string, ids ...platform.MessageID) (int, error)
	discard      func(ctx context.Context, owner, topic string, ids ...platform.MessageID) (int, error)
}

func spoilQueues(good platform.Queues) *faultyQueues {
	return &faultyQueues{
		good, good.Declare, good.Publish, good.Route, good.Write, good.Read, good.Peek, good.Consume, good.Create, good.Drop, good.Purge, good.SetLimits,
		good.Bind, good.Unbind, good.Status, good.List, good.(platform.QueueDepths).Depths, good.Forget, good.(platform.QueueDrops).NotifyDrops,
		good.ConsumeAlone, good.Park, good.Parked, good.Unpark, good.Discard,
	}
}

func (f *faultyQueues) Declare(ctx context.Context, name string, o platform.Owner) error {
	return f.declare(ctx, name, o)
}

func (f *faultyQueues) Publish(ctx context.Context, exchange string, ms ...*platform.Message) ([]int, error) {
	return f.publish(ctx, exchange, ms...)
}

// oneByOne is Publish by one after the other.
func oneByOne(publish func(ctx context.Context, exchange string, m *platform.Message) (int, error)) func(ctx context.Context, exchange string, ms ...*platform.Message) ([]int, error) {
	return func(ctx context.Context, exchange string, ms ...*platform.Message) (routed []int, err error) {
		for _, m := range ms {
			n, err := publish(ctx, exchange, m)
			if err != nil {
				return routed, err
			}
			routed = append(routed, n)
		}
		return routed, nil
	}
}

// publishOne publishes one message with the good engine.
func publishOne(ctx context.Context, good platform.Queues, exchange string, m *platform.Message) (int, error) {
	routed, err := good.Publish(ctx, exchange, m)
	if err != nil {
		return 0, err
	}
	return routed[0], nil
}

func (f *faultyQueues) Route(ctx context.Context, exchange string, m *platform.Message) (int, error) {
	return f.route(ctx, exchange, m)
}

func (f *faultyQueues) Write(ctx context.Context, owner, topic string, m *platform.Message) error {
	return f.write(ctx, owner, topic, m)
}

func (f *faultyQueues) Read(ctx context.Context, owner, topic string, n int) ([]*platform.Message, error) {
	return f.read(ctx, owner, topic, n)
}

func (f *faultyQueues) Peek(ctx context.Context, owner, topic string, after platform.MessageID, n int) ([]platform.Peeked, error) {
	return f.peek(ctx, owner, topic, after, n)
}

func (f *faultyQueues) Consume(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	return f.consume(ctx, owner, topic, name)
}

func (f *faultyQueues) Create(ctx context.Context, owner, topic string) error {
	return f.create(ctx, owner, topic)
}

func (f *faultyQueues) Drop(ctx context.Context, owner, topic string) error {
	return f.drop(ctx, owner, topic)
}

func (f *faultyQueues) Purge(ctx context.Context, owner, topic string) error {
	return f.purge(ctx, owner, topic)
}

func (f *faultyQueues) SetLimits(ctx context.Context, owner, topic string, l platform.QueueLimits) error {
	return f.setLimits(ctx, owner, topic, l)
}

func (f *faultyQueues) Bind(ctx context.Context, owner, topic, pattern string) error {
	return f.bind(ctx, owner, topic, pattern)
}

func (f *faultyQueues) Unbind(ctx context.Context, owner, topic, pattern string) error {
	return f.unbind(ctx, owner, topic, pattern)
}

func (f *faultyQueues) Status(ctx context.Context, owner, topic string) (platform.QueueStatus, error) {
	return f.status(ctx, owner, topic)
}

func (f *faultyQueues) List(ctx context.Context, owner string) ([]string, error) {
	return f.list(ctx, owner)
}

func (f *faultyQueues) Forget(ctx context.Context, owner string) error { return f.forget(ctx, owner) }

func (f *faultyQueues) Depths(ctx context.Context) ([]platform.QueueDepth, error) {
	return f.depths(ctx)
}

func (f *faultyQueues) ConsumeAlone(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	return f.consumeAlone(ctx, owner, topic, name)
}

func (f *faultyQueues) Park(ctx context.Context, owner, topic, reason, by string, ids ...platform.MessageID) (int, error) {
	return f.park(ctx, owner, topic, reason, by, ids...)
}

func (f *faultyQueues) Parked(ctx context.Context, owner, topic string, after platform.MessageID, n int) ([]platform.Parked, error) {
	return f.parked(ctx, owner, topic, after, n)
}

func (f *faultyQueues) Unpark(ctx context.Context, owner, topic string, ids ...platform.MessageID) (int, error) {
	return f.unpark(ctx, owner, topic, ids...)
}

func (f *faultyQueues) Discard(ctx context.Context, owner, topic string, ids ...platform.MessageID) (int, error) {
	return f.discard(ctx, owner, topic, ids...)
}

func (f *faultyQueues) NotifyDrops(told func(owner, topic string, dropped uint64)) { f.notify(told) }

func doubling(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.publish = oneByOne(func(ctx context.Context, exchange string, m *platform.Message) (int, error) {
		again := *m
		n, err := publishOne(ctx, good, exchange, m)
		_, err2 := publishOne(ctx, good, exchange, &again)
		return n, cmp.Or(err, err2)
	})
	return f
}

func turning(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.publish = func(ctx context.Context, exchange string, ms ...*platform.Message) ([]int, error) {
		ms = slices.Clone(ms)
		slices.Reverse(ms)
		return good.Publish(ctx, exchange, ms...)
	}
	return f
}

func goingOn(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.publish = func(ctx context.Context, exchange string, ms ...*platform.Message) (routed []int, err error) {
		for _, m := range ms {
			n, refused := publishOne(ctx, good, exchange, m)
			if refused != nil {
				err = refused
				continue
			}
			routed = append(routed, n)
		}
		return routed, err
	}
	return f
}

func losing(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.write = func(ctx context.Context, owner, topic string, m *platform.Message) error {
		if string(m.Body) == "message 000777" {
			m = &platform.Message{Body: []byte("message 000778"), ClientID: m.ClientID}
		}
		return good.Write(ctx, owner, topic, m)
	}
	// A consumer whose Close forgets: the good one never gets the messages back.
	f.consume = func(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
		c, err := good.Consume(ctx, owner, topic, name)
		return &forgetful{Consumer: c}, err
	}
	return f
}

type forgetful struct {
	platform.Consumer
	held []platform.Lease
}

func (c *forgetful) Fetch(ctx context.Context, max, maxBytes int) ([]platform.Lease, error) {
	leases, err := c.Consumer.Fetch(ctx, max, maxBytes)
	c.held = append(c.held, leases...)
	return leases, err
}

func (c *forgetful) Close() error {
	if err := c.Ack(context.Background(), ids(c.held)...); err != nil {
		return err
	}
	return c.Consumer.Close()
}

// greedy takes as many messages as it may, however large.
func greedy(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.consume = func(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
		c, err := good.Consume(ctx, owner, topic, name)
		return &unbounded{c}, err
	}
	return f
}

type unbounded struct{ platform.Consumer }

func (c *unbounded) Fetch(ctx context.Context, max, _ int) ([]platform.Lease, error) {
	return c.Consumer.Fetch(ctx, max, math.MaxInt)
}

func cuttingBodies(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.publish = oneByOne(func(ctx context.Context, exchange string, m *platform.Message) (int, error) {
		changed := *m
		for i, b := range m.Body {
			if b == 0 {
				changed.Body = m.Body[:i]
				break
			}
		}
		return publishOne(ctx, good, exchange, &changed)
	})
	return f
}

func toTheEnd(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.consume = func(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
		c, err := good.Consume(ctx, owner, topic, name)
		return &requeuing{Consumer: c, write: func(m *platform.Message) error {
			again := *m
			return good.Write(ctx, owner, topic, &again)
		}}, err
	}
	return f
}

// A requeuing consumer writes what it held again.
type requeuing struct {
	platform.Consumer
	write func(*platform.Message) error
	held  []platform.Lease
}

func (c *requeuing) Fetch(ctx context.Context, max, maxBytes int) ([]platform.Lease, error) {
	leases, err := c.Consumer.Fetch(ctx, max, maxBytes)
	c.held = append(c.held, leases...)
	return leases, err
}

func (c *requeuing) Close() error {
	for _, l := range c.held {
		if err := c.write(l.Message); err != nil {
			return err
		}
		if err := c.Ack(context.Background(), l.ID); err != nil {
			return err
		}
	}
	c.held = nil
	return c.Consumer.Close()
}

func (c *requeuing) Return(ctx context.Context, ids ...uint64) error {
	for _, l := range c.held {
		if slices.Contains(ids, l.ID) {
			if err := c.write(l.Message); err != nil {
				return err
			}
		}
	}
	return c.Ack(ctx, ids...)
}

func deaf(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.consume = func(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
		c, err := good.Consume(ctx, owner, topic, name)
		return deafConsumer{c}, err
	}
	return f
}

type deafConsumer struct{ platform.Consumer }

func (deafConsumer) Ack(context.Context, ...uint64) error { return nil }

func purgeAll(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	var held forgetful
	f.consume = func(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
		c, err := good.Consume(ctx, owner, topic, name)
		held.Consumer = c
		return &held, err
	}
	f.purge = func(ctx context.Context, owner, topic string) error {
		if err := held.Ack(ctx, ids(held.held)...); err != nil {
			return err
		}
		return good.Purge(ctx, owner, topic)
	}
	return f
}

func statusMakes(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.status = func(ctx context.Context, owner, topic string) (platform.QueueStatus, error) {
		if err := good.Create(ctx, owner, topic); err != nil {
			return platform.QueueStatus{}, err
		}
		return good.Status(ctx, owner, topic)
	}
	return f
}

func unbindNever(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.unbind = func(context.Context, string, string, string) error { return nil }
	return f
}

// unbindEverything takes all patterns of the queue instead of one.
func unbindEverything(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.unbind = func(ctx context.Context, owner, topic, pattern string) error {
		bindings, err := good.Bindings(ctx, owner, topic)
		for _, b := range bindings {
			err = errors.Join(err, good.Unbind(ctx, owner, topic, b.Pattern))
		}
		return err
	}
	return f
}

// unbindNamed leaves the default queue bound.
func unbindNamed(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.unbind = func(ctx context.Context, owner, topic, pattern string) error {
		if topic == "" {
			return nil
		}
		return good.Unbind(ctx, owner, topic, pattern)
	}
	return f
}

// makesAgain makes the queue that it is to resume.
type makesAgain struct{ platform.Queues }

func (q makesAgain) Resume(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	return q.Consume(ctx, owner, topic, name)
}

func resumeMakes(good platform.Queues) platform.Queues { return makesAgain{good} }

func namedDepths(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.depths = func(ctx context.Context) ([]platform.QueueDepth, error) {
		all, err := good.(platform.QueueDepths).Depths(ctx)
		return slices.DeleteFunc(all, func(d platform.QueueDepth) bool { return d.Topic == "" }), err
	}
	return f
}

// unbarred tells of no queue that its owner may not listen.
type unbarred struct{ platform.Queues }

func (q unbarred) Routes(ctx context.Context, exchange, key string) ([]platform.QueueRoute, error) {
	routes, err := q.Queues.(platform.QueueRoutes).Routes(ctx, exchange, key)
	for i := range routes {
		routes[i].Barred = false
	}
	return routes, err
}

func barNobody(good platform.Queues) platform.Queues { return unbarred{good} }

func forgetNothing(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.forget = func(context.Context, string) error { return nil }
	return f
}

// forgetNamed drops the named topics, and the default queue as far as it goes.
func forgetNamed(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.forget = func(ctx context.Context, owner string) error {
		topics, err := good.List(ctx, owner)
		for _, topic := range append(topics, "") {
			err = errors.Join(err, good.Drop(ctx, owner, topic))
		}
		return err
	}
	return f
}

func neverFull(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.write = func(ctx context.Context, owner, topic string, m *platform.Message) error {
		_ = good.Write(ctx, owner, topic, m) // full or not
		return nil
	}
	return f
}

func partly(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.publish = oneByOne(func(ctx context.Context, exchange string, m *platform.Message) (int, error) {
		n, err := publishOne(ctx, good, exchange, m)
		if err != nil {
			err = fmt.Errorf("one of the queues: %w", err)
			_ = good.Write(ctx, m.ClientID, "a", m)
		}
		return n, err
	})
	return f
}

func unlimited(platform.Queues) platform.Queues { return memory.New(memory.Config{}) }
