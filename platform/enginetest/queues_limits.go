package enginetest

import (
	"strconv"
	"strings"
	"time"

	"github.com/shopex/prism-go/platform"
)

func limits() []queuePromise {
	return []queuePromise{
		{"AQueueHoldsItsLimitOfMessages", platform.QueueBounds{MaxMessages: 3}, messageLimit},
		{"AQueueHoldsItsLimitOfBytes", platform.QueueBounds{MaxBytes: 100}, byteLimit},
		{"AnOwnerHasItsLimitOfMessages", platform.QueueBounds{MaxOwnerMessages: 4}, ownerMessageLimit},
		{"AnOwnerHasItsLimitOfBytes", platform.QueueBounds{MaxOwnerBytes: 100}, ownerByteLimit},
		{"AllOwnersHaveTheirLimitTogether", platform.QueueBounds{MaxTotalMessages: 4, MaxTotalBytes: 100}, totalLimit},
		{"LimitsAreThoseOfAQueue", platform.QueueBounds{MaxMessages: 7, MaxBytes: 1000}, toldLimits},
		{"AFullQueueIsNamedWithWhoConsumesIt", platform.QueueBounds{MaxMessages: 1}, namedFull},
		{"PublishIsAllOrNothing", platform.QueueBounds{MaxMessages: 3}, allOrNothing},
		{"WhatIsPublishedTogetherEndsWithTheFirstRefused", platform.QueueBounds{MaxMessages: 3}, refusedTogether},
		{"WhatIsTooOldIsGone", platform.QueueBounds{MaxAge: time.Hour}, tooOld},
		{"AnOwnerHasItsLimitOfTopics", platform.QueueBounds{MaxTopics: 3}, topicLimit},
		{"AnOwnerHasItsLimitOfBindings", platform.QueueBounds{MaxBindings: 5}, bindingLimit},
	}
}

func (t *queueTrial) full(topic string, m *platform.Message) {
	t.Helper()
	t.refused(t.queues.Write(t.ctx, t.owner, topic, m), platform.ErrQueueFull, "write to a full queue")
}

// messageLimit shows that what is held counts, and what makes room.
func messageLimit(t *queueTrial) {
	t.write("orders", numbers(1, 3)...)
	t.full("orders", t.text("x"))
	c := t.consume("orders")
	held := c.fetchExactly(2)
	t.full("orders", t.text("x"))
	c.ack(held[0])
	t.write("orders", "4")
	t.full("orders", t.text("x"))
	c.close()
	t.full("orders", t.text("x"))
	t.read("orders", 1)
	t.write("orders", "5")
	t.full("orders", t.text("x"))
	t.holds("orders", numbers(3, 1)[0], "4", "5")
	t.write("orders", "6", "7", "8")
	t.purge("orders")
	t.write("orders", "9")
	t.holds("orders", "9")
}

// ownerMessageLimit shows that what goes to two queues counts twice, and what makes
// room again.
func ownerMessageLimit(t *queueTrial) {
	t.bind("a", "order.#")
	t.publish("order.new") // and into the default queue
	t.write("b", "1", "2")
	t.full("c", t.text("x"))
	t.refused(t.tryPublish(t.keyed("x")), platform.ErrQueueFull, "publish")
	c := t.consume("a")
	held := c.fetchExactly(1)
	t.full("b", t.text("x"))
	c.ack(held...)
	t.write("b", "3")
	t.full("b", t.text("x"))
	t.drop("b")
	t.write("d", "1", "2", "3")
	t.full("d", t.text("x"))
	t.read("d", 1)
	t.refused(t.tryPublish(t.keyed("order.new")), platform.ErrQueueFull, "publish to two queues, with room for one")
	t.purge("")
	t.publish("order.new")
	t.full("a", t.text("x"))
	t.forget()
	t.write("e", numbers(1, 4)...)
	t.full("e", t.text("x"))
}

func ownerByteLimit(t *queueTrial) {
	t.write("a", strings.Repeat("x", 60))
	t.full("b", t.text(strings.Repeat("x", 41)))
	t.write("b", strings.Repeat("x", 40))
	t.full("c", t.text("x"))
	c := t.consume("a")
	c.fetchExactly(1)
	c.close()
	t.full("c", t.text("x"))
	t.read("b", 1)
	t.write("c", strings.Repeat("x", 40))
	t.full("a", t.text("x"))
}

func totalLimit(t *queueTrial) {
	other := t.in(newName())
	write := func(body string) error { return t.queues.Write(t.ctx, other.owner, "a", other.text(body)) }
	t.write("a", strings.Repeat("x", 60))
	t.refused(write(strings.Repeat("x", 41)), platform.ErrQueueFull, "write beyond the limit of bytes of all owners")
	t.must(write("1"), "write")
	t.must(write("2"), "write")
	t.must(write("3"), "write")
	t.refused(write("4"), platform.ErrQueueFull, "write beyond the limit of messages of all owners")
	t.full("b", t.text("x"))
	t.read("a", 1)
	t.must(write(strings.Repeat("x", 60)), "write where there is room again")
	t.full("b", t.text("x"))
	other.forget()
	t.write("a", numbers(1, 4)...)
	t.full("a", t.text("x"))
}

func toldLimits(t *queueTrial) {
	if messages, bytes := t.queues.Limits(); messages != 7 || bytes != 1000 {
		t.Errorf("the limits are told as %d messages and %d bytes, want 7 and 1000", messages, bytes)
	}
}

// namedFull has two queues and one of another key: a publisher knows of none.
func namedFull(t *queueTrial) {
	t.bind("orders", "#")
	t.consume("orders").fetchExactly(t.one("orders"))
	full := func(want, other string) {
		t.Helper()
		err := t.tryPublish(t.keyed("order.new"))
		t.refused(err, platform.ErrQueueFull, "publish to a full queue")
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), other) {
			t.Errorf("the refusal is %q, want %q in it and not %q", err, want, other)
		}
	}
	full(`"orders"`, "nobody")
	t.unbind("orders", "#")
	t.one("")
	full("default queue holds its limit of 1 messages and nobody consumes it", "orders")
	t.read("", 1)
	other := t.beside("#")
	other.limit("", platform.QueueLimits{Overflow: platform.Refuse})
	other.one("")
	full("default queue of the key "+strconv.Quote(other.owner)+" holds its limit", "orders")
}

func (t *queueTrial) one(topic string) int {
	t.write(topic, "x")
	return 1
}

func byteLimit(t *queueTrial) {
	t.full("orders", t.text(strings.Repeat("x", 101)))
	t.write("orders", strings.Repeat("x", 60))
	t.full("orders", t.text(strings.Repeat("x", 41)))
	t.full("orders", &platform.Message{Key: "abcdef", Body: make([]byte, 35), ClientID: t.owner})
	c := t.consume("orders")
	held := c.fetchExactly(1)
	t.full("orders", t.text(strings.Repeat("x", 41)))
	t.write("orders", strings.Repeat("y", 40))
	t.full("orders", t.text("x"))
	c.ack(held...)
	t.write("orders", strings.Repeat("z", 60))
	t.counts("orders", platform.QueueStatus{Ready: 2, Consumers: 1, Bytes: 100})
}

func allOrNothing(t *queueTrial) {
	for _, topic := range []string{"a", "full", "z"} {
		t.bind(topic, "#")
	}
	t.purge("")
	t.write("full", "1", "2", "3")
	t.refused(t.tryPublish(t.keyed("x")), platform.ErrQueueFull, "publish to a full queue among others")
	for _, topic := range []string{"", "a", "z"} {
		t.holds(topic)
	}
	t.read("full", 1)
	t.publish("order.new")
	for _, topic := range []string{"", "a", "z"} {
		t.holds(topic, "order.new")
	}
	t.holds("full", "2", "3", "order.new")
}

func refusedTogether(t *queueTrial) {
	t.bind("full", "order.#")
	t.write("full", "0")
	keyed := func(key, body string) *platform.Message {
		return &platform.Message{Key: key, Body: []byte(body), ClientID: t.owner}
	}
	routed, err := t.queues.Publish(t.ctx, t.as.Exchange,
		keyed("order.new", "1"), keyed("order.new", "2"), keyed("order.new", "3"), keyed("stock.low", "4"))
	if len(routed) != 2 {
		t.Errorf("%d messages were stored, want 2", len(routed))
	}
	t.refused(err, platform.ErrQueueFull, "publish of a third message")
	t.holds("", "1", "2")
	t.holds("full", "0", "1", "2")
	t.write("full", "0", "1", "2")
	routed, err = t.queues.Publish(t.ctx, t.as.Exchange, keyed("order.new", "5"), keyed("stock.low", "6"))
	if len(routed) != 0 {
		t.Errorf("%d messages were stored although the first was refused", len(routed))
	}
	t.refused(err, platform.ErrQueueFull, "publish of what begins with a refused message")
	t.holds("")
}

func tooOld(t *queueTrial) {
	t.aged("orders", "1", 2*time.Hour)
	t.aged("orders", "2", 0)
	t.aged("orders", "3", 2*time.Hour)
	t.aged("orders", "4", time.Minute)
	t.shows("orders", platform.MessageID{}, 10, "2", "4")
	if got := t.read("orders", 1); len(got) != 1 || string(got[0].Body) != "2" {
		t.Fatalf("read %d messages, want the second", len(got))
	}
	c := t.consume("orders")
	c.ack(c.gets("4")...)
	waiting := c.fetch(t.ctx)
	t.aged("orders", "5", 2*time.Hour)
	t.aged("orders", "6", 0)
	leases, err := waiting.wait()
	t.must(err, "fetch")
	if len(leases) != 1 || string(leases[0].Message.Body) != "6" {
		t.Fatalf("fetched %q, want the sixth", bodies(leases))
	}
}

// aged writes a message of this age.
func (t *queueTrial) aged(topic, body string, age time.Duration) {
	t.Helper()
	m := t.text(body)
	m.Time = time.Now().Add(-age).Truncate(time.Second)
	t.must(t.queues.Write(t.ctx, t.owner, topic, m), "write %q to %q", body, topic)
}

func topicLimit(t *queueTrial) {
	for range 3 {
		t.create("a")
		t.create("b")
		t.create("c")
		t.create("")
	}
	for name, call := range t.makers() {
		t.refused(call("d"), platform.ErrTooManyTopics, name+" of one topic too many")
	}
	t.lists("a", "b", "c")
	t.write("a", "message")
	t.drop("b")
	t.write("d", "message")
	t.lists("a", "c", "d")
}

// makers are the calls that make a topic.
func (t *queueTrial) makers() map[string]func(topic string) error {
	return map[string]func(string) error{
		"create":  func(topic string) error { return t.queues.Create(t.ctx, t.owner, topic) },
		"bind":    func(topic string) error { return t.queues.Bind(t.ctx, t.owner, topic, "x") },
		"write":   func(topic string) error { return t.queues.Write(t.ctx, t.owner, topic, t.text("x")) },
		"consume": func(topic string) error { _, err := t.queues.Consume(t.ctx, t.owner, topic, "a test"); return err },
	}
}

// bindingLimit leaves open whether the binding of the default queue counts.
func bindingLimit(t *queueTrial) {
	for i := range 4 {
		t.bind("orders", "order."+strconv.Itoa(i))
		t.bind("orders", "order.0")
	}
	err := t.queues.Bind(t.ctx, t.owner, "orders", "order.4")
	if err == nil {
		err = t.queues.Bind(t.ctx, t.owner, "orders", "order.5")
	}
	if err == nil {
		t.Fatal("a limit of 5 bindings let a sixth through")
	}
	t.publish("order.5")
	t.holds("orders")
	t.drop("orders")
	t.bind("others", "order.5")
	t.publish("order.5")
	t.holds("others", "order.5")
}
