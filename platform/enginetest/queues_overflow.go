package enginetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/shopex/prism-go/platform"
)

func overflow() []queuePromise {
	three := platform.QueueBounds{MaxMessages: 3}
	return []queuePromise{
		{"AQueueMayHaveLimitsOfItsOwn", three, ownLimits},
		{"AQueueMayHaveItsOwnLimitOfBytes", platform.QueueBounds{MaxBytes: 100}, ownByteLimit},
		{"AZeroLimitIsTheDefault", three, zeroLimits},
		{"ALowerLimitLeavesWhatIsThere", three, lowerLimit},
		{"LimitsEndWithTheirQueue", three, limitsEnd},
		{"AnUnknownOverflowIsRefused", three, unknownOverflow},
		{"AFullQueueRefusesItsOwnKeyAndDropsForOthers", three, defaultOverflow},
		{"AQueueSetToRefuseRefusesAllKeys", three, refuseOverflow},
		{"AQueueSetToDropOldestDropsForAllKeys", three, dropOldest},
		{"AQueueSetToDropNewestDropsForAllKeys", three, dropNewest},
		{"HeldMessagesAreNeverDropped", three, heldStay},
		{"AQueueDropsAsManyAsItsBytesNeed", platform.QueueBounds{MaxBytes: 100}, dropForBytes},
		{"AMessageMakesRoomOfAThousandAtMost", platform.QueueBounds{MaxBytes: 12_000}, dropAtMost},
		{"AMessageLargerThanItsQueueIsDroppedThere", platform.QueueBounds{MaxBytes: 100}, largerThanTheQueue},
		{"AMessageIsNotInTheQueueThatDropsIt", three, routedWhereDropped},
		{"WhatIsDroppedIsCounted", three, countDropped},
		{"WhatIsPublishedIsCounted", three, countPublished},
		{"OnDropIsCalledOnceForAWhile", three, warnOfDrops},
		{"APlatformIsToldOfDropsButNotOfItsOwnMessages", three, notifyOfDrops},
	}
}

// warnings are the calls of OnDrop.
type warnings struct {
	mu    sync.Mutex
	calls []warning
}

type warning struct {
	owner, topic string
	dropped      uint64
}

func (w *warnings) add(owner, topic string, dropped uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, warning{owner, topic, dropped})
}

// of returns the calls for one queue.
func (w *warnings) of(owner, topic string) []warning {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.calls), func(c warning) bool { return c.owner != owner || c.topic != topic })
}

func (t *queueTrial) limit(topic string, l platform.QueueLimits) {
	t.Helper()
	t.must(t.queues.SetLimits(t.ctx, t.owner, topic, l), "set the limits %+v of %q", l, topic)
}

// limited checks which limits Status tells.
func (t *queueTrial) limited(topic string, want platform.QueueLimits) {
	t.Helper()
	got, err := t.queues.Status(t.ctx, t.owner, topic)
	t.must(err, "status of %q", topic)
	if got.Limits != want {
		t.Fatalf("queue %q has the limits %+v, want %+v", topic, got.Limits, want)
	}
}

// ownLimits sets one below and one above the default.
func ownLimits(t *queueTrial) {
	t.create("short")
	t.create("long")
	preset, err := t.queues.Status(t.ctx, t.owner, "short")
	t.must(err, "status")
	if preset.Limits.MaxMessages != 3 || preset.Limits.Overflow != platform.OverflowDefault {
		t.Fatalf("a queue has the limits %+v, want 3 messages", preset.Limits)
	}
	t.limit("short", platform.QueueLimits{MaxMessages: 2})
	t.limit("long", platform.QueueLimits{MaxMessages: 5, MaxBytes: 1000, Overflow: platform.Refuse})
	t.limited("short", platform.QueueLimits{MaxMessages: 2, MaxBytes: preset.Limits.MaxBytes})
	t.limited("long", platform.QueueLimits{MaxMessages: 5, MaxBytes: 1000, Overflow: platform.Refuse})
	t.limited("", preset.Limits)
	for topic, n := range map[string]int{"short": 2, "long": 5, "": 3} {
		t.write(topic, numbers(0, n)...)
		t.full(topic, t.text("x"))
		t.holds(topic, numbers(0, n)...)
	}
}

func ownByteLimit(t *queueTrial) {
	t.create("long")
	t.limit("", platform.QueueLimits{MaxBytes: 50})
	t.limit("long", platform.QueueLimits{MaxBytes: 150})
	for topic, n := range map[string]int{"": 50, "long": 150} {
		t.full(topic, t.text(strings.Repeat("x", n+1)))
		t.write(topic, strings.Repeat("x", n-1))
		t.full(topic, t.text("xx"))
		t.write(topic, "x")
	}
}

// zeroLimits sets each field, and then only the others.
func zeroLimits(t *queueTrial) {
	status, err := t.queues.Status(t.ctx, t.owner, "")
	t.must(err, "status")
	preset := status.Limits
	all := platform.QueueLimits{MaxMessages: 1, MaxBytes: 500, Overflow: platform.DropOldest}
	for range 2 {
		t.limit("", all)
		t.limited("", all)
		t.limit("", platform.QueueLimits{MaxMessages: 1})
		t.limited("", platform.QueueLimits{MaxMessages: 1, MaxBytes: preset.MaxBytes})
		t.write("", "1")
		t.full("", t.text("2"))
		t.limit("", platform.QueueLimits{})
		t.limited("", preset)
		t.write("", "2", "3")
		t.full("", t.text("4"))
		t.holds("", "1", "2", "3")
	}
}

func lowerLimit(t *queueTrial) {
	t.write("", "1", "2", "3")
	t.limit("", platform.QueueLimits{MaxMessages: 1})
	t.counts("", platform.QueueStatus{Ready: 3, Bytes: 3})
	t.full("", t.text("x"))
	t.read("", 2)
	t.full("", t.text("x"))
	t.read("", 1)
	t.write("", "4")
	t.full("", t.text("x"))
	t.holds("", "4")
}

func limitsEnd(t *queueTrial) {
	status, err := t.queues.Status(t.ctx, t.owner, "")
	t.must(err, "status")
	preset := status.Limits
	own := platform.QueueLimits{MaxMessages: 1, MaxBytes: 500, Overflow: platform.DropNewest}
	for _, topic := range []string{"", "orders"} {
		t.create(topic)
		t.limit(topic, own)
		t.purge(topic)
		t.bind(topic, "order.#")
		t.create(topic)
		t.declare()
		t.limited(topic, own)
	}
	t.drop("orders")
	t.create("orders")
	t.limited("orders", preset)
	t.drop("") // which only purges
	t.limited("", own)
	t.forget()
	t.declare()
	t.limited("", preset)
}

func unknownOverflow(t *queueTrial) {
	t.limit("", platform.QueueLimits{MaxMessages: 2})
	t.limitedTo(2)
	for _, unknown := range []platform.Overflow{"x", "Refuse", "default", "drop", "drop-oldest "} {
		if err := t.queues.SetLimits(t.ctx, t.owner, "", platform.QueueLimits{MaxMessages: 1, Overflow: unknown}); err == nil {
			t.Errorf("the overflow %q was set", unknown)
		}
		t.limitedTo(2)
	}
}

func (t *queueTrial) limitedTo(messages int) {
	t.Helper()
	got, err := t.queues.Status(t.ctx, t.owner, "")
	t.must(err, "status")
	if got.Limits.MaxMessages != messages || got.Limits.Overflow != platform.OverflowDefault {
		t.Fatalf("the limits are %+v, want %d messages", got.Limits, messages)
	}
}

// arrival is a way by which a message comes into the default queue.
type arrival struct {
	own  bool // the message is of the queue's own key
	send func(body string) error
}

// arrivals are all ways, where other is another owner of the exchange. What is written
// is of the queue's own key, whoever has written it.
func (t *queueTrial) arrivals(other *queueTrial) map[string]arrival {
	publish := func(by *queueTrial) func(string) error {
		return func(body string) error {
			return t.tryPublish(&platform.Message{Key: "x", Body: []byte(body), ClientID: by.owner})
		}
	}
	write := func(by *queueTrial) func(string) error {
		return func(body string) error { return t.queues.Write(t.ctx, t.owner, "", by.text(body)) }
	}
	return map[string]arrival{
		"publish of its own key": {true, publish(t)},
		"publish of another key": {false, publish(other)},
		"write of its own key":   {true, write(t)},
		"write of another key":   {true, write(other)},
	}
}

// overflows sends into a full queue in each way, and compares what it holds afterwards.
func (t *queueTrial) overflows(l platform.QueueLimits, want func(arrival) (refused bool, held []string)) {
	t.Helper()
	t.limit("", l)
	other := t.beside()
	dropped := uint64(0)
	for name, a := range t.arrivals(other) {
		t.write("", "1", "2", "3")
		err := a.send("new")
		refused, held := want(a)
		switch {
		case refused:
			t.refused(err, platform.ErrQueueFull, name+" to a full queue")
		default:
			t.must(err, "%s to a full queue", name)
			dropped++
		}
		t.holds("", held...)
		t.counts("", platform.QueueStatus{Dropped: dropped})
	}
}

func defaultOverflow(t *queueTrial) {
	t.overflows(platform.QueueLimits{}, func(a arrival) (bool, []string) {
		if a.own {
			return true, []string{"1", "2", "3"}
		}
		return false, []string{"2", "3", "new"}
	})
}

// refuseOverflow also shows that no other queue gets what one refuses.
func refuseOverflow(t *queueTrial) {
	witness := t.beside("#")
	t.overflows(platform.QueueLimits{Overflow: platform.Refuse}, func(arrival) (bool, []string) {
		return true, []string{"1", "2", "3"}
	})
	witness.holds("")
}

func dropOldest(t *queueTrial) {
	t.overflows(platform.QueueLimits{Overflow: platform.DropOldest}, func(arrival) (bool, []string) {
		return false, []string{"2", "3", "new"}
	})
}

func dropNewest(t *queueTrial) {
	t.overflows(platform.QueueLimits{Overflow: platform.DropNewest}, func(arrival) (bool, []string) {
		return false, []string{"1", "2", "3"}
	})
}

// heldStay has a queue of which all messages are held, then all but one.
func heldStay(t *queueTrial) {
	other, witness := t.beside(), t.beside("#")
	t.write("", "1", "2", "3")
	c := t.consume("")
	held := c.fetchExactly(3)
	other.publish("x") // goes itself
	t.counts("", platform.QueueStatus{Unacknowledged: 3, Consumers: 1, Bytes: 3, Dropped: 1})
	c.returnLeases(held[1])
	other.publish("y") // takes the place of the second
	t.counts("", platform.QueueStatus{Ready: 1, Unacknowledged: 2, Consumers: 1, Bytes: 4, Dropped: 2})
	c.close()
	t.holds("", "1", "3", "y")
	witness.holds("", "x", "y")
}

func dropForBytes(t *queueTrial) {
	other := t.beside()
	t.write("", numbers(0, 7)...)         // 98 bytes
	other.publish(strings.Repeat("x", 1)) // 2 bytes, so that it is full
	t.counts("", platform.QueueStatus{Ready: 8, Bytes: 100})
	other.publish(strings.Repeat("x", 20))
	t.counts("", platform.QueueStatus{Ready: 6, Bytes: 100 - 3*14 + 40, Dropped: 3})
	c := t.consume("")
	c.fetchExactly(3) // 42 bytes, so that all the 56 that are ready have to go
	other.publish(strings.Repeat("y", 29))
	t.counts("", platform.QueueStatus{Ready: 1, Unacknowledged: 3, Consumers: 1, Bytes: 100, Dropped: 6})
	c.close()
	t.holds("", append(numbers(3, 3), strings.Repeat("y", 29))...)
}

// dropAtMost does not say whether the message that needs too much room drops something
// before it is dropped.
func dropAtMost(t *queueTrial) {
	const n = 1200
	other := t.beside()
	var small []*platform.Message
	for range n {
		small = append(small, &platform.Message{Body: make([]byte, 10), ClientID: t.owner})
	}
	_, err := t.queues.Publish(t.ctx, t.as.Exchange, small...)
	t.must(err, "publish of %d small messages", n)
	t.must(t.tryPublish(&platform.Message{Body: make([]byte, 10_010), ClientID: other.owner}), "publish of one that needs room of 1,001")
	status, err := t.queues.Status(t.ctx, t.owner, "")
	t.must(err, "status")
	if status.Dropped < 1 || status.Dropped > 1001 || uint64(status.Ready)+status.Dropped != n+1 || status.Bytes != int64(10*status.Ready) {
		t.Fatalf("the queue is counted as %+v, want 1,001 dropped at most of %d small messages and a large one", status, n)
	}
	dropped := status.Dropped
	t.must(t.tryPublish(&platform.Message{Body: make([]byte, 12_000-10*(status.Ready-100)), ClientID: other.owner}), "publish of one that needs room of 100")
	t.counts("", platform.QueueStatus{Ready: status.Ready - 99, Bytes: 12_000, Dropped: dropped + 100})
}

// largerThanTheQueue has three queues: what one does with the message is no matter of the
// others.
func largerThanTheQueue(t *queueTrial) {
	other, large := t.beside(), t.beside("#")
	large.limit("", platform.QueueLimits{MaxBytes: 1000})
	t.write("", "1", "2")
	body := strings.Repeat("x", 101)
	t.must(t.tryPublish(&platform.Message{Body: []byte(body), ClientID: other.owner}), "publish of a large message")
	t.counts("", platform.QueueStatus{Ready: 2, Bytes: 2, Dropped: 1})
	large.holds("", body)
	for _, o := range []platform.Overflow{platform.DropOldest, platform.DropNewest} {
		t.limit("", platform.QueueLimits{Overflow: o})
		t.write("", body)
		t.counts("", platform.QueueStatus{Ready: 2, Bytes: 2, Dropped: map[platform.Overflow]uint64{platform.DropOldest: 2, platform.DropNewest: 3}[o]})
	}
	t.limit("", platform.QueueLimits{Overflow: platform.Refuse})
	t.refused(t.tryPublish(&platform.Message{Body: []byte(body), ClientID: other.owner}), platform.ErrQueueFull, "publish of a large message")
	large.holds("")
	t.holds("", "1", "2")
}

// routedWhereDropped has one queue that drops the newcomer, and one that drops another
// message.
func routedWhereDropped(t *queueTrial) {
	newest, other := t.beside("#"), t.beside()
	newest.limit("", platform.QueueLimits{Overflow: platform.DropNewest})
	var together []*platform.Message
	for range 5 {
		together = append(together, other.keyed("x"))
	}
	routed, err := t.queues.Publish(t.ctx, t.as.Exchange, together...)
	t.must(err, "publish")
	if want := []int{2, 2, 2, 1, 1}; !slices.Equal(routed, want) {
		t.Fatalf("messages are in %d queues, want %d", routed, want)
	}
}

// countDropped counts in two queues, and removes messages in other ways, which do not
// count.
func countDropped(t *queueTrial) {
	other := t.beside()
	t.bind("newest", "#")
	t.limit("newest", platform.QueueLimits{Overflow: platform.DropNewest, MaxMessages: 1})
	other.publish("1", "2", "3", "4", "5")
	t.read("", 1)
	t.purge("")
	t.purge("newest")
	c := t.consume("")
	other.publish("6")
	c.ack(c.fetchExactly(1)...)
	c.close()
	t.counts("", platform.QueueStatus{Dropped: 2})
	t.counts("newest", platform.QueueStatus{Ready: 1, Bytes: 2, Dropped: 4})
	t.deep(map[[2]string]platform.QueueStatus{
		{t.owner, ""}:       {Dropped: 2},
		{t.owner, "newest"}: {Ready: 1, Bytes: 2, Dropped: 4},
	})
	t.drop("newest")
	t.create("newest")
	t.counts("newest", platform.QueueStatus{})
}

// countPublished publishes to one queue that drops what comes, and to one that drops what
// it has, and lets messages leave and come back.
func countPublished(t *queueTrial) {
	other := t.beside()
	t.bind("newest", "#")
	t.limit("newest", platform.QueueLimits{Overflow: platform.DropNewest, MaxMessages: 1})
	t.published(map[string]uint64{"": 0, "newest": 0})
	other.publish("1", "2", "3", "4", "5")
	t.published(map[string]uint64{"": 5, "newest": 5})
	t.read("", 1)
	t.purge("newest")
	c := t.consume("")
	leases := c.fetchExactly(2)
	c.returnLeases(leases[1])
	c.ack(leases[0])
	c.close()
	t.write("", "6")
	if err := t.queues.Write(t.ctx, t.owner, "nowhere", t.text("7")); err != nil {
		t.Fatal(err)
	}
	t.published(map[string]uint64{"": 6, "newest": 5, "nowhere": 1})
	t.drop("newest")
	t.create("newest")
	t.published(map[string]uint64{"": 6, "newest": 0, "nowhere": 1})
}

// published waits until the messages that have come into the queues of the owner are
// counted so, by topic.
func (t *queueTrial) published(want map[string]uint64) {
	t.Helper()
	t.soon(func() string {
		got := make(map[string]uint64)
		for _, d := range t.depths() {
			if d.Owner == t.owner {
				got[d.Topic] = d.Published
			}
		}
		if maps.Equal(got, want) {
			return ""
		}
		return fmt.Sprintf("as many messages have come into the queues: %v, want %v", got, want)
	})
}

// warnOfDrops drops in two queues. Engines that share the storage may each call OnDrop.
func warnOfDrops(t *queueTrial) {
	const n, engines = 30, 3
	other, calm := t.beside(), t.beside("x")
	t.bind("orders", "order.#")
	for i := range n {
		other.publish(fmt.Sprintf("order.%d", i))
	}
	t.soon(func() string {
		for _, topic := range []string{"", "orders"} {
			switch calls := t.warned.of(t.owner, topic); {
			case len(calls) == 0:
				return fmt.Sprintf("OnDrop was not called for queue %q", topic)
			case len(calls) > engines:
				t.Fatalf("OnDrop was called %d times for queue %q", len(calls), topic)
			case calls[0].dropped < 1 || calls[0].dropped > n-3:
				t.Fatalf("OnDrop was called with %d dropped messages", calls[0].dropped)
			}
		}
		return ""
	})
	if calls := t.warned.of(calm.owner, ""); len(calls) > 0 {
		t.Errorf("OnDrop was called for a queue that has dropped nothing")
	}
}

// notifyOfDrops fills a queue with messages that a platform has published, and another one
// with other messages.
func notifyOfDrops(t *queueTrial) {
	engine, ok := t.queues.(platform.QueueDrops)
	if !ok {
		return
	}
	told := new(warnings)
	engine.NotifyDrops(told.add)
	t.as.Listen = platform.Matching("#", "@system.#")
	t.declare()
	t.bind("events", "@system.#")
	for range 10 {
		t.must(t.tryPublish(&platform.Message{Key: "@system.queue.dropped"}), "publish an event")
	}
	t.soon(func() string {
		if s, err := t.queues.Status(t.ctx, t.owner, "events"); err != nil || s.Dropped != 7 {
			return fmt.Sprintf("the queue of events: %+v, %v", s, err)
		}
		return ""
	})
	other := t.beside()
	for range 10 {
		other.publish("order.new")
	}
	t.soon(func() string {
		if calls := told.of(t.owner, ""); len(calls) != 1 || calls[0].dropped < 1 || calls[0].dropped > 7 {
			return fmt.Sprintf("of the queue that drops orders it was told %v", calls)
		}
		return ""
	})
	if calls := told.of(t.owner, "events"); len(calls) > 0 {
		t.Errorf("of the queue that drops events it was told %v", calls)
	}
}
