package enginetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/shopex/prism-go/platform"
)

// turmoil does everything at the same time: an owner moves and gets other limits, while
// its consumers come and go, its messages are parked and put back, and its queue is full;
// another is forgotten; and queues fight for the places of an exchange. Then everything
// adds up, and no place is lost.
func turmoil(t *queueTrial) {
	const rounds = 40
	rival, forgotten, there := t.beside(), t.beside("#"), t.in(newName(), "#")
	places := []platform.Owner{t.as, {Exchange: there.as.Exchange, Listen: platform.Matching("order.#")}}
	limits := []platform.QueueLimits{{}, {Overflow: platform.DropOldest, MaxAttempts: 1}, {MaxMessages: 3}, {Overflow: platform.DropNewest, MaxBytes: 200}}
	var group sync.WaitGroup
	failed := make(chan error, 100)
	repeat := func(what string, do func(i int) error, legal ...error) {
		group.Go(func() {
			for i := range rounds {
				err := do(i)
				for _, l := range legal {
					if errors.Is(err, l) {
						err = nil
					}
				}
				if err != nil {
					failed <- fmt.Errorf("%s: %w", what, err)
					return
				}
			}
		})
	}
	repeat("declare", func(i int) error { return t.queues.Declare(t.ctx, t.owner, places[(i+1)%2]) }, platform.ErrFanOut)
	repeat("limit", func(i int) error { return t.queues.SetLimits(t.ctx, t.owner, "", limits[i%len(limits)]) })
	for i := range 2 {
		repeat("consume", func(int) error { return t.takeSome(i == 0) })
		repeat("peek", func(i int) error { return t.peekSome(i) })
	}
	repeat("park", func(i int) error { return t.parkSome(i % 4) })
	repeat("unpark", func(int) error { return t.unparkAll() })
	for _, o := range []*queueTrial{rival, there} {
		repeat("publish", func(i int) error {
			var ms []*platform.Message
			for n := range 5 {
				ms = append(ms, o.keyed(fmt.Sprintf("order.%d.%d", i, n)))
			}
			_, err := t.queues.Publish(t.ctx, o.as.Exchange, ms...)
			return err
		}, platform.ErrQueueFull)
	}
	for _, topic := range []string{"a", "b", "c", "d"} {
		pattern := map[bool]string{true: "order.0.0", false: "order.*.1"}[topic < "c"]
		repeat("bind", func(int) error { return t.queues.Bind(t.ctx, rival.owner, topic, pattern) }, platform.ErrFanOut)
		repeat("unbind", func(int) error { return t.queues.Unbind(t.ctx, rival.owner, topic, pattern) }, platform.ErrUnknownBinding, platform.ErrUnknownTopic)
	}
	repeat("forget", func(i int) error {
		return errors.Join(t.queues.Forget(t.ctx, forgotten.owner), t.queues.Declare(t.ctx, forgotten.owner, forgotten.as))
	}, platform.ErrFanOut)
	group.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	t.must(t.unparkAll(), "unpark")
	rival.forget()
	forgotten.forget()
	there.forget()
	for i := range 4 {
		t.as = places[(i+1)%2]
		t.declare()
		t.placesLeft(2)
	}
	status, err := t.queues.Status(t.ctx, t.owner, "")
	t.must(err, "status")
	left := t.peek("", 100)
	size := int64(0)
	for _, p := range left {
		size += p.Message.Size()
	}
	t.counts("", platform.QueueStatus{Ready: len(left), Bytes: size, Dropped: status.Dropped})
	if n := len(t.contents("", 100)); n != len(left) {
		t.Fatalf("%d messages can be read, and %d are seen", n, len(left))
	}
}

// takeSome is a consumer that fetches a few messages, acknowledges some of them, and goes.
func (t *queueTrial) takeSome(acks bool) error {
	c, err := t.queues.Consume(t.ctx, t.owner, "", "a test")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(t.ctx, 20*instant)
	defer cancel()
	leases, err := c.Fetch(ctx, 4, math.MaxInt)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(err, c.Close())
	}
	if acks && len(leases) > 0 {
		_, err = c.Fail(t.ctx, "it cannot be handled", ids(leases[1:])...)
		err = errors.Join(err, c.Ack(t.ctx, ids(leases[:1])...))
	} else {
		time.Sleep(instant)
		err = nil
	}
	return errors.Join(err, c.Close())
}

// peekSome checks the order of what it sees.
func (t *queueTrial) peekSome(n int) error {
	seen, err := t.queues.Peek(t.ctx, t.owner, "", platform.MessageID{}, n)
	if err != nil {
		return err
	}
	if len(seen) > n {
		return fmt.Errorf("%d messages were asked for, and %d seen", n, len(seen))
	}
	for i := range seen {
		if i > 0 && seen[i].Message.ID.Number <= seen[i-1].Message.ID.Number {
			return fmt.Errorf("%v is behind %v", seen[i].Message.ID, seen[i-1].Message.ID)
		}
		if seen[i].Held != (seen[i].Holder != "") {
			return fmt.Errorf("a message is seen as %+v", seen[i])
		}
	}
	return nil
}

// placesLeft checks that so many queues of the exchange may still be bound to patterns
// with wildcards, and one more to a key.
func (t *queueTrial) placesLeft(n int) {
	t.Helper()
	for i := range n + 1 {
		topic := fmt.Sprint("place ", i)
		t.bind(topic, "order.0.0")
		if i < n {
			t.bind(topic, "order.*.1")
			continue
		}
		t.crowded(topic, "order.*.1")
		t.crowded("place beyond", "order.0.0")
	}
	for i := range n + 1 {
		t.drop(fmt.Sprint("place ", i))
	}
}
