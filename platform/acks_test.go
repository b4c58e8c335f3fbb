package platform_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// ackedBy is an engine whose consumers acknowledge by ack, which is given theirs.
type ackedBy struct {
	platform.Queues
	ack func(ctx context.Context, c platform.Consumer, ids []uint64) error
}

func (q ackedBy) Consume(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	c, err := q.Queues.Consume(ctx, owner, topic, name)
	return &ackedByConsumer{c, q}, err
}

type ackedByConsumer struct {
	platform.Consumer
	queues ackedBy
}

func (c *ackedByConsumer) Ack(ctx context.Context, ids ...uint64) error {
	return c.queues.ack(ctx, c.Consumer, ids)
}

// An engine that syncs takes as long for many as for one.
func TestAcksThatCameTogetherAreStoredTogether(t *testing.T) {
	var calls, stored atomic.Int64
	queues := ackedBy{newQueues(memory.Config{}), func(ctx context.Context, c platform.Consumer, ids []uint64) error {
		calls.Add(1)
		stored.Add(int64(len(ids)))
		return c.Ack(ctx, ids...)
	}}
	acked := make(chan platform.AckEvent, 100)
	e := newEnv(t, platform.Config{Queues: queues, Trace: &platform.Trace{Ack: func(a platform.AckEvent) { acked <- a }}})
	const topics, each = 2, 8
	p := e.dial()
	for _, topic := range []string{"", "orders"} {
		for range each {
			e.write(topic, "x")
		}
		p.consume(topic)
	}
	for range topics * each {
		p.next()
	}
	together := rawFrame(0x82, 7, wire.AppendAck(nil, topics*each)) // last, and twice
	for tag := range uint64(topics * each) {
		together = append(together, rawFrame(0x82, 7, wire.AppendAck(nil, tag+1))...)
	}
	if _, err := p.raw.Write(together); err != nil {
		t.Fatal(err)
	}
	stray := 0
	for range topics*each + 1 {
		if a := awaited(t, "an ack", acked); a.Stray {
			stray++
		}
	}
	if stray != 1 {
		t.Errorf("%d acks are stray, want the second one of a delivery", stray)
	}
	if calls, ids := calls.Load(), stored.Load(); calls > topics || ids != topics*each {
		t.Errorf("%d acks were stored by %d calls, want %d", ids, calls, topics)
	}
}

func TestAcksBeforeAPongAndBeforeACloseFrameAreStored(t *testing.T) {
	for name, end := range map[string]func(*peer){"pong": (*peer).barrier, "close frame": (*peer).close} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t, platform.Config{})
			for range 8 {
				e.write("", "x")
			}
			p := e.dial()
			p.consume("")
			for range 8 {
				p.next()
			}
			for tag := range uint64(8) {
				p.ack(tag + 1)
			}
			end(p)
			if s := e.status(""); s.Unacknowledged != 0 || s.Ready != 0 {
				t.Errorf("afterwards: %+v", s)
			}
		})
	}
}
