package enginetest

import (
	"slices"
	"sync"

	"github.com/shopex/prism-go/platform"
)

func exchanges() []queuePromise {
	return []queuePromise{
		{"AnExchangeReachesTheQueuesOfAllItsOwners", platform.QueueBounds{}, reachesAll},
		{"AnExchangeReachesNoQueueOfAnother", platform.QueueBounds{}, reachesNoOther},
		{"APublisherNeedsNoQueue", platform.QueueBounds{}, publisherWithoutQueue},
		{"OwnersHaveTopicsOfTheirOwn", platform.QueueBounds{}, topicsOfTheirOwn},
		{"WhatOneQueueRefusesIsInNone", platform.QueueBounds{MaxMessages: 3}, refusedByOne},
		{"MessagesOfAPublisherAreInOrderInEveryQueue", platform.QueueBounds{}, orderEverywhere},
		{"SystemKeysAreMatchedOnlyWhenNamed", platform.QueueBounds{}, systemKeys},
		{"PublishTellsHowManyQueuesGetAMessage", platform.QueueBounds{}, toldRoutes},
		{"RouteTellsWhatPublishWouldDo", platform.QueueBounds{}, toldRoute},
	}
}

func reachesAll(t *queueTrial) {
	shop, store := t.beside("order.#"), t.beside("stock.*", "*.new")
	shop.bind("paid", "*.paid")
	t.publish("order.new", "stock.low")
	store.publish("order.paid")
	t.holds("", "order.new", "stock.low", "order.paid")
	shop.holds("", "order.new", "order.paid")
	shop.holds("paid", "order.paid")
	store.holds("", "order.new", "stock.low")
}

// reachesNoOther has a queue of the same topic and pattern in each of two exchanges.
func reachesNoOther(t *queueTrial) {
	other := t.in(newName(), "#")
	for _, o := range []*queueTrial{t, other} {
		o.bind("orders", "order.*")
	}
	t.publish("order.new")
	other.publish("order.paid")
	for _, topic := range []string{"", "orders"} {
		t.holds(topic, "order.new")
		other.holds(topic, "order.paid")
	}
}

// publisherWithoutQueue publishes for a key that the engine has never seen, and to an
// exchange of nobody.
func publisherWithoutQueue(t *queueTrial) {
	m := t.keyed("order.new")
	m.ClientID = newName()
	t.must(t.tryPublish(m), "publish of a key without queues")
	got := t.read("", 1)
	if len(got) != 1 || got[0].ClientID != m.ClientID {
		t.Fatalf("the queue got %d messages, want the one of %q", len(got), m.ClientID)
	}
	routed, err := t.queues.Publish(t.ctx, newName(), t.keyed("order.new"), t.keyed("order.paid"))
	t.must(err, "publish to an exchange without owners")
	if !slices.Equal(routed, []int{0, 0}) {
		t.Errorf("two messages were routed to %d queues of an exchange that has none", routed)
	}
}

func topicsOfTheirOwn(t *queueTrial) {
	other := t.beside()
	t.bind("orders", "order.#")
	other.lists()
	for name, call := range other.readers() {
		t.refused(call("orders"), platform.ErrUnknownTopic, name+" of another owner's topic")
	}
	other.bind("orders", "refund.#")
	t.bound("orders", "order.#")
	t.publish("order.new", "refund.new")
	t.write("orders", "mine")
	other.write("orders", "theirs")
	other.holds("orders", "refund.new", "theirs")
	other.drop("orders")
	t.holds("orders", "order.new", "mine")
}

// refusedByOne has a full queue of the publisher's own between those of others, which
// would drop: they lose nothing for a message that they do not get.
func refusedByOne(t *queueTrial) {
	t.unbind("", "#")
	before := t.beside("#")
	t.bind("full", "order.#")
	after := t.beside("#")
	t.write("full", "1", "2", "3")
	for _, other := range []*queueTrial{before, after} {
		other.write("", "1", "2", "3")
	}
	t.refused(t.tryPublish(t.keyed("order.new")), platform.ErrQueueFull, "publish to a full queue among those of others")
	for _, other := range []*queueTrial{before, after} {
		other.counts("", platform.QueueStatus{Ready: 3, Bytes: 3})
	}
	t.publish("stock.low")
	t.holds("full", "1", "2", "3")
	for _, other := range []*queueTrial{before, after} {
		other.counts("", platform.QueueStatus{Ready: 3, Bytes: 2 + 18, Dropped: 1})
		other.holds("", "2", "3", "stock.low")
	}
}

// orderEverywhere publishes for several keys at the same time, one by one and several
// together. As IDs count up in each queue, the queues have all in the same order.
func orderEverywhere(t *queueTrial) {
	const several = 5
	publishers := []*queueTrial{t, t.beside("#"), t.beside("#")}
	t.bind("orders", "order.#")
	failed := make(chan error, len(publishers))
	var group sync.WaitGroup
	for _, o := range publishers {
		group.Go(func() { failed <- o.publishInTurn(several) })
	}
	group.Wait()
	for range publishers {
		t.must(<-failed, "publish")
	}
	all := t.inOrder("orders", publishers)
	for _, o := range publishers {
		if got := o.inOrder("", publishers); !slices.Equal(got, all) {
			t.Errorf("two queues have the same messages in two orders")
		}
	}
}

const inTurn = 120 // messages of one publisher

// publishInTurn publishes one message and then several together, until it has published
// inTurn of them.
func (t *queueTrial) publishInTurn(several int) error {
	bodies := numbers(0, inTurn)
	for n := 1; len(bodies) > 0; n = several + 1 - n {
		var together []*platform.Message
		for _, body := range bodies[:min(n, len(bodies))] {
			together = append(together, &platform.Message{Key: "order.new", Body: []byte(body), ClientID: t.owner})
		}
		if _, err := t.queues.Publish(t.ctx, t.as.Exchange, together...); err != nil {
			return err
		}
		bodies = bodies[len(together):]
	}
	return nil
}

// inOrder reads a queue empty, checks that it had what each of these owners published in
// its order, and returns it.
func (t *queueTrial) inOrder(topic string, publishers []*queueTrial) (all []string) {
	t.Helper()
	got := make(map[string][]string)
	for _, m := range t.read(topic, inTurn*len(publishers)+1) {
		got[m.ClientID] = append(got[m.ClientID], string(m.Body))
		all = append(all, m.ClientID+string(m.Body))
	}
	for _, o := range publishers {
		if !slices.Equal(got[o.owner], numbers(0, inTurn)) {
			t.Errorf("queue %q has of one publisher %.300q", topic, got[o.owner])
		}
	}
	return all
}

// systemKeys also shows that an owner that may listen to everything may not listen to
// these keys.
func systemKeys(t *queueTrial) {
	t.as.Listen = platform.Matching("#", "@system.#")
	t.declare()
	wild := []string{"#", "*.new", "#.new", "*.#", "#.#", "*.*.*"}
	named := []string{"@system.#", "@system.*", "@system.new", "@system.new.#", "@system.#.new"}
	for _, pattern := range append(slices.Clone(wild), named...) {
		t.bind(pattern, pattern)
	}
	allowed := t.beside("#", "@system.#")
	t.publish("@system.new", "order.new", "@systems.new")
	for _, pattern := range wild[:3] {
		t.holds(pattern, "order.new", "@systems.new")
	}
	for _, pattern := range wild[5:] {
		t.holds(pattern)
	}
	for _, pattern := range named {
		t.holds(pattern, "@system.new")
	}
	allowed.holds("", "order.new", "@systems.new")
}

func toldRoutes(t *queueTrial) {
	other := t.beside("order.*", "*.new")
	t.bind("orders", "order.*")
	t.unbind("", "#")
	t.bind("", "stock.low")
	keys := []string{"order.new", "refund.paid", "stock.low", "refund.new", "order.paid"}
	var together []*platform.Message
	for _, key := range keys {
		together = append(together, t.keyed(key))
	}
	routed, err := t.queues.Publish(t.ctx, t.as.Exchange, together...)
	t.must(err, "publish")
	if want := []int{2, 0, 1, 1, 2}; !slices.Equal(routed, want) {
		t.Fatalf("%q were routed to %d queues, want %d", keys, routed, want)
	}
	other.as.Listen = platform.Matching("order.paid")
	other.declare()
	routed, err = t.queues.Publish(t.ctx, t.as.Exchange, t.keyed("order.new"), t.keyed("order.paid"), t.keyed("@system.new"))
	t.must(err, "publish")
	if want := []int{1, 2, 0}; !slices.Equal(routed, want) {
		t.Fatalf("messages to which an owner may not all listen were routed to %d queues, want %d", routed, want)
	}
}

func toldRoute(t *queueTrial) {
	other := t.beside("order.*")
	other.as.Listen = platform.Matching("order.paid", "stock.*")
	other.declare()
	t.in(newName(), "#")
	t.bind("orders", "order.*")
	for key, want := range map[string]int{"order.new": 2, "order.paid": 3, "stock.low": 1, "@system.new": 0} {
		n, err := t.queues.Route(t.ctx, t.as.Exchange, t.keyed(key))
		t.must(err, "route of %q", key)
		if n != want {
			t.Errorf("%q would go to %d queues, want %d", key, n, want)
		}
	}
	n, err := t.queues.Route(t.ctx, newName(), t.keyed("order.new"))
	t.must(err, "route in an exchange without queues")
	if n != 0 {
		t.Errorf("a message would go to %d queues of an exchange that has none", n)
	}
	t.holds("")
	t.holds("orders")
	other.holds("")
}
