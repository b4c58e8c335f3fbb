package enginetest

import (
	"slices"

	"github.com/shopex/prism-go/platform"
)

func messageIDs() []queuePromise {
	return []queuePromise{
		{"EveryMessageHasAnIDOfItsOwn", platform.QueueBounds{}, distinctMessageIDs},
		{"AMessageHasOneIDInAllOfItsQueues", platform.QueueBounds{}, sameIDs},
		{"AMessageKeepsItsID", platform.QueueBounds{}, keptIDs},
		{"IDsCountUpInAQueue", platform.QueueBounds{}, ascendingIDs},
		{"APublisherLearnsTheIDs", platform.QueueBounds{}, toldIDs},
	}
}

// peek returns the messages of a queue from its head.
func (t *queueTrial) peek(topic string, n int) []platform.Peeked {
	t.Helper()
	return t.peekBehind(topic, platform.MessageID{}, n)
}

func (t *queueTrial) peekBehind(topic string, after platform.MessageID, n int) []platform.Peeked {
	t.Helper()
	found, err := t.queues.Peek(t.ctx, t.owner, topic, after, n)
	t.must(err, "peek at %d of %q behind %q", n, topic, after)
	return found
}

// peekIDs returns the IDs of the messages of a queue.
func (t *queueTrial) peekIDs(topic string) []platform.MessageID {
	t.Helper()
	var found []platform.MessageID
	for _, p := range t.peek(topic, 1000) {
		found = append(found, p.Message.ID)
	}
	return found
}

func readIDs(ms []*platform.Message) []platform.MessageID {
	var found []platform.MessageID
	for _, m := range ms {
		found = append(found, m.ID)
	}
	return found
}

func leasedIDs(leases []platform.Lease) []platform.MessageID {
	var found []platform.MessageID
	for _, l := range leases {
		found = append(found, l.Message.ID)
	}
	return found
}

// different checks that there are n IDs, and that they differ.
func (t *queueTrial) different(found []platform.MessageID, n int) {
	t.Helper()
	if len(found) != n {
		t.Fatalf("%d messages are there, want %d", len(found), n)
	}
	seen := make(map[platform.MessageID]bool)
	for _, id := range found {
		if id.IsZero() || seen[id] {
			t.Fatalf("the IDs %v have one twice, or none", found)
		}
		seen[id] = true
	}
}

func distinctMessageIDs(t *queueTrial) {
	other := t.beside()
	t.unbind("", "#")
	t.bind("orders", "#")
	t.publish("order.new", "order.new", "order.paid")
	_, err := t.queues.Publish(t.ctx, t.as.Exchange, t.keyed("order.new"), t.keyed("order.new"))
	t.must(err, "publish of two together")
	t.write("orders", "x", "x")
	t.write("", "x")
	other.write("", "x")
	all := append(t.peekIDs("orders"), t.peekIDs("")...)
	t.different(append(all, other.peekIDs("")...), 9)
}

// sameIDs looks at each queue in another way.
func sameIDs(t *queueTrial) {
	reader, holder := t.beside("order.#"), t.beside("#")
	t.publish("order.new", "stock.low", "order.paid")
	_, err := t.queues.Publish(t.ctx, t.as.Exchange, t.keyed("order.new"), t.keyed("order.sent"))
	t.must(err, "publish of two together")
	all := t.peekIDs("")
	t.different(all, 5)
	if held := leasedIDs(holder.consume("").fetchExactly(5)); !slices.Equal(held, all) {
		t.Errorf("the messages have the IDs %v in one queue, %v in another", all, held)
	}
	some := slices.Delete(slices.Clone(all), 1, 2) // which is of no order
	if read := readIDs(reader.read("", 10)); !slices.Equal(read, some) {
		t.Errorf("the messages have the IDs %v in one queue, %v in another", some, read)
	}
}

func keptIDs(t *queueTrial) {
	t.publish("order.new", "order.paid")
	t.write("", "x")
	kept := t.peekIDs("")
	t.different(kept, 3)
	same := func(doing string, got []platform.MessageID) {
		t.Helper()
		if !slices.Equal(got, kept) {
			t.Fatalf("messages with the IDs %v have %v %s", kept, got, doing)
		}
	}
	c := t.consume("")
	held := c.fetchExactly(3)
	same("at a consumer", leasedIDs(held))
	same("while they are held", t.peekIDs(""))
	c.returnLeases(held...)
	same("when they were returned", t.peekIDs(""))
	same("when they are fetched again", leasedIDs(c.fetchExactly(3)))
	c.close()
	same("when their consumer is gone", t.peekIDs(""))
	same("when they are read", readIDs(t.read("", 3)))
}

// ascendingIDs mixes what is published and written, and returns messages between.
func ascendingIDs(t *queueTrial) {
	for i := range 10 {
		t.publish("order.new")
		t.write("", "x")
		if i%3 == 0 {
			c := t.consume("")
			c.fetchExactly(2)
			c.close()
		}
	}
	found := t.peekIDs("")
	t.different(found, 20)
	for i := 1; i < len(found); i++ {
		if found[i].Number <= found[i-1].Number {
			t.Fatalf("the numbers of %v do not count up", found)
		}
	}
}

func toldIDs(t *queueTrial) {
	written, published := t.text("x"), t.keyed("order.new")
	t.must(t.queues.Write(t.ctx, t.owner, "", written), "write")
	t.must(t.tryPublish(published), "publish")
	if want := []platform.MessageID{written.ID, published.ID}; !slices.Equal(t.peekIDs(""), want) {
		t.Fatalf("the queue has the IDs %v, the publisher %v", t.peekIDs(""), want)
	}
	t.limit("", platform.QueueLimits{MaxMessages: 2, Overflow: platform.DropNewest})
	lost := t.text("y")
	t.must(t.queues.Write(t.ctx, t.owner, "", lost), "write of a message that is dropped")
	if !lost.ID.IsZero() {
		t.Fatalf("a message that is in no queue has the ID %v", lost.ID)
	}
}
