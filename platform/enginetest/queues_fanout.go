package enginetest

import "github.com/shopex/prism-go/platform"

func fanOut() []queuePromise {
	return []queuePromise{
		{"AnExchangeHasItsLimitOfQueuesForAKey", platform.QueueBounds{MaxFanOut: 2}, literalFanOut},
		{"AnExchangeHasItsLimitOfQueuesWithWildcards", platform.QueueBounds{MaxFanOut: 2}, wildcardFanOut},
		{"AnOwnerBeyondTheFanOutIsRefused", platform.QueueBounds{MaxFanOut: 2}, declareBeyond},
		{"AnOwnerThatMovesTakesItsPlacesAlong", platform.QueueBounds{MaxFanOut: 2}, movePlaces},
		{"AForgottenOwnerFreesItsPlaceInTheExchange", platform.QueueBounds{MaxFanOut: 2}, forgetMakesRoom},
	}
}

// crowded expects that no further queue may be bound so.
func (t *queueTrial) crowded(topic, pattern string) {
	t.Helper()
	t.refused(t.queues.Bind(t.ctx, t.owner, topic, pattern), platform.ErrFanOut, "bind one queue too many")
}

// literalFanOut has two queues of two owners that are bound to a key.
func literalFanOut(t *queueTrial) {
	other := t.beside("order.new")
	t.bind("a", "order.new")
	t.crowded("b", "order.new")
	other.crowded("b", "order.new")
	t.bind("a", "order.new") // again
	t.bind("b", "order.paid")
	t.bind("c", "order.paid")
	t.bind("b", "order.*")
	t.in(newName(), "order.new").bind("b", "order.new")

	t.unbind("a", "order.new")
	t.bind("b", "order.new")
	other.crowded("b", "order.new")
	t.drop("b")
	other.bind("b", "order.new")
	t.crowded("c", "order.new")
}

// wildcardFanOut counts the default queue, which is bound to # from the start.
func wildcardFanOut(t *queueTrial) {
	other := t.beside()
	other.bind("a", "order.*")
	other.bind("a", "#.new") // the queue has its place
	t.bind("", "*")
	t.crowded("a", "stock.*")
	other.crowded("b", "#")
	other.bind("b", "order.new")
	t.in(newName(), "#").bind("a", "order.*")

	other.unbind("a", "order.*")
	other.crowded("b", "order.*")
	other.unbind("a", "#.new")
	other.bind("b", "order.*")
	t.crowded("a", "order.*")
	other.drop("b")
	t.bind("a", "order.*")
	other.crowded("a", "order.*")
}

// declareBeyond makes owners for which an exchange has no room, and moves one there. It
// stays what it was.
func declareBeyond(t *queueTrial) {
	t.beside("#", "order.new")
	t.bind("", "order.new")
	for _, pattern := range []string{"#", "order.new"} {
		late := *t
		late.owner, late.as.Bindings = newName(), []platform.Binding{{Pattern: pattern}}
		t.refused(t.queues.Declare(t.ctx, late.owner, late.as), platform.ErrFanOut, "declare of one owner too many")

		moved := t.in(newName(), pattern)
		as := moved.as
		as.Exchange = t.as.Exchange
		t.refused(t.queues.Declare(t.ctx, moved.owner, as), platform.ErrFanOut, "move of one owner too many")
		t.publish("order.new")
		moved.publish("order.new")
		moved.holds("", "order.new")
	}
	t.holds("", "order.new", "order.new")
}

// movePlaces has a queue with several patterns of a kind, which has one place for all
// that have wildcards.
func movePlaces(t *queueTrial) {
	t.bind("", "order.*")
	t.bind("", "order.new")
	from, to := t.beside("#", "order.new"), t.in(newName(), "#", "order.new")
	for range 3 {
		from.crowded("a", "*")
		from.crowded("a", "order.new")
		t.as.Exchange = to.as.Exchange
		t.declare()
		from.bind("a", "*")
		from.bind("a", "order.new")
		to.crowded("a", "*")
		to.crowded("a", "order.new")
		from.drop("a")
		from, to = to, from
	}
}

func forgetMakesRoom(t *queueTrial) {
	other := t.beside("#", "order.new")
	third := t.beside("stock.low")
	t.bind("", "order.new")
	for range 3 {
		third.crowded("", "order.new")
		third.crowded("", "order.*")
		other.publish("order.new")
		t.holds("", "order.new")
		t.forget()
		third.bind("", "order.new")
		third.bind("", "order.*")
		routed, err := other.queues.Publish(t.ctx, other.as.Exchange, other.keyed("order.new"))
		t.must(err, "publish")
		if len(routed) != 1 || routed[0] != 2 {
			t.Fatalf("a message was routed to %d queues where one of three owners was forgotten", routed)
		}
		third.forget()
		third.as.Bindings = nil
		third.declare()
		t.declare()
		t.bind("", "order.new")
	}
}
