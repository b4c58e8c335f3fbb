package prismtest

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/shopex/prism-go/platform"
)

// queues is an engine with faults.
type queues struct {
	platform.Queues
	duplicates atomic.Int64 // messages still to be stored twice
	lostAcks   atomic.Int64 // acks still to be lost
}

// NotifyDrops is that of the engine, if it has it.
func (q *queues) NotifyDrops(f func(owner, topic string, dropped uint64)) {
	if drops, ok := q.Queues.(platform.QueueDrops); ok {
		drops.NotifyDrops(f)
	}
}

// Depths is that of the engine, if it has it.
func (q *queues) Depths(ctx context.Context) ([]platform.QueueDepth, error) {
	if counting, ok := q.Queues.(platform.QueueDepths); ok {
		return counting.Depths(ctx)
	}
	return nil, errors.ErrUnsupported
}

// Routes is that of the engine, if it has it.
func (q *queues) Routes(ctx context.Context, exchange, key string) ([]platform.QueueRoute, error) {
	if telling, ok := q.Queues.(platform.QueueRoutes); ok {
		return telling.Routes(ctx, exchange, key)
	}
	return nil, errors.ErrUnsupported
}

func (q *queues) Publish(ctx context.Context, exchange string, ms ...*platform.Message) (routed []int, err error) {
	for _, m := range ms {
		again := *m // without the ID that the engine gives to m
		one, err := q.Queues.Publish(ctx, exchange, m)
		if err == nil && countDown(&q.duplicates) {
			_, err = q.Queues.Publish(ctx, exchange, &again)
		}
		if err != nil {
			return routed, err
		}
		routed = append(routed, one...)
	}
	return routed, nil
}

func (q *queues) Write(ctx context.Context, owner, topic string, m *platform.Message) error {
	again := *m
	err := q.Queues.Write(ctx, owner, topic, m)
	if err == nil && countDown(&q.duplicates) {
		err = q.Queues.Write(ctx, owner, topic, &again)
	}
	return err
}

func (q *queues) Consume(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	return q.losing(q.Queues.Consume(ctx, owner, topic, name))
}

func (q *queues) Resume(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	return q.losing(q.Queues.Resume(ctx, owner, topic, name))
}

func (q *queues) ConsumeAlone(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	return q.losing(q.Queues.ConsumeAlone(ctx, owner, topic, name))
}

// losing makes c one whose acknowledgements can be lost.
func (q *queues) losing(c platform.Consumer, err error) (platform.Consumer, error) {
	if err != nil {
		return nil, err
	}
	return &consumer{Consumer: c, queues: q}, nil
}

type consumer struct {
	platform.Consumer
	queues *queues
}

func (c *consumer) Ack(ctx context.Context, ids ...uint64) error {
	if countDown(&c.queues.lostAcks) {
		return nil
	}
	return c.Consumer.Ack(ctx, ids...)
}

// countDown counts n down, and reports whether there was anything left of it.
func countDown(n *atomic.Int64) bool {
	for {
		left := n.Load()
		if left <= 0 {
			return false
		}
		if n.CompareAndSwap(left, left-1) {
			return true
		}
	}
}
