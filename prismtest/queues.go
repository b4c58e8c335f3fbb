package prismtest

import (
	"context"
	"sync/atomic"

	"github.com/shopex/prism-go/platform"
)

// queues is an engine with faults.
type queues struct {
	platform.Queues
	duplicates atomic.Int64 // messages still to be stored twice
	lostAcks   atomic.Int64 // acks still to be lost
}

func (q *queues) Publish(ctx context.Context, exchange string, ms ...*platform.Message) (routed []int, err error) {
	for _, m := range ms {
		one, err := q.Queues.Publish(ctx, exchange, m)
		if err == nil && countDown(&q.duplicates) {
			_, err = q.Queues.Publish(ctx, exchange, m)
		}
		if err != nil {
			return routed, err
		}
		routed = append(routed, one...)
	}
	return routed, nil
}

func (q *queues) Write(ctx context.Context, owner, topic string, m *platform.Message) error {
	err := q.Queues.Write(ctx, owner, topic, m)
	if err == nil && countDown(&q.duplicates) {
		err = q.Queues.Write(ctx, owner, topic, m)
	}
	return err
}

func (q *queues) Consume(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	c, err := q.Queues.Consume(ctx, owner, topic, name)
	if err != nil {
		return nil, err
	}
	return &consumer{Consumer: c, queues: q}, nil
}

func (q *queues) Resume(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	c, err := q.Queues.Resume(ctx, owner, topic, name)
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
