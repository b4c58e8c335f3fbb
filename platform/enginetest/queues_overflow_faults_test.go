package enginetest

import (
	"context"
	"errors"

	"github.com/shopex/prism-go/platform"
)

// Faults of limits, and of what happens beyond them.

// limitsAs changes the limits that are set.
func limitsAs(change func(*platform.QueueLimits)) func(good platform.Queues) platform.Queues {
	return func(good platform.Queues) platform.Queues {
		f := spoilQueues(good)
		f.setLimits = func(ctx context.Context, owner, topic string, l platform.QueueLimits) error {
			change(&l)
			return good.SetLimits(ctx, owner, topic, l)
		}
		return f
	}
}

func noLimits(l *platform.QueueLimits) { *l = platform.QueueLimits{} }

func noByteLimit(l *platform.QueueLimits) { l.MaxBytes = 0 }

func alwaysRefuse(l *platform.QueueLimits) { l.Overflow = platform.Refuse }

func dropTheNewest(l *platform.QueueLimits) {
	if l.Overflow == platform.DropOldest {
		l.Overflow = platform.DropNewest
	}
}

func knownOverflow(l *platform.QueueLimits) {
	switch l.Overflow {
	case platform.Refuse, platform.DropOldest, platform.DropNewest:
	default:
		l.Overflow = platform.OverflowDefault
	}
}

// lowerTrims removes what is beyond a limit that is set.
func lowerTrims(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.setLimits = func(ctx context.Context, owner, topic string, l platform.QueueLimits) error {
		if err := good.SetLimits(ctx, owner, topic, l); err != nil || l.MaxMessages == 0 {
			return err
		}
		s, err := good.Status(ctx, owner, topic)
		if err != nil {
			return err
		}
		_, err = good.Read(ctx, owner, topic, max(0, s.Ready-l.MaxMessages))
		return err
	}
	return f
}

// zeroKeeps takes zero for what was set before.
func zeroKeeps(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.setLimits = func(ctx context.Context, owner, topic string, l platform.QueueLimits) error {
		s, err := good.Status(ctx, owner, topic)
		if err != nil {
			return err
		}
		if l.MaxMessages == 0 {
			l.MaxMessages = s.Limits.MaxMessages
		}
		return good.SetLimits(ctx, owner, topic, l)
	}
	return f
}

// limitsOutlive sets the last limits again for what is created.
func limitsOutlive(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	var last platform.QueueLimits
	f.setLimits = func(ctx context.Context, owner, topic string, l platform.QueueLimits) error {
		last = l
		return good.SetLimits(ctx, owner, topic, l)
	}
	f.create = func(ctx context.Context, owner, topic string) error {
		return errors.Join(good.Create(ctx, owner, topic), good.SetLimits(ctx, owner, topic, last))
	}
	return f
}

// refusing lets default queues refuse all keys.
func refusing(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.declare = func(ctx context.Context, name string, o platform.Owner) error {
		return errors.Join(good.Declare(ctx, name, o), good.SetLimits(ctx, name, "", platform.QueueLimits{Overflow: platform.Refuse}))
	}
	f.setLimits = limitsAs(func(l *platform.QueueLimits) {
		if l.Overflow == platform.OverflowDefault {
			l.Overflow = platform.Refuse
		}
	})(good).SetLimits
	return f
}

// ofNobody lets no message be of a queue's own key.
func ofNobody(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.publish = oneByOne(func(ctx context.Context, exchange string, m *platform.Message) (int, error) {
		other := *m
		other.ClientID = "nobody"
		return publishOne(ctx, good, exchange, &other)
	})
	f.write = func(ctx context.Context, owner, topic string, m *platform.Message) error {
		other := *m
		other.ClientID = "nobody"
		return good.Write(ctx, owner, topic, &other)
	}
	return f
}

// writesAsNamed drops a message for what another key has written.
func writesAsNamed(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.write = func(ctx context.Context, owner, topic string, m *platform.Message) error {
		err := good.Write(ctx, owner, topic, m)
		if m.ClientID == owner || !errors.Is(err, platform.ErrQueueFull) {
			return err
		}
		if _, err := good.Read(ctx, owner, topic, 1); err != nil {
			return err
		}
		return good.Write(ctx, owner, topic, m)
	}
	return f
}

// takesHeld removes what consumers hold before a message comes or is read.
func takesHeld(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	var held forgetful
	f.consume = func(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
		c, err := good.Consume(ctx, owner, topic, name)
		held.Consumer = c
		return &held, err
	}
	take := func(ctx context.Context) error {
		if held.Consumer == nil {
			return nil
		}
		return held.Ack(ctx, ids(held.held)...)
	}
	f.publish = oneByOne(func(ctx context.Context, exchange string, m *platform.Message) (int, error) {
		if err := take(ctx); err != nil {
			return 0, err
		}
		return publishOne(ctx, good, exchange, m)
	})
	f.write = func(ctx context.Context, owner, topic string, m *platform.Message) error {
		if err := take(ctx); err != nil {
			return err
		}
		return good.Write(ctx, owner, topic, m)
	}
	f.read = func(ctx context.Context, owner, topic string, n int) ([]*platform.Message, error) {
		if err := take(ctx); err != nil {
			return nil, err
		}
		return good.Read(ctx, owner, topic, n)
	}
	return f
}

// dropsAll empties a queue that drops a message.
func dropsAll(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	c := f.census()
	last := make(map[string]uint64)
	f.publish = oneByOne(func(ctx context.Context, exchange string, m *platform.Message) (int, error) {
		n, err := publishOne(ctx, good, exchange, m)
		for _, name := range c.names() {
			s, err := good.Status(ctx, name, "")
			if err != nil {
				return 0, err
			}
			if s.Dropped > last[name] {
				last[name] = s.Dropped
				if err := good.Purge(ctx, name, ""); err != nil {
					return 0, err
				}
			}
		}
		return n, err
	})
	return f
}

func dropsUncounted(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.status = func(ctx context.Context, owner, topic string) (platform.QueueStatus, error) {
		s, err := good.Status(ctx, owner, topic)
		s.Dropped = 0
		return s, err
	}
	return f
}

func dropsNotDeep(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.depths = func(ctx context.Context) ([]platform.QueueDepth, error) {
		all, err := good.(platform.QueueDepths).Depths(ctx)
		for i := range all {
			all[i].Dropped = 0
		}
		return all, err
	}
	return f
}

// depthsCounting counts what came by what else is counted.
func depthsCounting(published func(platform.QueueDepth) uint64) func(good platform.Queues) platform.Queues {
	return func(good platform.Queues) platform.Queues {
		f := spoilQueues(good)
		f.depths = func(ctx context.Context) ([]platform.QueueDepth, error) {
			all, err := good.(platform.QueueDepths).Depths(ctx)
			for i, d := range all {
				all[i].Published = published(d)
			}
			return all, err
		}
		return f
	}
}

func onlyWhatIsThere(d platform.QueueDepth) uint64 {
	return uint64(d.Ready+d.Unacknowledged) + d.Dropped
}

func onlyWhatWasStored(d platform.QueueDepth) uint64 { return d.Published - d.Dropped }

// crowdedAt reports whether all queues together have no room under the bounds of shedding.
func crowdedAt(ctx context.Context, good platform.Queues) bool {
	all, err := good.(platform.QueueDepths).Depths(ctx)
	messages, bytes := 0, int64(0)
	for _, d := range all {
		messages += d.Ready + d.Unacknowledged
		bytes += d.Bytes
	}
	return err != nil || messages >= 10 || bytes >= 100
}

// shedsNothing refuses what needs room under a bound of several queues.
func shedsNothing(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.publish = oneByOne(func(ctx context.Context, exchange string, m *platform.Message) (int, error) {
		if crowdedAt(ctx, good) {
			return 0, platform.ErrQueueFull
		}
		return publishOne(ctx, good, exchange, m)
	})
	f.write = func(ctx context.Context, owner, topic string, m *platform.Message) error {
		if crowdedAt(ctx, good) {
			return platform.ErrQueueFull
		}
		return good.Write(ctx, owner, topic, m)
	}
	return f
}

// dropsWithoutRoom drops what needs room under a bound of several queues.
func dropsWithoutRoom(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.publish = oneByOne(func(ctx context.Context, exchange string, m *platform.Message) (int, error) {
		if crowdedAt(ctx, good) {
			return 0, nil
		}
		return publishOne(ctx, good, exchange, m)
	})
	return f
}

// shedsEverywhere empties all default queues when one bound is reached.
func shedsEverywhere(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	c := f.census()
	f.write = func(ctx context.Context, owner, topic string, m *platform.Message) error {
		if crowdedAt(ctx, good) {
			for _, name := range c.names() {
				if err := good.Purge(ctx, name, ""); err != nil {
					return err
				}
			}
		}
		return good.Write(ctx, owner, topic, m)
	}
	return f
}

// tellingOfEvents tells of each queue that is bound to anything.
func tellingOfEvents(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	told := func(owner, topic string, dropped uint64) {}
	f.notify = func(to func(owner, topic string, dropped uint64)) {
		told = to
		good.(platform.QueueDrops).NotifyDrops(to)
	}
	f.bind = func(ctx context.Context, owner, topic, pattern string) error {
		told(owner, topic, 1)
		return good.Bind(ctx, owner, topic, pattern)
	}
	return f
}
