package enginetest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/shopex/prism-go/platform"
)

func messages() []queuePromise {
	return []queuePromise{
		{"MessagesComeOutAsTheyWentIn", platform.QueueBounds{}, everyField},
		{"ABodyMayHaveAnyBytes", platform.QueueBounds{}, anyBytes},
		{"MessagesKeepTheirOrder", platform.QueueBounds{}, keepOrder},
		{"WhatIsPublishedTogetherIsInOrder", platform.QueueBounds{}, publishTogether},
		{"ReadRemovesFromTheHead", platform.QueueBounds{}, readRemoves},
		{"ReadLeavesWhatIsHeld", platform.QueueBounds{}, readLeavesHeld},
		{"PurgeLeavesWhatIsHeld", platform.QueueBounds{}, purgeLeavesHeld},
		{"StatusCounts", platform.QueueBounds{}, statusCounts},
		{"DepthsCountEveryQueueOfEveryOwner", platform.QueueBounds{}, depthsCount},
	}
}

func everyField(t *queueTrial) {
	want := platform.Message{
		Key: "order.new", Body: []byte("hello world"), ContentType: "text/plain",
		ClientID: "buwb2lii", App: "shop", Time: time.Unix(1400568648, 0),
	}
	published, written := want, want
	t.must(t.tryPublish(&published), "publish")
	t.must(t.queues.Write(t.ctx, t.owner, "orders", &written), "write")
	t.same(t.read("", 1)[0], &want)
	t.same(t.consume("orders").fetchExactly(1)[0].Message, &want)
}

func (t *queueTrial) same(got, want *platform.Message) {
	t.Helper()
	if !bytes.Equal(got.Body, want.Body) {
		t.Fatalf("body of %d bytes came out as %d bytes: %.40q, want %.40q", len(want.Body), len(got.Body), got.Body, want.Body)
	}
	if got.Key != want.Key || got.ContentType != want.ContentType || got.ClientID != want.ClientID ||
		got.App != want.App || !got.Time.Equal(want.Time) {
		t.Fatalf("message came out as %+v, want %+v", got, want)
	}
}

func anyBytes(t *queueTrial) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	texts := [][]byte{nil, {}, {0}, every, []byte("\xff\xfe"), []byte(`{"a":1}`), bytes.Repeat(every, 4096)}
	for _, body := range texts {
		t.must(t.tryPublish(&platform.Message{Key: "x", Body: body}), "publish of %d bytes", len(body))
	}
	for i, lease := range t.consume("").fetchExactly(len(texts)) {
		t.same(lease.Message, &platform.Message{Key: "x", Body: texts[i]})
	}
}

func publishTogether(t *queueTrial) {
	const n = 3000
	large := string(bytes.Repeat([]byte("x"), 1<<20))
	together := make([]*platform.Message, 0, n+2)
	for i, body := range numbers(0, n) {
		if i == 10 || i == 20 {
			together = append(together, t.text(large))
		}
		together = append(together, t.text(body))
	}
	for _, ms := range [][]*platform.Message{nil, together[:1], together[1:5], together[5:]} {
		routed, err := t.queues.Publish(t.ctx, t.as.Exchange, ms...)
		t.must(err, "publish of %d messages", len(ms))
		if len(routed) != len(ms) {
			t.Fatalf("%d of %d messages were stored", len(routed), len(ms))
		}
	}
	read := t.read("", n+3)
	if len(read) != len(together) {
		t.Fatalf("%d of %d messages are there", len(read), len(together))
	}
	for i, m := range read {
		t.same(m, together[i])
	}
}

func keepOrder(t *queueTrial) {
	const n = 1000
	c := t.consume("orders")
	t.write("orders", numbers(0, n)...)
	for first := 0; first < n; first += 50 {
		c.ack(c.gets(numbers(first, 50)...)...)
	}
}

func readRemoves(t *queueTrial) {
	t.write("", numbers(1, 5)...)
	if got := t.contents("", 2); !slices.Equal(got, numbers(1, 2)) {
		t.Fatalf("read %q, want two messages", got)
	}
	t.counts("", platform.QueueStatus{Ready: 3, Bytes: 3 * int64(len(numbers(1, 1)[0]))})
	if none := t.read("", 0); len(none) != 0 {
		t.Fatalf("read of 0 messages returned %d", len(none))
	}
	t.holds("", numbers(3, 3)...)
	t.holds("")
	t.counts("", platform.QueueStatus{})
}

func readLeavesHeld(t *queueTrial) {
	t.write("", numbers(1, 4)...)
	c := t.consume("")
	c.fetchExactly(2)
	t.holds("", numbers(3, 2)...)
	c.close()
	t.holds("", numbers(1, 2)...)
}

func purgeLeavesHeld(t *queueTrial) {
	t.write("", numbers(1, 5)...)
	c := t.consume("")
	held := c.gets(numbers(1, 3)...)
	t.purge("")
	t.counts("", platform.QueueStatus{Unacknowledged: 3, Consumers: 1, Bytes: 3 * int64(len(numbers(1, 1)[0]))})
	c.ack(held[1])
	t.write("", "later")
	c.close()
	t.holds("", numbers(1, 1)[0], numbers(3, 1)[0], "later")
}

func statusCounts(t *queueTrial) {
	t.create("orders")
	t.counts("orders", platform.QueueStatus{})
	t.bind("orders", "#")
	t.publish("ab", "abcd") // key and body alike: 4 and 8 bytes
	t.write("orders", "x")
	t.counts("orders", platform.QueueStatus{Ready: 3, Bytes: 13})
	c, other := t.consume("orders"), t.consume("orders")
	leases := c.fetchExactly(2)
	t.counts("orders", platform.QueueStatus{Ready: 1, Unacknowledged: 2, Consumers: 2, Bytes: 13})
	c.ack(leases[1])
	t.counts("orders", platform.QueueStatus{Ready: 1, Unacknowledged: 1, Consumers: 2, Bytes: 5})
	other.close()
	t.counts("orders", platform.QueueStatus{Ready: 1, Unacknowledged: 1, Consumers: 1, Bytes: 5})
	c.close()
	t.counts("orders", platform.QueueStatus{Ready: 2, Bytes: 5})
	t.purge("orders")
	t.counts("orders", platform.QueueStatus{})
}

func depthsCount(t *queueTrial) {
	other := t.in(newName())
	t.write("orders", "abcd", "ef", "g")
	c := t.consume("orders")
	held := c.fetchExactly(2)
	other.write("orders", "xyz")
	t.deep(map[[2]string]platform.QueueStatus{
		{t.owner, ""}:           {},
		{t.owner, "orders"}:     {Ready: 1, Unacknowledged: 2, Consumers: 1, Bytes: 7},
		{other.owner, ""}:       {},
		{other.owner, "orders"}: {Ready: 1, Bytes: 3},
	})
	c.ack(held...)
	other.drop("orders")
	t.deep(map[[2]string]platform.QueueStatus{
		{t.owner, ""}:       {},
		{t.owner, "orders"}: {Ready: 1, Consumers: 1, Bytes: 1},
		{other.owner, ""}:   {},
	})
	t.limit("orders", platform.QueueLimits{MaxMessages: 7, Overflow: platform.DropNewest})
	for _, d := range t.depths() {
		if d.Owner == t.owner && d.Exchange != t.as.Exchange || d.Owner == other.owner && d.Exchange != other.as.Exchange {
			t.Errorf("queue %q is counted in the exchange %q", d.Topic, d.Exchange)
		}
		if d.Owner == t.owner {
			t.limited(d.Topic, d.Limits)
		}
	}
}

// deep waits until the queues of these owners are counted as want, by owner
// and topic.
func (t *queueTrial) deep(want map[[2]string]platform.QueueStatus) {
	t.Helper()
	t.soon(func() string {
		all := t.depths()
		got := make(map[[2]string]platform.QueueStatus)
		for _, d := range all {
			if _, ours := want[[2]string{d.Owner, ""}]; !ours {
				continue
			}
			if _, twice := got[[2]string{d.Owner, d.Topic}]; twice {
				t.Fatalf("queue %q was counted twice", d.Topic)
			}
			d.Limits = platform.QueueLimits{}
			got[[2]string{d.Owner, d.Topic}] = d.QueueStatus
		}
		if maps.Equal(got, want) {
			return ""
		}
		return fmt.Sprintf("the queues are counted as %+v, want %+v", got, want)
	})
}
