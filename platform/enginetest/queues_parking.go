package enginetest

import (
	"slices"
	"strings"
	"time"

	"github.com/shopex/prism-go/platform"
)

func parking() []queuePromise {
	return []queuePromise{
		{"AParkedMessageIsOutOfTheWay", platform.QueueBounds{}, parkReady},
		{"ParkTakesWhatAConsumerHolds", platform.QueueBounds{}, parkHeld},
		{"ParkIgnoresWhatIsNotInTheQueue", platform.QueueBounds{}, parkIgnores},
		{"AMessageIsParkedInOneQueue", platform.QueueBounds{}, parkInOne},
		{"ParkedMessagesKeepEverything", platform.QueueBounds{}, parkWhole},
		{"AReasonIsKeptAsText", platform.QueueBounds{}, parkReason},
		{"ParkedMessagesAreShownInTheirOrder", platform.QueueBounds{}, parkedOrder},
		{"ParkingNeedsAQueue", platform.QueueBounds{}, parkingNeedsQueue},
	}
}

// most returns the limits of a queue without limits of its own.
func (t *queueTrial) most() (l platform.QueueLimits) {
	l.MaxMessages, l.MaxBytes = t.queues.Limits()
	return l
}

// park parks messages that are in the queue.
func (t *queueTrial) park(topic string, ids ...platform.MessageID) {
	t.helps(len(ids), "park", topic)(t.queues.Park(t.ctx, t.owner, topic, "a reason", "an operator", ids...))
}

// unpark puts parked messages back.
func (t *queueTrial) unpark(topic string, ids ...platform.MessageID) {
	t.helps(len(ids), "unpark", topic)(t.queues.Unpark(t.ctx, t.owner, topic, ids...))
}

// discard discards parked messages.
func (t *queueTrial) discard(topic string, ids ...platform.MessageID) {
	t.helps(len(ids), "discard", topic)(t.queues.Discard(t.ctx, t.owner, topic, ids...))
}

// helps returns a function that checks how many messages something was done with.
func (t *queueTrial) helps(want int, doing, topic string) func(int, error) {
	return func(n int, err error) {
		t.Helper()
		t.must(err, "%s in %q", doing, topic)
		if n != want {
			t.Fatalf("%s in %q was done with %d messages, want %d", doing, topic, n, want)
		}
	}
}

// parked returns what is parked in a queue.
func (t *queueTrial) parked(topic string) []platform.Parked {
	t.Helper()
	found, err := t.queues.Parked(t.ctx, t.owner, topic, platform.MessageID{}, 1000)
	t.must(err, "parked in %q", topic)
	return found
}

func (t *queueTrial) parkedIDs(topic string) (found []platform.MessageID) {
	t.Helper()
	for _, p := range t.parked(topic) {
		found = append(found, p.Message.ID)
	}
	return found
}

// parkedBytes returns how many bytes what is parked counts.
func (t *queueTrial) parkedBytes(topic string) (bytes int64) {
	t.Helper()
	for _, p := range t.parked(topic) {
		bytes += p.Size()
	}
	return bytes
}

func parkedBodies(found []platform.Parked) (texts []string) {
	for _, p := range found {
		texts = append(texts, string(p.Message.Body))
	}
	return texts
}

// parks compares what is parked in a queue.
func (t *queueTrial) parks(topic string, want ...string) {
	t.Helper()
	if got := parkedBodies(t.parked(topic)); !slices.Equal(got, want) {
		t.Fatalf("in %q are parked %.300q, want %.300q", topic, got, want)
	}
}

// parkedAs checks what is noted of parked messages, which were parked a moment ago.
func (t *queueTrial) parkedAs(topic string, want ...platform.Parked) {
	t.Helper()
	found := t.parked(topic)
	if len(found) != len(want) {
		t.Fatalf("in %q are %d parked messages, want %d", topic, len(found), len(want))
	}
	for i, got := range found {
		if ago := time.Since(got.Since); ago < -2*time.Second || ago > time.Minute {
			t.Errorf("message %d was parked %v ago", i, ago)
		}
		got.Message, got.Since = nil, time.Time{}
		if got != want[i] {
			t.Fatalf("message %d of %q is parked as %+v, want %+v", i, topic, got, want[i])
		}
	}
}

func parkReady(t *queueTrial) {
	t.write("orders", numbers(0, 5)...)
	all := t.peekIDs("orders")
	t.park("orders", all[1], all[4])
	t.counts("orders", platform.QueueStatus{Ready: 3, Bytes: 3 * 14, Parked: 2, ParkedBytes: t.parkedBytes("orders")})
	t.parks("orders", "message 000001", "message 000004")
	t.parkedAs("orders",
		platform.Parked{Reason: "a reason", By: "an operator"}, platform.Parked{Reason: "a reason", By: "an operator"})
	t.shows("orders", platform.MessageID{}, 10, "message 000000", "message 000002", "message 000003")
	t.shows("orders", all[1], 10, "message 000002", "message 000003")
	c := t.consume("orders")
	c.ack(c.gets("message 000000", "message 000002")...)
	c.close()
	t.holds("orders", "message 000003")
	t.parks("orders", "message 000001", "message 000004")
}

// parkHeld lets the consumer do what it may with a message that it no longer holds.
func parkHeld(t *queueTrial) {
	t.write("", numbers(0, 3)...)
	c := t.consume("")
	held := c.fetchExactly(2)
	c.fails(held[1:])
	t.park("", leasedIDs(held)...)
	t.counts("", platform.QueueStatus{Ready: 1, Bytes: 14, Consumers: 1, Parked: 2, ParkedBytes: t.parkedBytes("")})
	t.parkedAs("", platform.Parked{Attempts: 1, Reason: "a reason", By: "an operator"},
		platform.Parked{Attempts: 2, Reason: "a reason", By: "an operator"})
	c.ack(held[0])
	c.returnLeases(held...)
	c.fails(held)
	c.close()
	t.parks("", "message 000000", "message 000001")
	t.holds("", "message 000002")
	t.unpark("", t.parkedIDs("")...)
	t.consume("").tries(2, 3)
}

func parkIgnores(t *queueTrial) {
	t.write("", "1", "2", "3")
	t.write("orders", "elsewhere")
	all, others := t.peekIDs(""), t.peekIDs("orders")
	c := t.consume("")
	c.ack(c.fetchExactly(1)...)
	t.park("", all[1])
	strange := all[2]
	strange.Log++
	late := all[2]
	late.Number += 1 << 40
	for _, id := range []platform.MessageID{{}, all[0], all[1], others[0], strange, late} {
		t.helps(0, "another park", "")(t.queues.Park(t.ctx, t.owner, "", "another reason", "", id))
	}
	t.helps(0, "park of nothing", "")(t.queues.Park(t.ctx, t.owner, "", "another reason", ""))
	t.parkedAs("", platform.Parked{Reason: "a reason", By: "an operator"})
	t.parks("orders")
	t.helps(1, "park of one twice", "")(t.queues.Park(t.ctx, t.owner, "", "", "", all[2], strange, all[2]))
	t.parks("", "2", "3")
}

func parkInOne(t *queueTrial) {
	other := t.beside("#")
	t.bind("orders", "#")
	t.publish("order.new")
	t.park("", t.peekIDs("")...)
	t.parks("orders")
	other.parks("")
	t.holds("orders", "order.new")
	other.holds("", "order.new")
	t.parks("", "order.new")
}

func parkWhole(t *queueTrial) {
	want := platform.Message{
		Key: "order.new", Body: []byte("\x00\xff"), ContentType: "text/plain",
		ClientID: "buwb2lii", App: "shop", Time: time.Unix(1400568648, 0),
	}
	published := want
	t.must(t.tryPublish(&published), "publish")
	for range 2 {
		t.park("", published.ID)
		found := t.parked("")
		t.same(found[0].Message, &want)
		if id := found[0].Message.ID; id != published.ID {
			t.Fatalf("the message %v is parked as %v", published.ID, id)
		}
		t.unpark("", published.ID)
	}
	back := t.consume("").fetchExactly(1)[0].Message
	t.same(back, &want)
	if back.ID != published.ID {
		t.Fatalf("the message %v came back as %v", published.ID, back.ID)
	}
}

func parkReason(t *queueTrial) {
	t.attempted("", 1)
	t.write("", "1", "2", "3")
	reasons := []string{"", "\xff: " + strings.Repeat("\u00e9", platform.MaxReason), "caf\u00e9\x00\n"}
	c := t.consume("")
	for i, l := range c.fetchExactly(3) {
		_, err := c.Fail(t.ctx, reasons[i], l.ID)
		t.must(err, "fail")
	}
	for i, p := range t.parked("") {
		if want := platform.ParkReason(reasons[i]); p.Reason != want {
			t.Errorf("the reason %.40q is kept as %.40q of %d bytes, want %.40q of %d", reasons[i], p.Reason, len(p.Reason), want, len(want))
		}
	}
	t.counts("", platform.QueueStatus{Consumers: 1, Parked: 3, ParkedBytes: t.parkedBytes("")})
}

// parkedOrder parks messages in another order, and goes through them by each number.
func parkedOrder(t *queueTrial) {
	const n = 12
	t.write("", numbers(0, n)...)
	all := t.peekIDs("")
	t.park("", all[n/2:]...)
	t.park("", all[:n/2]...)
	t.parks("", numbers(0, n)...)
	for i, id := range all {
		for _, most := range []int{0, 1, 5, n} {
			found, err := t.queues.Parked(t.ctx, t.owner, "", id, most)
			t.must(err, "parked")
			if want := numbers(i+1, min(most, n-i-1)); !slices.Equal(parkedBodies(found), want) {
				t.Fatalf("%d behind message %d are %q, want %q", most, i, parkedBodies(found), want)
			}
		}
	}
	t.discard("", all[3])
	for _, behind := range []platform.MessageID{all[3], {Log: all[n-1].Log, Number: all[n-1].Number + 1<<40}} {
		found, err := t.queues.Parked(t.ctx, t.owner, "", behind, 1)
		t.must(err, "parked behind what is not there")
		if want := map[bool][]string{true: numbers(4, 1)}[behind == all[3]]; !slices.Equal(parkedBodies(found), want) {
			t.Fatalf("behind %v are %q, want %q", behind, parkedBodies(found), want)
		}
	}
}

func parkingNeedsQueue(t *queueTrial) {
	t.write("", "1")
	id := t.peekIDs("")[0]
	_, err := t.queues.Park(t.ctx, t.owner, "orders", "", "", id)
	t.refused(err, platform.ErrUnknownTopic, "park in an unknown topic")
	_, err = t.queues.Parked(t.ctx, t.owner, "orders", id, 1)
	t.refused(err, platform.ErrUnknownTopic, "parked in an unknown topic")
	_, err = t.queues.Unpark(t.ctx, t.owner, "orders", id)
	t.refused(err, platform.ErrUnknownTopic, "unpark in an unknown topic")
	_, err = t.queues.Discard(t.ctx, t.owner, "orders", id)
	t.refused(err, platform.ErrUnknownTopic, "discard in an unknown topic")
	t.lists()
}
