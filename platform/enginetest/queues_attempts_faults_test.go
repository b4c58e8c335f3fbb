package enginetest

import (
	"context"
	"sync"

	"github.com/shopex/prism-go/platform"
)

// Faults of attempts and of consumers alone.

func firstAttempt(ctx context.Context, c platform.Consumer, max, maxBytes int) ([]platform.Lease, error) {
	leases, err := c.Fetch(ctx, max, maxBytes)
	for i := range leases {
		leases[i].Attempt = 1
	}
	return leases, err
}

// withConsumer spoils consumers.
func withConsumer(spoil func(platform.Consumer) platform.Consumer) func(platform.Queues) platform.Queues {
	return func(good platform.Queues) platform.Queues {
		f := spoilQueues(good)
		f.consume = func(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
			c, err := good.Consume(ctx, owner, topic, name)
			return spoil(c), err
		}
		return f
	}
}

type countsReturns struct{ platform.Consumer }

func (c countsReturns) Return(ctx context.Context, ids ...uint64) error {
	if _, err := c.Fail(ctx, "it was returned", ids...); err != nil {
		return err
	}
	return c.Consumer.Return(ctx, ids...)
}

func returnCounts(c platform.Consumer) platform.Consumer { return countsReturns{c} }

type returnsFailed struct{ platform.Consumer }

func (c returnsFailed) Fail(ctx context.Context, reason string, ids ...uint64) ([]uint64, error) {
	parked, err := c.Consumer.Fail(ctx, reason, ids...)
	if err != nil {
		return nil, err
	}
	return parked, c.Return(ctx, ids...)
}

func failReturns(c platform.Consumer) platform.Consumer { return returnsFailed{c} }

type failsAll struct{ *sweeping }

func (c failsAll) Fail(ctx context.Context, reason string, _ ...uint64) ([]uint64, error) {
	return c.Consumer.Fail(ctx, reason, ids(c.held)...)
}

func (c failsAll) Ack(ctx context.Context, ids ...uint64) error { return c.Consumer.Ack(ctx, ids...) }

func (c failsAll) Return(ctx context.Context, ids ...uint64) error {
	return c.Consumer.Return(ctx, ids...)
}

func failAll(c platform.Consumer) platform.Consumer {
	return failsAll{&sweeping{forgetful: forgetful{Consumer: c}}}
}

// A tally counts the attempts of messages, whatever their queues.
type tally struct {
	platform.Consumer
	mu       *sync.Mutex
	attempts map[platform.MessageID]int
	held     map[uint64]platform.MessageID
}

func (c tally) Fetch(ctx context.Context, max, maxBytes int) ([]platform.Lease, error) {
	leases, err := c.Consumer.Fetch(ctx, max, maxBytes)
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, l := range leases {
		leases[i].Attempt = c.attempts[l.Message.ID] + 1
		c.held[l.ID] = l.Message.ID
	}
	return leases, err
}

func (c tally) Fail(ctx context.Context, reason string, ids ...uint64) ([]uint64, error) {
	c.mu.Lock()
	for _, id := range ids {
		c.attempts[c.held[id]]++
	}
	c.mu.Unlock()
	return c.Consumer.Fail(ctx, reason, ids...)
}

func attemptsOfAll(good platform.Queues) platform.Queues {
	var mu sync.Mutex
	attempts := make(map[platform.MessageID]int)
	return withConsumer(func(c platform.Consumer) platform.Consumer {
		return tally{c, &mu, attempts, make(map[uint64]platform.MessageID)}
	})(good)
}

// limitsAttempts gives each queue that is consumed a limit of attempts.
func limitsAttempts(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.consume = func(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
		if err := good.SetLimits(ctx, owner, topic, platform.QueueLimits{MaxAttempts: 20}); err != nil {
			return nil, err
		}
		return good.Consume(ctx, owner, topic, name)
	}
	return f
}

func noAttempts(l *platform.QueueLimits) { l.MaxAttempts = 0 }

func aloneCompetes(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.consumeAlone = good.Consume
	return f
}

func allAlone(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.consume = good.ConsumeAlone
	return f
}

func aloneResumes(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.consumeAlone = good.Resume
	return f
}

// A staying consumer gives back what it has instead of leaving the line.
type staying struct {
	platform.Consumer
	mu   sync.Mutex
	held []uint64
}

func (c *staying) Fetch(ctx context.Context, max, maxBytes int) ([]platform.Lease, error) {
	leases, err := c.Consumer.Fetch(ctx, max, maxBytes)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = append(c.held, ids(leases)...)
	return leases, err
}

func (c *staying) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Return(context.Background(), c.held...)
}

func aloneStays(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.consumeAlone = func(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
		c, err := good.ConsumeAlone(ctx, owner, topic, name)
		return &staying{Consumer: c}, err
	}
	return f
}
