package enginetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/platform"
)

// The numbers are small enough for an engine that syncs a disk for each
// message, and large enough for the scheduler to try many interleavings.
const (
	publishers = 4
	takers     = 4
	each       = 250 // messages of one publisher
	instant    = 50 * time.Microsecond
)

func crowds() []queuePromise {
	return []queuePromise{
		{"ConsumersShareTheMessages", platform.QueueBounds{}, consumersShare},
		{"NothingIsLostWhenConsumersComeAndGo", platform.QueueBounds{}, comeAndGo},
		{"NothingIsLostWhenFetchGivesUp", platform.QueueBounds{}, fetchGivesUp},
		{"PublishIsAllOrNothingInACrowd", platform.QueueBounds{MaxMessages: 50}, crowdAllOrNothing},
	}
}

// A ledger counts how often each message was acknowledged.
type ledger struct {
	mu    sync.Mutex
	acked map[string]int
	done  context.CancelFunc // called when all were
}

// ack acknowledges one message and counts it.
func (l *ledger) ack(ctx context.Context, c platform.Consumer, lease platform.Lease) error {
	if err := c.Ack(ctx, lease.ID); err != nil {
		return fmt.Errorf("ack: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[string(lease.Message.Body)]++
	if len(l.acked) == publishers*each {
		l.done()
	}
	return nil
}

// work is the work of a consumer of the crowd until ctx ends.
type work func(ctx context.Context, l *ledger) error

// crowd publishes while several workers consume, and then compares.
func (t *queueTrial) crowd(w work) {
	ctx, done := context.WithCancel(t.ctx)
	defer done()
	l := &ledger{acked: make(map[string]int), done: done}
	failed := make(chan error, publishers+takers)
	var group sync.WaitGroup
	for i := range publishers {
		group.Go(func() { failed <- t.publishMany(i) })
	}
	for range takers {
		group.Go(func() {
			if err := w(ctx, l); !errors.Is(err, context.Canceled) {
				failed <- err
			}
		})
	}
	group.Wait()
	close(failed)
	for err := range failed {
		t.must(err, "in the crowd")
	}
	t.balance(l)
}

func (t *queueTrial) publishMany(publisher int) error {
	for i := range each {
		key := fmt.Sprintf("order.%d.%d", publisher, i)
		if err := t.tryPublish(keyed(key)); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	return nil
}

// balance checks that every message was acknowledged once and none is left.
func (t *queueTrial) balance(l *ledger) {
	for publisher := range publishers {
		for i := range each {
			key := fmt.Sprintf("order.%d.%d", publisher, i)
			if n := l.acked[key]; n != 1 {
				t.Errorf("%q was acknowledged %d times", key, n)
			}
		}
	}
	t.counts("", platform.QueueStatus{})
}

// consumersShare also checks that one consumer sees each publisher's messages
// in order.
func consumersShare(t *queueTrial) {
	t.crowd(func(ctx context.Context, l *ledger) error {
		c, err := t.queues.Consume(ctx, t.owner, "")
		if err != nil {
			return err
		}
		defer c.Close()
		var last [publishers]int
		for {
			leases, err := c.Fetch(ctx, 7, math.MaxInt)
			if err != nil {
				return err
			}
			for _, lease := range leases {
				var publisher, i int
				fmt.Sscanf(lease.Message.Key, "order.%d.%d", &publisher, &i)
				if i < last[publisher] {
					return fmt.Errorf("%s came after number %d", lease.Message.Key, last[publisher])
				}
				last[publisher] = i
				if err := l.ack(t.ctx, c, lease); err != nil {
					return err
				}
			}
		}
	})
}

// comeAndGo acknowledges half of what a consumer holds and closes it.
func comeAndGo(t *queueTrial) {
	visit := func(ctx context.Context, l *ledger) error {
		c, err := t.queues.Consume(t.ctx, t.owner, "")
		if err != nil {
			return err
		}
		defer c.Close()
		leases, err := c.Fetch(ctx, 20, math.MaxInt)
		if err != nil {
			return err
		}
		for _, lease := range leases[len(leases)/2:] {
			if err := l.ack(t.ctx, c, lease); err != nil {
				return err
			}
		}
		return c.Close()
	}
	t.crowd(func(ctx context.Context, l *ledger) error {
		for {
			if err := visit(ctx, l); err != nil {
				return err
			}
		}
	})
}

// fetchGivesUp lets the context of every Fetch end early: after an instant,
// and later each time, in case the engine needs longer to fetch at all.
func fetchGivesUp(t *queueTrial) {
	brief := func(ctx context.Context, l *ledger, c platform.Consumer, patience *time.Duration) error {
		short, cancel := context.WithTimeout(ctx, *patience)
		defer cancel()
		leases, err := c.Fetch(short, 3, math.MaxInt)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		*patience *= 2
		if len(leases) > 0 {
			*patience = instant
		}
		for _, lease := range leases {
			if err := l.ack(t.ctx, c, lease); err != nil {
				return err
			}
		}
		return ctx.Err()
	}
	t.crowd(func(ctx context.Context, l *ledger) error {
		c, err := t.queues.Consume(t.ctx, t.owner, "")
		if err != nil {
			return err
		}
		defer c.Close()
		patience := instant
		for {
			if err := brief(ctx, l, c, &patience); err != nil {
				return err
			}
		}
	})
}

// crowdAllOrNothing fills two queues, of which one is shorter, from several
// goroutines: both must hold the same messages.
func crowdAllOrNothing(t *queueTrial) {
	t.bind("a", "order.#")
	t.bind("b", "order.#")
	t.write("b", numbers(1, 20)...)
	var accepted atomic.Int64
	failed := make(chan error, publishers)
	for i := range publishers {
		go func() { failed <- t.fill(&accepted, i) }()
	}
	for range publishers {
		t.must(<-failed, "in the crowd")
	}
	a, b := t.contents("a"), t.contents("b")[20:]
	slices.Sort(a)
	slices.Sort(b)
	if !slices.Equal(a, b) {
		t.Fatalf("one queue accepted %q, the other %q", a, b)
	}
	if n := accepted.Load(); n != 30 || len(a) != 30 {
		t.Fatalf("%d messages were accepted and %d stored where 30 had room", n, len(a))
	}
}

// fill publishes more than there is room for.
func (t *queueTrial) fill(accepted *atomic.Int64, publisher int) error {
	for i := range 40 {
		err := t.tryPublish(keyed(fmt.Sprintf("order.%d.%d", publisher, i)))
		switch {
		case err == nil:
			accepted.Add(1)
		case !errors.Is(err, platform.ErrQueueFull):
			return err
		}
	}
	return nil
}

// contents reads a queue empty.
func (t *queueTrial) contents(topic string) []string {
	var texts []string
	for _, m := range t.read(topic, 1000) {
		texts = append(texts, string(m.Body))
	}
	return texts
}
