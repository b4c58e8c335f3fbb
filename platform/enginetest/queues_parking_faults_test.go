package enginetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopex/prism-go/platform"
)

// Faults of parking.

// parkAs lets park do something with the IDs first.
func parkAs(park func(ctx context.Context, good platform.Queues, owner, topic string, ids []platform.MessageID) ([]platform.MessageID, error)) func(platform.Queues) platform.Queues {
	return func(good platform.Queues) platform.Queues {
		f := spoilQueues(good)
		f.park = func(ctx context.Context, owner, topic, reason, by string, ids ...platform.MessageID) (int, error) {
			ids, err := park(ctx, good, owner, topic, ids)
			if err != nil {
				return 0, err
			}
			return good.Park(ctx, owner, topic, reason, by, ids...)
		}
		return f
	}
}

func parkNever(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.park = func(_ context.Context, _, _, _, _ string, ids ...platform.MessageID) (int, error) {
		return len(ids), nil
	}
	return f
}

func parkCountsAll(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.park = func(ctx context.Context, owner, topic, reason, by string, ids ...platform.MessageID) (int, error) {
		_, err := good.Park(ctx, owner, topic, reason, by, ids...)
		return len(ids), err
	}
	return f
}

func parkReadyOnly(good platform.Queues) platform.Queues {
	return parkAs(func(ctx context.Context, good platform.Queues, owner, topic string, ids []platform.MessageID) ([]platform.MessageID, error) {
		found, err := good.Peek(ctx, owner, topic, platform.MessageID{}, 1000)
		return slices.DeleteFunc(slices.Clone(ids), func(id platform.MessageID) bool {
			return slices.ContainsFunc(found, func(p platform.Peeked) bool { return p.Held && p.Message.ID == id })
		}), err
	})(good)
}

func parkElsewhere(good platform.Queues) platform.Queues {
	return parkAs(func(ctx context.Context, good platform.Queues, owner, _ string, ids []platform.MessageID) ([]platform.MessageID, error) {
		_, err := good.Park(ctx, owner, "orders", "", "", ids...)
		return ids, err
	})(good)
}

func parkMakes(good platform.Queues) platform.Queues {
	return parkAs(func(ctx context.Context, good platform.Queues, owner, topic string, ids []platform.MessageID) ([]platform.MessageID, error) {
		return ids, good.Create(ctx, owner, topic)
	})(good)
}

// parkedAs changes what is shown.
func parkedAs(change func([]platform.Parked) []platform.Parked) func(platform.Queues) platform.Queues {
	return func(good platform.Queues) platform.Queues {
		f := spoilQueues(good)
		f.parked = func(ctx context.Context, owner, topic string, after platform.MessageID, n int) ([]platform.Parked, error) {
			found, err := good.Parked(ctx, owner, topic, after, n)
			return change(found), err
		}
		return f
	}
}

func keyless(found []platform.Parked) []platform.Parked {
	for i, p := range found {
		m := *p.Message
		m.Key = ""
		found[i].Message = &m
	}
	return found
}

func shortReasons(found []platform.Parked) []platform.Parked {
	for i, p := range found {
		found[i].Reason = p.Reason[:min(len(p.Reason), 3)]
	}
	return found
}

func turnedRound(found []platform.Parked) []platform.Parked {
	slices.Reverse(found)
	return found
}

func young(found []platform.Parked) []platform.Parked {
	return slices.DeleteFunc(found, func(p platform.Parked) bool { return time.Since(p.Message.Time) > 59*time.Minute })
}

// unparkAnew writes the messages and discards those that were parked.
func unparkAnew(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.unpark = func(ctx context.Context, owner, topic string, ids ...platform.MessageID) (int, error) {
		found, err := good.Parked(ctx, owner, topic, platform.MessageID{}, 1000)
		for _, p := range found {
			if again := *p.Message; slices.Contains(ids, again.ID) {
				err = errors.Join(err, good.Write(ctx, owner, topic, &again))
			}
		}
		if err != nil {
			return 0, err
		}
		return good.Discard(ctx, owner, topic, ids...)
	}
	return f
}

func unparkNever(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.unpark = func(_ context.Context, _, _ string, ids ...platform.MessageID) (int, error) { return len(ids), nil }
	return f
}

func unparkCountsAll(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.unpark = func(ctx context.Context, owner, topic string, ids ...platform.MessageID) (int, error) {
		_, err := good.Unpark(ctx, owner, topic, ids...)
		return len(ids), err
	}
	return f
}

// unparkLoses discards one message of several.
func unparkLoses(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.unpark = func(ctx context.Context, owner, topic string, ids ...platform.MessageID) (int, error) {
		if len(ids) > 3 {
			if _, err := good.Discard(ctx, owner, topic, ids[1]); err != nil {
				return 0, err
			}
		}
		return good.Unpark(ctx, owner, topic, ids...)
	}
	return f
}

func discardUnparks(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.discard = good.Unpark
	return f
}

// discardAll discards what is parked in a queue.
func discardAll(ctx context.Context, good platform.Queues, owner, topic string) error {
	found, err := good.Parked(ctx, owner, topic, platform.MessageID{}, 1000)
	for _, p := range found {
		_, discarded := good.Discard(ctx, owner, topic, p.Message.ID)
		err = errors.Join(err, discarded)
	}
	return err
}

func purgeDiscards(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.purge = func(ctx context.Context, owner, topic string) error {
		return errors.Join(discardAll(ctx, good, owner, topic), good.Purge(ctx, owner, topic))
	}
	return f
}

// shedsParked makes room with what is parked in the default queue.
func shedsParked(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.write = func(ctx context.Context, owner, topic string, m *platform.Message) error {
		err := good.Write(ctx, owner, topic, m)
		if topic == "" || !errors.Is(err, platform.ErrQueueFull) {
			return err
		}
		return errors.Join(discardAll(ctx, good, owner, ""), good.Write(ctx, owner, topic, m))
	}
	return f
}

// parkedFill counts parked messages as messages of the queue.
func parkedFill(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.write = func(ctx context.Context, owner, topic string, m *platform.Message) error {
		s, err := good.Status(ctx, owner, topic)
		if err == nil && s.Ready+s.Unacknowledged+s.Parked >= s.Limits.MaxMessages {
			return fmt.Errorf("%w: with what is parked", platform.ErrQueueFull)
		}
		return good.Write(ctx, owner, topic, m)
	}
	return f
}

func depthsWithoutParked(good platform.Queues) platform.Queues {
	f := spoilQueues(good)
	f.depths = func(ctx context.Context) ([]platform.QueueDepth, error) {
		all, err := good.(platform.QueueDepths).Depths(ctx)
		for i := range all {
			all[i].Parked, all[i].ParkedBytes, all[i].ParkedDropped = 0, 0, 0
		}
		return all, err
	}
	return f
}
