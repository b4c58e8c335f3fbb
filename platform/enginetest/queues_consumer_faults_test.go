package enginetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/shopex/prism-go/platform"
)

// Faults of single queues and their consumers.

func bare(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.publish = oneByOne(func(ctx context.Context, exchange string, m *platform.Message) (int, error) {
		changed := *m
		changed.ContentType = ""
		return publishOne(ctx, good, exchange, &changed)
	})
	return f
}

func lowerCase(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.publish = oneByOne(func(ctx context.Context, exchange string, m *platform.Message) (int, error) {
		changed := *m
		changed.Key = strings.ToLower(m.Key)
		return publishOne(ctx, good, exchange, &changed)
	})
	return f
}

func unroutedToDefault(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.publish = oneByOne(func(ctx context.Context, exchange string, m *platform.Message) (int, error) {
		n, err := publishOne(ctx, good, exchange, m)
		if n == 0 && err == nil {
			return 1, good.Write(ctx, m.ClientID, "", m)
		}
		return n, err
	})
	return f
}

func readAll(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.read = func(ctx context.Context, owner, topic string, _ int) ([]*platform.Message, error) {
		return good.Read(ctx, owner, topic, 1000)
	}
	return f
}

func readyStatus(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.status = func(ctx context.Context, owner, topic string) (platform.QueueStatus, error) {
		s, err := good.Status(ctx, owner, topic)
		s.Unacknowledged = 0
		return s, err
	}
	return f
}

func createNever(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.create = func(context.Context, string, string) error { return nil }
	return f
}

func createAnew(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.create = func(ctx context.Context, owner, topic string) error {
		if err := good.Drop(ctx, owner, topic); err != nil && !errors.Is(err, platform.ErrUnknownTopic) {
			return err
		}
		return good.Create(ctx, owner, topic)
	}
	return f
}

func listBackwards(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.list = func(ctx context.Context, owner string) ([]string, error) {
		topics, err := good.List(ctx, owner)
		slices.Reverse(topics)
		return topics, err
	}
	return f
}

func dropPurges(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.drop = good.Purge
	return f
}

func dropUnbinds(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.drop = func(ctx context.Context, owner, topic string) error {
		bindings, err := good.Bindings(ctx, owner, topic)
		for _, b := range bindings {
			err = errors.Join(err, good.Unbind(ctx, owner, topic, b.Pattern))
		}
		return errors.Join(err, good.Drop(ctx, owner, topic))
	}
	return f
}

// A fetch is the Fetch of a consumer, which it gets.
type fetch func(ctx context.Context, c platform.Consumer, max, maxBytes int) ([]platform.Lease, error)

// withFetch lets consumers fetch so.
func withFetch(do fetch) func(platform.Queues) platform.Queues {
	return func(good platform.Queues) platform.Queues {
		f := spoilQueues(good)
		f.consume = func(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
			c, err := good.Consume(ctx, owner, topic, name)
			return fetchingConsumer{c, do}, err
		}
		return f
	}
}

type fetchingConsumer struct {
	platform.Consumer
	do fetch
}

func (c fetchingConsumer) Fetch(ctx context.Context, max, maxBytes int) ([]platform.Lease, error) {
	return c.do(ctx, c.Consumer, max, maxBytes)
}

func nothing(context.Context, platform.Consumer, int, int) ([]platform.Lease, error) {
	return nil, nil
}

func waitForAll(ctx context.Context, c platform.Consumer, max, maxBytes int) (all []platform.Lease, err error) {
	for len(all) < max && err == nil {
		var leases []platform.Lease
		leases, err = c.Fetch(ctx, max-len(all), maxBytes)
		all = append(all, leases...)
	}
	return all, err
}

func oneID(ctx context.Context, c platform.Consumer, max, maxBytes int) ([]platform.Lease, error) {
	leases, err := c.Fetch(ctx, max, maxBytes)
	for i := range leases {
		leases[i].ID = 1
	}
	return leases, err
}

// lateLoses lets the context of each tenth Fetch end when it has messages.
func lateLoses() fetch {
	var fetched atomic.Int64
	return func(ctx context.Context, c platform.Consumer, max, maxBytes int) ([]platform.Lease, error) {
		leases, err := c.Fetch(ctx, max, maxBytes)
		if err == nil && fetched.Add(1)%10 == 0 {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return leases, err
	}
}

// leftBehind forgets an owner when it has a consumer, which then waits for messages.
func leftBehind(good platform.Queues) platform.Queues {
	consumed, forgotten := make(chan struct{}), make(chan struct{})
	wait := func(ctx context.Context, c platform.Consumer, max, maxBytes int) ([]platform.Lease, error) {
		leases, err := c.Fetch(ctx, max, maxBytes)
		if errors.Is(err, platform.ErrUnknownTopic) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return leases, err
	}
	f := spoilQueues(good)
	f.consume = func(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
		c, err := good.Consume(ctx, owner, topic, name)
		consumed <- struct{}{}
		<-forgotten
		return fetchingConsumer{c, wait}, err
	}
	f.forget = func(ctx context.Context, owner string) error {
		<-consumed
		defer func() { forgotten <- struct{}{} }()
		return good.Forget(ctx, owner)
	}
	return f
}

// inTurns lets a consumer fetch only when those before it have.
func inTurns(good platform.Queues) platform.Queues {
	var mu sync.Mutex
	var made int
	hasFetched := make(map[int]bool)
	f := spoilQueues(good)
	f.consume = func(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
		mu.Lock()
		defer mu.Unlock()
		mine := made
		made++
		c, err := good.Consume(ctx, owner, topic, name)
		return fetchingConsumer{c, func(ctx context.Context, c platform.Consumer, max, maxBytes int) ([]platform.Lease, error) {
			mu.Lock()
			hasFetched[mine] = true
			wait := mine > 0 && !hasFetched[mine-1]
			mu.Unlock()
			if wait {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return c.Fetch(ctx, max, maxBytes)
		}}, err
	}
	return f
}

// A sweeping consumer acknowledges or returns all that it holds.
type sweeping struct {
	forgetful
	ack bool // else it returns
}

func (c *sweeping) Ack(ctx context.Context, some ...uint64) error {
	if c.ack {
		some = ids(c.held)
	}
	return c.Consumer.Ack(ctx, some...)
}

func (c *sweeping) Return(ctx context.Context, some ...uint64) error {
	if !c.ack {
		some = ids(c.held)
	}
	return c.Consumer.Return(ctx, some...)
}

func (c *sweeping) Close() error { return c.Consumer.Close() }

func sweepWith(ack bool) func(platform.Queues) platform.Queues {
	return func(good platform.Queues) platform.Queues {
		f := spoilQueues(good)
		f.consume = func(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
			c, err := good.Consume(ctx, owner, topic, name)
			return &sweeping{forgetful{Consumer: c}, ack}, err
		}
		return f
	}
}

func ackAll(good platform.Queues) platform.Queues { return sweepWith(true)(good) }

func returnAll(good platform.Queues) platform.Queues { return sweepWith(false)(good) }
