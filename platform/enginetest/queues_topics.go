package enginetest

import (
	"math"
	"strconv"

	"github.com/shopex/prism-go/platform"
)

func topics() []queuePromise {
	return []queuePromise{
		{"CreateBindWriteAndConsumeMakeATopic", platform.QueueBounds{}, makeTopics},
		{"WhatOnlyNeedsATopicMakesNone", platform.QueueBounds{}, makeNoTopics},
		{"ListIsSortedAndLeavesOutTheDefaultQueue", platform.QueueBounds{}, listIsSorted},
		{"CreateAgainChangesNothing", platform.QueueBounds{}, createAgain},
		{"DropTakesMessagesAndBindingsAlong", platform.QueueBounds{}, dropTakesAll},
		{"DropEndsConsumers", platform.QueueBounds{}, dropEndsConsumers},
		{"ResumeIsConsumeOfWhatIsThere", platform.QueueBounds{}, resume},
		{"DropOnlyEmptiesTheDefaultQueue", platform.QueueBounds{}, dropDefault},
	}
}

func makeTopics(t *queueTrial) {
	t.create("created")
	t.bind("bound", "x")
	t.write("written", "message")
	t.consume("consumed")
	t.consume("")
	t.create("")
	t.lists("bound", "consumed", "created", "written")
}

func makeNoTopics(t *queueTrial) {
	for name, call := range t.readers() {
		t.refused(call("nowhere"), platform.ErrUnknownTopic, name+" of an unknown topic")
		t.must(call(""), "%s of the default queue", name)
	}
	t.lists()
}

// readers are the calls that make no topic.
func (t *queueTrial) readers() map[string]func(topic string) error {
	return map[string]func(string) error{
		"status":   func(topic string) error { _, err := t.queues.Status(t.ctx, t.owner, topic); return err },
		"read":     func(topic string) error { _, err := t.queues.Read(t.ctx, t.owner, topic, 1); return err },
		"purge":    func(topic string) error { return t.queues.Purge(t.ctx, t.owner, topic) },
		"bindings": func(topic string) error { _, err := t.queues.Bindings(t.ctx, t.owner, topic); return err },
		"peek": func(topic string) error {
			_, err := t.queues.Peek(t.ctx, t.owner, topic, platform.MessageID{}, 1)
			return err
		},
		"setting limits": func(topic string) error {
			return t.queues.SetLimits(t.ctx, t.owner, topic, platform.QueueLimits{})
		},
		"drop": func(topic string) error { return t.queues.Drop(t.ctx, t.owner, topic) },
	}
}

func listIsSorted(t *queueTrial) {
	for _, topic := range []string{"m", "b.c", "订单", "a", "z", "a b", "A", "10", "9"} {
		t.create(topic)
	}
	t.write("", "message")
	t.lists("10", "9", "A", "a", "a b", "b.c", "m", "z", "订单")
}

func createAgain(t *queueTrial) {
	t.bind("orders", "order.#")
	t.publish("order.new")
	t.create("orders")
	t.publish("order.paid")
	t.holds("orders", "order.new", "order.paid")
}

func dropTakesAll(t *queueTrial) {
	t.bind("orders", "order.#")
	t.bind("others", "order.#")
	t.publish("order.new")
	t.drop("orders")
	t.lists("others")
	t.publish("order.paid")
	t.lists("others")
	t.create("orders")
	t.publish("order.sent")
	t.holds("orders")
	t.holds("others", "order.new", "order.paid", "order.sent")
}

func dropEndsConsumers(t *queueTrial) {
	t.write("orders", numbers(1, 3)...)
	holder, waiter := t.consume("orders"), t.consume("orders")
	held := holder.fetchExactly(3)
	waiting := waiter.fetch(t.ctx)
	t.drop("orders")
	_, err := waiting.wait()
	t.refused(err, platform.ErrUnknownTopic, "Fetch that waited while the topic was dropped")
	_, err = holder.Fetch(t.ctx, 1, math.MaxInt)
	t.refused(err, platform.ErrUnknownTopic, "Fetch after the topic was dropped")

	t.write("orders", "new")
	_, err = waiter.Fetch(t.ctx, 1, math.MaxInt)
	t.refused(err, platform.ErrUnknownTopic, "Fetch after the topic was made anew")
	holder.ack(held[0])
	holder.close()
	t.counts("orders", platform.QueueStatus{Ready: 1, Bytes: 3})
	t.holds("orders", "new")
}

func resume(t *queueTrial) {
	t.write("orders", "1", "2")
	for _, topic := range []string{"orders", ""} {
		c, err := t.queues.Resume(t.ctx, t.owner, topic, "a test")
		t.must(err, "resume %q", topic)
		if topic == "orders" {
			testConsumer{t, c}.gets("1", "2")
			t.counts(topic, platform.QueueStatus{Unacknowledged: 2, Consumers: 1, Bytes: 2})
		}
		t.must(c.Close(), "close")
	}
	t.drop("orders")
	_, err := t.queues.Resume(t.ctx, t.owner, "orders", "a test")
	t.refused(err, platform.ErrUnknownTopic, "resume of a dropped topic")
	t.lists()
}

func dropDefault(t *queueTrial) {
	c := t.consume("")
	t.publish("held")
	held := c.gets("held")
	for i := range 3 {
		t.publish("order." + strconv.Itoa(i))
	}
	t.drop("")
	t.publish("order.new")
	c.gets("order.new")
	c.ack(held...)
	t.counts("", platform.QueueStatus{Unacknowledged: 1, Consumers: 1, Bytes: 2 * int64(len("order.new"))})
}
