package enginetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/shopex/prism-go/platform"
)

func peeking() []queuePromise {
	return []queuePromise{
		{"PeekShowsAQueueFromItsHead", platform.QueueBounds{}, peekHead},
		{"PeekShowsWholeMessages", platform.QueueBounds{}, peekWhole},
		{"PeekGoesOnBehindAMessage", platform.QueueBounds{}, peekOn},
		{"PeekGoesOnBehindWhatIsGone", platform.QueueBounds{}, peekBehindGone},
		{"PeekShowsWhoHoldsAMessage", platform.QueueBounds{}, peekHeld},
		{"PeekChangesNothing", platform.QueueBounds{}, peekChangesNothing},
		{"PeekBehindAnUnknownMessageIsRefused", platform.QueueBounds{}, peekUnknown},
	}
}

func peekedBodies(found []platform.Peeked) []string {
	var texts []string
	for _, p := range found {
		texts = append(texts, string(p.Message.Body))
	}
	return texts
}

// shows compares what Peek shows behind a message.
func (t *queueTrial) shows(topic string, after platform.MessageID, n int, want ...string) {
	t.Helper()
	if got := peekedBodies(t.peekBehind(topic, after, n)); !slices.Equal(got, want) {
		t.Fatalf("peek at %d of %q behind %q shows %.300q, want %.300q", n, topic, after, got, want)
	}
}

func peekHead(t *queueTrial) {
	zero := platform.MessageID{}
	t.shows("", zero, 10)
	t.publish("order.1", "order.2")
	t.write("", "3")
	t.shows("", zero, 2, "order.1", "order.2")
	t.shows("", zero, 10, "order.1", "order.2", "3")
	t.shows("", zero, 0)
	t.read("", 1)
	t.shows("", zero, 1, "order.2")
	t.create("orders")
	t.shows("orders", zero, 1)
}

func peekWhole(t *queueTrial) {
	want := platform.Message{
		Key: "order.new", Body: []byte("\x00\xff"), ContentType: "text/plain",
		ClientID: "buwb2lii", App: "shop", Time: time.Unix(1400568648, 0),
	}
	published := want
	t.must(t.tryPublish(&published), "publish")
	found := t.peek("", 1)
	if len(found) != 1 {
		t.Fatalf("peek shows %d messages, want 1", len(found))
	}
	t.same(found[0].Message, &want)
}

// peekOn goes on from each message, whether one or all that follow are asked for.
func peekOn(t *queueTrial) {
	const n = 12
	bodies := numbers(0, n)
	t.write("other", "between") // which does not matter for the others
	t.write("", bodies...)
	t.consume("").fetchExactly(2)
	all := t.peekIDs("")
	t.different(all, n)
	for i, id := range all {
		t.shows("", id, 1, bodies[i+1:min(i+2, n)]...)
		t.shows("", id, n, bodies[i+1:]...)
	}
	t.write("", "later")
	t.shows("", all[n-1], n, "later")
}

// peekBehindGone removes messages in each way that there is.
func peekBehindGone(t *queueTrial) {
	t.write("", numbers(0, 6)...)
	all := t.peekIDs("")
	t.different(all, 6)
	c := t.consume("")
	held := c.fetchExactly(4)
	c.ack(held[1], held[3])
	t.shows("", all[1], 10, numbers(2, 1)[0], numbers(4, 1)[0], numbers(5, 1)[0])
	t.shows("", all[3], 10, numbers(4, 2)...)
	t.read("", 1)
	t.shows("", all[4], 10, numbers(5, 1)...)
	t.purge("")
	t.shows("", all[5], 10)
	t.write("", "later")
	t.shows("", all[5], 10, "later")
	t.shows("", all[0], 10, numbers(2, 1)[0], "later")
	c.close()
	t.read("", 10)
	t.write("", "last")
	for _, id := range all {
		t.shows("", id, 10, "last")
	}
}

// peekHeld has two consumers, of which one gives something back.
func peekHeld(t *queueTrial) {
	t.write("", numbers(0, 5)...)
	begun := time.Now()
	consume := func(name string) testConsumer {
		c, err := t.queues.Consume(t.ctx, t.owner, "", name)
		t.must(err, "consume")
		t.Cleanup(func() { c.Close() })
		return testConsumer{t, c}
	}
	one, other := consume("one consumer"), consume("another")
	held := one.fetchExactly(2)
	other.fetchExactly(1)
	t.heldBy(begun, "one consumer", "one consumer", "another", "", "")
	one.returnLeases(held[1])
	t.heldBy(begun, "one consumer", "", "another", "", "")
	one.ack(held[0])
	t.heldBy(begun, "", "another", "", "")
	c, err := t.queues.Resume(t.ctx, t.owner, "", "resumed")
	t.must(err, "resume")
	resumed := testConsumer{t, c}
	resumed.fetchExactly(1)
	t.heldBy(begun, "resumed", "another", "", "")
	other.close()
	resumed.close()
	t.heldBy(begun, "", "", "", "")
}

// heldBy waits until the messages of the default queue are held by consumers of these
// names, where an empty one is no consumer, since a moment after begun.
func (t *queueTrial) heldBy(begun time.Time, want ...string) {
	t.Helper()
	t.soon(func() string {
		found := t.peek("", 10)
		if len(found) != len(want) {
			return fmt.Sprintf("peek shows %d messages, want %d", len(found), len(want))
		}
		for i, p := range found {
			if complaint := heldBy(p, begun, want[i]); complaint != "" {
				return fmt.Sprintf("message %d %s", i, complaint)
			}
		}
		return ""
	})
}

func heldBy(p platform.Peeked, begun time.Time, name string) (complaint string) {
	const rounding = time.Second
	now := time.Now()
	switch {
	case p.Held != (name != "") || p.Holder != name:
		return fmt.Sprintf("is held: %v, by %q; want %q", p.Held, p.Holder, name)
	case !p.Held && !p.Since.IsZero():
		return fmt.Sprintf("is held by nobody since %v", p.Since)
	case p.Held && (p.Since.Before(begun.Add(-rounding)) || p.Since.After(now.Add(rounding))):
		return fmt.Sprintf("is held since %v, want between %v and %v", p.Since, begun, now)
	}
	return ""
}

func peekChangesNothing(t *queueTrial) {
	t.write("", numbers(0, 6)...)
	c := t.consume("")
	held := c.fetchExactly(3)
	c.ack(held[1])
	status := platform.QueueStatus{Ready: 3, Unacknowledged: 2, Consumers: 1, Bytes: 5 * 14}
	t.counts("", status)
	for range 3 {
		t.heldBy(time.Time{}, "a test", "a test", "", "", "")
		t.shows("", platform.MessageID{}, 10, append(numbers(0, 1), numbers(2, 4)...)...)
		t.counts("", status)
	}
	c.ack(held[0])
	c.gets(numbers(3, 3)...)
	c.close()
	t.holds("", numbers(2, 4)...)
}

// peekUnknown asks for messages of another engine, and for those that are still to come.
func peekUnknown(t *queueTrial) {
	t.write("", "1", "2")
	known := t.peek("", 1)[0].Message.ID
	for _, id := range []platform.MessageID{
		{Log: known.Log + 1, Number: known.Number},
		{Log: known.Log, Number: known.Number + 1<<40},
		{Log: known.Log, Number: 1<<64 - 1},
	} {
		_, err := t.queues.Peek(t.ctx, t.owner, "", id, 10)
		t.refused(err, platform.ErrUnknownMessage, "peek behind an ID that was never given")
	}
	t.shows("", known, 10, "2")
}
