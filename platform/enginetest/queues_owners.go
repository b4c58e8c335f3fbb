package enginetest

import (
	"slices"

	"github.com/shopex/prism-go/platform"
)

func owners() []queuePromise {
	orders := []platform.Binding{{Pattern: "order.#", Topic: "orders"}}
	return []queuePromise{
		{"WhatAnOwnerListensToIsCheckedAtEachRouting", platform.QueueBounds{}, listenCounts},
		{"RoutesTellWhichBindingsMatchAndWhoMayNotListen", platform.QueueBounds{}, routesTell},
		{"DeclareLeavesWhatIsQueued", platform.QueueBounds{}, declareLeaves},
		{"DeclareTwiceIsOnce", platform.QueueBounds{}, declareTwice},
		{"DeclareMovesAnOwnerWithItsBindings", platform.QueueBounds{}, declareMoves},
		{"AnOwnerBeginsWithBindingsOfItsOwn", platform.QueueBounds{Bindings: orders}, ownBindings},
		{"AnOwnerWithoutBindingsGetsNothing", platform.QueueBounds{}, noBindings},
		{"WhatIsNamedBeforeDeclareIsTheZeroOwner", platform.QueueBounds{Bindings: orders}, zeroOwner},
	}
}

func (t *queueTrial) listen(p platform.Permission) {
	t.Helper()
	t.as.Listen = p
	t.declare()
}

// routesTell compares what Routes tells of a key with what was declared and bound.
func routesTell(t *queueTrial) {
	telling, ok := t.queues.(platform.QueueRoutes)
	if !ok {
		t.Skip("the engine is no platform.QueueRoutes")
	}
	mine, barred, foreign := t.beside(), t.beside("#"), t.in(newName(), "#")
	for _, pattern := range []string{"order.*", "#.new", "order.paid"} {
		mine.bind("orders", pattern)
	}
	mine.bind("stock", "stock.#")
	barred.listen(platform.Matching("stock.#"))
	routes, err := telling.Routes(t.ctx, t.as.Exchange, "order.new")
	t.must(err, "routes")
	got := make(map[[2]string]platform.QueueRoute)
	for _, r := range routes {
		if _, twice := got[[2]string{r.Owner, r.Topic}]; twice {
			t.Errorf("%+v was told twice", r)
		}
		got[[2]string{r.Owner, r.Topic}] = r
	}
	if r := got[[2]string{mine.owner, "orders"}]; !slices.Equal(r.Patterns, []string{"#.new", "order.*"}) || r.Barred || r.Own {
		t.Errorf("of a queue that matches it tells %+v", r)
	}
	if r := got[[2]string{barred.owner, ""}]; !slices.Equal(r.Patterns, []string{"#"}) || !r.Barred {
		t.Errorf("of a queue whose owner may not listen it tells %+v", r)
	}
	for _, id := range [][2]string{{mine.owner, "stock"}, {foreign.owner, ""}} {
		if r, told := got[id]; told {
			t.Errorf("it tells of %+v", r)
		}
	}
	if routes, err := telling.Routes(t.ctx, newName(), "order.new"); len(routes) > 0 || err != nil {
		t.Errorf("of an exchange without owners it tells %+v, %v", routes, err)
	}
}

// listenCounts also shows that it is no matter of the publisher, and that a binding to
// what an owner may not listen to stays.
func listenCounts(t *queueTrial) {
	other := t.beside("#")
	other.bind("orders", "order.*")
	other.listen(platform.Nothing())
	t.publish("order.1")
	other.listen(platform.Matching("order.2", "stock.#"))
	t.publish("order.1", "order.2", "stock.low")
	other.publish("order.3")
	other.listen(platform.Everything())
	t.publish("order.4")
	other.listen(platform.Nothing())
	t.publish("order.5")
	other.bound("orders", "order.*")
	other.holds("", "order.2", "stock.low", "order.4")
	other.holds("orders", "order.2", "order.4")
	t.holds("", "order.1", "order.1", "order.2", "stock.low", "order.3", "order.4", "order.5")
}

// declareLeaves takes away a permission and an exchange. What is written to a topic needs
// none.
func declareLeaves(t *queueTrial) {
	t.publish("order.new")
	c := t.consume("")
	held := c.fetchExactly(1)
	t.publish("order.paid")
	t.listen(platform.Nothing())
	t.as.Exchange = newName()
	t.declare()
	t.write("", "written")
	t.counts("", platform.QueueStatus{Ready: 2, Unacknowledged: 1, Consumers: 1, Bytes: 2*9 + 2*10 + 7})
	c.returnLeases(held...)
	c.ack(c.gets("order.new", "order.paid", "written")...)
}

func declareTwice(t *queueTrial) {
	t.as.Bindings = append(t.as.Bindings, platform.Binding{Pattern: "order.#", Topic: "orders"})
	t.declare()
	t.lists()
	t.unbind("", "#")
	t.bind("", "order.*")
	for range 2 {
		t.declare()
		t.bound("", "order.*")
		t.publish("order.new", "refund.new")
	}
	t.lists()
	t.holds("", "order.new", "order.new")
}

func declareMoves(t *queueTrial) {
	t.bind("orders", "order.*")
	t.publish("order.1")
	left := t.beside("#")
	met := t.in(newName(), "#")
	t.as.Exchange = met.as.Exchange
	t.declare()
	t.bound("", "#")
	t.bound("orders", "order.*")
	left.publish("order.2")
	met.publish("order.3")
	t.holds("", "order.1", "order.3")
	t.holds("orders", "order.1", "order.3")
	left.holds("", "order.2")
	met.holds("", "order.3")

	t.unbind("orders", "order.*")
	t.bind("paid", "*.paid")
	t.publish("order.new", "order.paid")
	t.holds("orders")
	t.holds("paid", "order.paid")
	t.as.Exchange = left.as.Exchange
	t.declare()
	t.publish("refund.paid")
	met.publish("order.paid")
	t.holds("paid", "refund.paid")
	t.bound("orders")
}

func ownBindings(t *queueTrial) {
	t.lists("orders")
	own := t.beside()
	own.owner, own.as.Bindings = newName(), []platform.Binding{{Pattern: "*.paid", Topic: "paid"}, {Pattern: "stock.#"}}
	own.declare()
	own.lists("paid")
	own.bound("paid", "*.paid")
	own.bound("", "stock.#")
	none := t.beside()
	none.lists()
	none.bound("")
	t.publish("order.paid", "stock.low")
	t.holds("orders", "order.paid")
	own.holds("paid", "order.paid")
	own.holds("", "stock.low")
	none.holds("")
}

func noBindings(t *queueTrial) {
	t.owner, t.as.Bindings = newName(), nil
	t.declare()
	t.bound("")
	t.lists()
	t.publish("order.new", "")
	t.holds("")
}

// zeroOwner names an owner by each method that may, then declares it.
func zeroOwner(t *queueTrial) {
	for name, call := range t.namers() {
		o := *t
		o.owner, o.as = newName(), platform.Owner{}
		t.must(call(o.owner), "%s for an owner that was not declared", name)
		o.lists("orders")
		o.bound("orders", "order.#")
		o.purge("orders")
		key := "order." + newName() // others may be the zero owner, too
		t.publish(key)
		o.publish(key + ".zero")
		o.holds("orders", key+".zero")
		o.as.Exchange = t.as.Exchange
		o.as.Bindings = everything() // an owner that is there does not begin
		o.declare()
		t.publish(key)
		o.holds("orders", key)
		o.bound("")
		o.forget()
	}
}

// namers are the methods that an owner may be named by first.
func (t *queueTrial) namers() map[string]func(owner string) error {
	return map[string]func(string) error{
		"create":   func(owner string) error { return t.queues.Create(t.ctx, owner, "") },
		"bind":     func(owner string) error { return t.queues.Bind(t.ctx, owner, "orders", "order.#") },
		"write":    func(owner string) error { return t.queues.Write(t.ctx, owner, "orders", t.text("order")) },
		"status":   func(owner string) error { _, err := t.queues.Status(t.ctx, owner, ""); return err },
		"list":     func(owner string) error { _, err := t.queues.List(t.ctx, owner); return err },
		"bindings": func(owner string) error { _, err := t.queues.Bindings(t.ctx, owner, ""); return err },
		"consume": func(owner string) error {
			c, err := t.queues.Consume(t.ctx, owner, "orders", "a test")
			if err != nil {
				return err
			}
			return c.Close()
		},
	}
}
