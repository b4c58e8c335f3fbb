package enginetest

import (
	"errors"
	"fmt"
	"math"

	"github.com/shopex/prism-go/platform"
)

func forgetting() []queuePromise {
	return []queuePromise{
		{"ForgetTakesAllOfAnOwner", platform.QueueBounds{}, forgetTakesAll},
		{"ForgetNeedsNoOwner", platform.QueueBounds{}, forgetNobody},
		{"ForgetEndsConsumers", platform.QueueBounds{}, forgetEndsConsumers},
		{"NoConsumerIsLeftWithAForgottenOwner", platform.QueueBounds{}, forgetMeanwhile},
		{"AForgottenOwnerBeginsAnew", platform.QueueBounds{MaxTopics: 3, MaxBindings: 5, Bindings: []platform.Binding{{Pattern: "order.#", Topic: "orders"}, {Pattern: "#", Topic: ""}}}, beginsAnew},
	}
}

func (t *queueTrial) forget() {
	t.Helper()
	t.must(t.queues.Forget(t.ctx, t.owner), "forget")
}

// has counts the queues of the owner without naming it to the engine.
func (t *queueTrial) has() (count int) {
	t.Helper()
	all := t.depths()
	for _, d := range all {
		if d.Owner == t.owner {
			count++
		}
	}
	return count
}

func forgetTakesAll(t *queueTrial) {
	other := t.in(newName())
	other.write("orders", "theirs")
	for i := range 99 {
		t.bind(fmt.Sprint("topic ", i), "order.#")
	}
	t.publish("order.new")
	t.write("lonely", "message")
	t.forget()
	if n := t.has(); n > 0 {
		t.Fatalf("a forgotten owner has %d queues", n)
	}
	t.declare()
	t.lists()
	t.publish("order.paid")
	t.holds("", "order.paid")
	t.create("lonely")
	t.holds("lonely")
	other.holds("orders", "theirs")
}

func forgetNobody(t *queueTrial) {
	t.forget()
	t.create("orders")
	t.forget()
	t.forget()
	if n := t.has(); n > 0 {
		t.Fatalf("a forgotten owner has %d queues", n)
	}
	t.lists()
}

func forgetEndsConsumers(t *queueTrial) {
	for _, topic := range []string{"", "orders"} {
		t.write(topic, numbers(1, 3)...)
		holder, waiter := t.consume(topic), t.consume(topic)
		held := holder.fetchExactly(3)
		waiting := waiter.fetch(t.ctx)
		t.forget()
		_, err := waiting.wait()
		t.refused(err, platform.ErrUnknownTopic, "Fetch that waited while the owner was forgotten")
		_, err = holder.Fetch(t.ctx, 1, math.MaxInt)
		t.refused(err, platform.ErrUnknownTopic, "Fetch after the owner was forgotten")

		t.write(topic, "new")
		_, err = waiter.Fetch(t.ctx, 1, math.MaxInt)
		t.refused(err, platform.ErrUnknownTopic, "Fetch after the owner has begun anew")
		holder.ack(held[0])
		holder.returnLeases(held[1])
		holder.close()
		t.counts(topic, platform.QueueStatus{Ready: 1, Bytes: 3})
		t.holds(topic, "new")
	}
}

// forgetMeanwhile makes consumers while their owner is forgotten.
func forgetMeanwhile(t *queueTrial) {
	for range 50 {
		forgotten := make(chan error, 1)
		go func() { forgotten <- t.queues.Forget(t.ctx, t.owner) }()
		if err := t.tryToConsume(); err != nil && !errors.Is(err, platform.ErrUnknownTopic) {
			t.Fatalf("consume: %v", err)
		}
		t.must(<-forgotten, "forget")
	}
}

// tryToConsume gets messages that are written after it has begun, or an error that says
// that it does not.
func (t *queueTrial) tryToConsume() error {
	c, err := t.queues.Consume(t.ctx, t.owner, "", "a test")
	if err != nil {
		return err
	}
	defer c.Close()
	t.write("", "message")
	_, err = testConsumer{t, c}.fetch(t.ctx).wait()
	return err
}

func beginsAnew(t *queueTrial) {
	for range 3 {
		t.lists("orders")
		t.create("a")
		t.bind("b", "refund.#")
		t.bind("b", "order.#")
		t.drop("orders")
		t.publish("order.new", "refund.new")
		t.holds("b", "order.new", "refund.new")
		t.forget()
		t.declare()
		t.publish("order.paid", "refund.paid")
		t.holds("orders", "order.paid")
		t.holds("", "order.paid", "refund.paid")
	}
}
