package platform

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"
)

// How often a message was tried. A consumer can say that it failed; one that ends without
// a word may have ended because of a message, and which one nobody knows. It handles
// deliveries in their order, so it was the oldest one or, of several workers, one that is
// older than the newest acknowledgement. The rest of the window only waited, so a message
// that waits behind others is not parked when its consumers are cut.

// attempts are deliveries of one queue that failed for the same reason.
type attempts struct {
	queue      *source
	reason     string
	deliveries []delivery
}

type delivery struct {
	tag uint64
	held
}

// endingTime bounds how long the end of a connection waits until its attempts are counted.
const endingTime = time.Second

// tried returns what counts as tried when the connection ends. The caller holds mu.
func (c *channel) tried(reason string) []attempts {
	oldest := make(map[*source]uint64)
	for tag, h := range c.held {
		if first, any := oldest[h.queue]; !any || tag < first {
			oldest[h.queue] = tag
		}
	}
	var all []attempts
	for tag, h := range c.held {
		if tag == oldest[h.queue] || tag < h.queue.settled {
			all = addAttempt(all, reason, delivery{tag, h})
		}
	}
	return all
}

func addAttempt(all []attempts, reason string, a delivery) []attempts {
	i := slices.IndexFunc(all, func(of attempts) bool { return of.queue == a.queue && of.reason == reason })
	if i < 0 {
		i, all = len(all), append(all, attempts{queue: a.queue, reason: reason})
	}
	all[i].deliveries = append(all[i].deliveries, a)
	return all
}

// countTried counts what was tried when the connection ended. If the engine cannot, the
// messages come again all the same.
func (c *channel) countTried(all []attempts) {
	if len(all) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), endingTime)
	defer cancel()
	err := c.forEach(ctx, all, func(ctx context.Context, a attempts) error {
		_, err := c.countAttempts(ctx, a)
		return err
	})
	if err != nil {
		c.p.cfg.Logger.Warn("attempts of messages could not be counted", append(c.logAttrs(), slog.Any("error", err))...)
	}
}

// storeFails counts the attempts that failed among acks, and puts the messages back.
func (c *channel) storeFails(acks []ack) error {
	var all []attempts
	for i := range acks {
		if a := &acks[i]; a.failed && a.known {
			all = addAttempt(all, a.reason, delivery{a.tag, a.held})
		}
	}
	if len(all) == 0 {
		return nil
	}
	return c.forEach(c.ctx, all, func(ctx context.Context, a attempts) error {
		left, err := c.countAttempts(ctx, a)
		if err != nil || len(left) == 0 {
			return err
		}
		return a.queue.Return(ctx, left...)
	})
}

// forEach is inParallel, in which the engine or a hook may panic.
func (c *channel) forEach(ctx context.Context, all []attempts, do func(context.Context, attempts) error) error {
	return inParallel(ctx, all, func(ctx context.Context, a attempts) error {
		err := errPanicked
		c.guarded(func() { err = do(ctx, a) })
		return err
	})
}

// countAttempts counts an attempt of each delivery, and returns which are not parked.
func (c *channel) countAttempts(ctx context.Context, a attempts) (left []uint64, err error) {
	ids := make([]uint64, len(a.deliveries))
	for i, d := range a.deliveries {
		ids[i] = d.id
	}
	parked, err := a.queue.Fail(ctx, a.reason, ids...)
	err = cmp.Or(err, ctx.Err()) // of a consumer that was closed meanwhile the engine ignored them
	for _, d := range a.deliveries {
		isParked := slices.Contains(parked, d.id)
		if err == nil || isParked {
			c.p.failed(c.actor(), FailEvent{Conn: c.info.ID, Key: c.info.Key, Topic: a.queue.topic, Tag: d.tag, ID: d.message, RoutingKey: d.routing, Attempt: d.attempt, Reason: a.reason})
		}
		if isParked {
			c.p.parked(c.actor(), ParkEvent{Conn: c.info.ID, Key: c.info.Key, Topic: a.queue.topic, ID: d.message, RoutingKey: d.routing, Attempts: d.attempt, Reason: a.reason, By: a.queue.name})
			continue
		}
		left = append(left, d.id)
	}
	return left, err
}

// supersede frees the place of an earlier delivery of a message that comes again over the
// same connection: it was parked by a call and put back. An ack of the earlier one counts
// as one of nothing then.
func (c *channel) supersede(queue *source, id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for tag, h := range c.held {
		if h.queue == queue && h.id == id {
			c.free(tag, h)
			return
		}
	}
}

// free removes a delivery from the window. The caller holds mu.
func (c *channel) free(tag uint64, h held) {
	delete(c.held, tag)
	c.heldBytes -= h.size
	c.heldFrames -= h.frame + maxHeader
}
