package enginetest

import (
	"slices"
	"strconv"

	"github.com/shopex/prism-go/platform"
)

func routing() []queuePromise {
	return []queuePromise{
		{"PatternsMatchAsInATopicExchange", platform.QueueBounds{}, patternsMatch},
		{"EveryMatchingQueueGetsAMessageOnce", platform.QueueBounds{}, eachQueueOnce},
		{"AMessageWithoutAQueueIsDropped", platform.QueueBounds{Bindings: []platform.Binding{{Pattern: "order.#", Topic: "orders"}}}, unroutedIsDropped},
		{"AnOwnerBeginsWithTheConfiguredBindings", platform.QueueBounds{Bindings: []platform.Binding{
			{Pattern: "order.#", Topic: "orders"}, {Pattern: "order.paid", Topic: "paid"}, {Pattern: "*.paid", Topic: "paid"}, {Pattern: "refund", Topic: ""},
		}}, configuredBindings},
		{"UnbindTakesOnePattern", platform.QueueBounds{}, unbindOne},
		{"TheDefaultQueueCanBeUnbound", platform.QueueBounds{Bindings: []platform.Binding{{Pattern: "#", Topic: ""}, {Pattern: "order.#", Topic: "orders"}}}, unbindFirst},
		{"UnbindOfWhatIsNotBoundIsRefused", platform.QueueBounds{}, unbindNothing},
		{"AnUnboundPatternMakesRoomForAnother", platform.QueueBounds{MaxBindings: 2}, unbindMakesRoom},
	}
}

// A rule is a pattern with the keys it lets through and keys it does not.
type rule struct {
	pattern       string
	lets, refuses []string
}

func rules() []rule {
	return []rule{
		{"order.new", []string{"order.new"}, []string{"order", "order.new.x", "Order.new", "order.ne", "x.order.new", "ordernew"}},
		{"order.*", []string{"order.new", "order.paid", "order.", "order.*", "order.#"}, []string{"order", "order.new.x", "orders.new"}},
		{"*.new", []string{"order.new", ".new"}, []string{"new", "x.order.new", "order.new.x"}},
		{"*", []string{"order", "new", "#"}, []string{"order.new", ""}},
		{"*.*", []string{"order.new", "order.", ".new", "."}, []string{"order", "order.new.x"}},
		{"#", []string{"", "order", "order.new", "order.new.x", ".", "..", "*", "#"}, nil},
		{"order.#", []string{"order", "order.new", "order.new.x", "order."}, []string{"orders", "orders.new", "x.order"}},
		{"#.new", []string{"new", "order.new", "x.order.new", ".new"}, []string{"order", "new.x", "order.new.x"}},
		{"#.new.#", []string{"new", "order.new", "order.new.x", "new.new"}, []string{"order", "order.news"}},
		{"order.*.#", []string{"order.new", "order.new.x", "order."}, []string{"order", "orders.new"}},
		{"#.*", []string{"order", "order.new", "order.new.x"}, []string{""}},
		{"#.#", []string{"", "order", "order.new"}, nil},
		{"*.#.x", []string{"order.x", "order.new.x"}, []string{"x", "order.new"}},
		{"", []string{""}, []string{"order", ".", "*"}},
		{"order..x", []string{"order..x"}, []string{"order.x", "order.new.x"}},
		{"ord*", []string{"ord*"}, []string{"order", "ord", "orders"}},
		{"订单.*", []string{"订单.新"}, []string{"订单"}},
	}
}

// patternsMatch publishes every key of the table once. Each pattern has its
// own topic.
func patternsMatch(t *queueTrial) {
	var keys []string
	for _, r := range rules() {
		t.bind("pattern "+r.pattern, r.pattern)
		keys = append(append(keys, r.lets...), r.refuses...)
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	t.publish(keys...)
	for _, r := range rules() {
		arrived := make(map[string]bool)
		for _, m := range t.read("pattern "+r.pattern, len(keys)+1) {
			if arrived[m.Key] {
				t.Errorf("%q let %q through twice", r.pattern, m.Key)
			}
			arrived[m.Key] = true
		}
		r.compare(t, arrived)
	}
}

func (r rule) compare(t *queueTrial, arrived map[string]bool) {
	for _, key := range r.lets {
		if !arrived[key] {
			t.Errorf("%q did not let %q through", r.pattern, key)
		}
	}
	for _, key := range r.refuses {
		if arrived[key] {
			t.Errorf("%q let %q through", r.pattern, key)
		}
	}
}

func eachQueueOnce(t *queueTrial) {
	for _, pattern := range []string{"order.*", "order.#", "order.new", "order.new", "#.new"} {
		t.bind("orders", pattern)
	}
	t.bind("new", "*.new")
	t.bind("", "*.new")
	t.publish("order.new")
	for _, topic := range []string{"", "orders", "new"} {
		t.holds(topic, "order.new")
	}
}

func unroutedIsDropped(t *queueTrial) {
	t.publish("refund.new")
	t.holds("")
	t.holds("orders")
}

func configuredBindings(t *queueTrial) {
	t.lists("orders", "paid")
	for range 2 {
		t.publish("order.new", "order.paid", "refund", "refund.paid", "x")
		t.holds("orders", "order.new", "order.paid")
		t.holds("paid", "order.paid", "refund.paid")
		t.holds("", "refund")
		t.owner, t.as.Exchange = newName(), newName()
		t.declare()
	}
}

// unbindOne also binds again: an unbound pattern can be bound like any other.
func unbindOne(t *queueTrial) {
	t.bind("orders", "order.*")
	t.bind("orders", "*.new")
	t.bind("others", "order.*")
	t.publish("order.paid")
	t.unbind("orders", "order.*")
	t.bound("orders", "*.new")
	t.publish("order.new", "order.paid")
	t.holds("orders", "order.paid", "order.new")
	t.holds("others", "order.paid", "order.new", "order.paid")
	t.bind("orders", "order.*")
	t.bound("orders", "*.new", "order.*")
	t.publish("order.paid")
	t.holds("orders", "order.paid")
}

// unbindFirst unbinds a pattern that the owner began with. Nothing binds it again.
func unbindFirst(t *queueTrial) {
	t.bound("", "#")
	t.unbind("", "#")
	t.unbind("orders", "order.#")
	t.consume("").close()
	t.create("")
	t.publish("order.new")
	t.bound("")
	t.holds("")
	t.holds("orders")
}

func unbindNothing(t *queueTrial) {
	unbind := func(topic, pattern string) error { return t.queues.Unbind(t.ctx, t.owner, topic, pattern) }
	t.refused(unbind("nowhere", "#"), platform.ErrUnknownTopic, "unbind of an unknown topic")
	t.bind("orders", "order.#")
	t.refused(unbind("orders", "order.*"), platform.ErrUnknownBinding, "unbind of a pattern that is not bound")
	t.refused(unbind("", "order.#"), platform.ErrUnknownBinding, "unbind of another queue's pattern")
	t.unbind("orders", "order.#")
	t.refused(unbind("orders", "order.#"), platform.ErrUnknownBinding, "unbind again")
	t.lists("orders")
}

func unbindMakesRoom(t *queueTrial) {
	for i := range 10 {
		pattern := "a.b." + strconv.Itoa(i)
		t.bind("orders", pattern)
		t.refused(t.queues.Bind(t.ctx, t.owner, "orders", "x"), platform.ErrTooManyBindings, "bind beyond the limit")
		t.unbind("orders", pattern)
	}
}
