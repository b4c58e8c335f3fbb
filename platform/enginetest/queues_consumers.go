package enginetest

import (
	"context"
	"math"
	"slices"

	"github.com/shopex/prism-go/platform"
)

func consumers() []queuePromise {
	return []queuePromise{
		{"FetchWaitsForAMessage", platform.QueueBounds{}, fetchWaits},
		{"FetchDoesNotWaitForMoreThanThereIs", platform.QueueBounds{}, fetchTakesWhatIsThere},
		{"FetchIsBoundedByBytes", platform.QueueBounds{}, fetchIsBoundedByBytes},
		{"AWaitingFetchIsBoundedByBytes", platform.QueueBounds{}, waitingFetchIsBoundedByBytes},
		{"AnEndedContextEndsFetch", platform.QueueBounds{}, contextEndsFetch},
		{"CloseEndsFetch", platform.QueueBounds{}, closeEndsFetch},
		{"LeasesHaveDistinctIDs", platform.QueueBounds{}, distinctIDs},
		{"AcknowledgedMessagesStayAway", platform.QueueBounds{}, ackedStayAway},
		{"AckIgnoresWhatIsNotOutstanding", platform.QueueBounds{}, ackIgnores},
		{"CloseReturnsMessagesToTheirPlace", platform.QueueBounds{}, closeReturns},
		{"CloseServesAConsumerThatWaits", platform.QueueBounds{}, closeServes},
		{"ReturnedMessagesAreBackAtTheirPlace", platform.QueueBounds{}, returnGivesBack},
		{"ReturnServesAConsumerThatWaits", platform.QueueBounds{}, returnServes},
		{"ReturnIgnoresWhatIsNotOutstanding", platform.QueueBounds{}, returnIgnores},
		{"ReturnAfterTheEndIsHarmless", platform.QueueBounds{}, returnAfterEnd},
		{"AConsumerThatTakesNothingHarmsNobody", platform.QueueBounds{}, idleHarmsNobody},
	}
}

func fetchWaits(t *queueTrial) {
	c := t.consume("")
	waiting := c.fetch(t.ctx)
	t.publish("order.new")
	leases, err := waiting.wait()
	t.must(err, "fetch")
	if got := bodies(leases); !slices.Equal(got, []string{"order.new"}) {
		t.Fatalf("Fetch returned %q", got)
	}
}

func fetchTakesWhatIsThere(t *queueTrial) {
	t.write("", numbers(1, 3)...)
	c := t.consume("")
	var all []platform.Lease
	for len(all) < 3 {
		leases, err := c.Fetch(t.ctx, 1000, math.MaxInt)
		t.must(err, "fetch")
		all = append(all, leases...)
	}
	if got := bodies(all); !slices.Equal(got, numbers(1, 3)) {
		t.Fatalf("Fetch returned %q", got)
	}
}

// As many messages come as there is room for, and one if there is room for none.
func fetchIsBoundedByBytes(t *queueTrial) {
	t.write("", numbers(1, 5)...)
	c := t.consume("")
	size := len(numbers(1, 1)[0])
	for _, step := range []struct{ bytes, want int }{{3*size + size/2, 3}, {1, 1}, {2 * size, 1}} {
		leases, err := c.Fetch(t.ctx, 1000, step.bytes)
		t.must(err, "fetch")
		if len(leases) != step.want {
			t.Fatalf("Fetch of up to %d bytes returned %d messages of %d, want %d", step.bytes, len(leases), size, step.want)
		}
	}
}

func waitingFetchIsBoundedByBytes(t *queueTrial) {
	size := len(numbers(1, 1)[0])
	holder, c := t.consume(""), t.consume("")
	t.write("", numbers(1, 5)...)
	holder.fetchExactly(5)
	got := make(chan int, 1)
	go func() {
		leases, _ := c.Fetch(t.ctx, 1000, 2*size)
		got <- len(leases)
	}()
	t.must(holder.Close(), "close")
	if n := <-got; n < 1 || n > 2 {
		t.Fatalf("Fetch of up to 2 messages' bytes, which waited, returned %d messages", n)
	}
}

func contextEndsFetch(t *queueTrial) {
	c := t.consume("")
	ctx, cancel := context.WithCancel(t.ctx)
	waiting := c.fetch(ctx)
	cancel()
	_, err := waiting.wait()
	t.refused(err, context.Canceled, "Fetch whose context ended")
	_, err = c.Fetch(ctx, 1, math.MaxInt)
	t.refused(err, context.Canceled, "Fetch with an ended context")
	t.publish("order.new")
	c.gets("order.new")
}

func closeEndsFetch(t *queueTrial) {
	c := t.consume("")
	waiting := c.fetch(t.ctx)
	c.close()
	_, err := waiting.wait()
	t.refused(err, platform.ErrConsumerClosed, "Fetch that waited while its consumer was closed")
	t.publish("order.new")
	_, err = c.Fetch(t.ctx, 1, math.MaxInt)
	t.refused(err, platform.ErrConsumerClosed, "Fetch after Close")
	t.must(c.Ack(t.ctx, 1), "Ack after Close")
	c.close()
	t.holds("", "order.new")
}

func distinctIDs(t *queueTrial) {
	t.write("", numbers(0, 100)...)
	seen := ids(t.consume("").fetchExactly(100))
	slices.Sort(seen)
	if n := len(slices.Compact(seen)); n != 100 {
		t.Fatalf("100 outstanding messages have %d different ids", n)
	}
}

func ackedStayAway(t *queueTrial) {
	t.write("", numbers(1, 5)...)
	c := t.consume("")
	leases := c.gets(numbers(1, 5)...)
	c.ack(leases[4], leases[0], leases[2])
	c.close()
	t.consume("").gets(numbers(2, 1)[0], numbers(4, 1)[0])
	t.holds("")
}

func ackIgnores(t *queueTrial) {
	t.write("", numbers(1, 4)...)
	one, other := t.consume(""), t.consume("")
	mine, theirs := one.fetchExactly(2), other.fetchExactly(2)
	one.ack(mine[0])
	one.ack(mine[0])
	t.must(one.Ack(t.ctx), "ack of nothing")
	stale := []uint64{0, 1 << 40, 1<<64 - 1}
	for _, id := range ids(theirs) {
		if !slices.Contains(ids(mine), id) { // ids are the consumer's own
			stale = append(stale, id)
		}
	}
	stale = slices.DeleteFunc(stale, func(id uint64) bool { return id == mine[1].ID })
	t.must(one.Ack(t.ctx, stale...), "ack of ids that are not outstanding")
	one.close()
	other.close()
	t.holds("", numbers(2, 3)...)
}

// closeReturns lets two consumers hold alternating messages and close in the
// wrong order.
func closeReturns(t *queueTrial) {
	t.write("", numbers(1, 9)...)
	one, other := t.consume(""), t.consume("")
	var ones []platform.Lease
	for range 3 {
		ones = append(ones, one.fetchExactly(1)...)
		other.fetchExactly(1)
	}
	one.ack(ones[1]) // message 3
	other.close()
	one.close()
	last := t.consume("")
	last.gets("message 000001", "message 000002", "message 000004", "message 000005", "message 000006")
	last.close()
	again := t.consume("")
	again.gets("message 000001", "message 000002", "message 000004", "message 000005",
		"message 000006", "message 000007", "message 000008", "message 000009")
}

func closeServes(t *queueTrial) {
	t.write("", "message")
	holder, waiter := t.consume(""), t.consume("")
	holder.fetchExactly(1)
	waiting := waiter.fetch(t.ctx)
	holder.close()
	leases, err := waiting.wait()
	t.must(err, "fetch")
	if got := bodies(leases); !slices.Equal(got, []string{"message"}) {
		t.Fatalf("Fetch returned %q", got)
	}
}

func returnGivesBack(t *queueTrial) {
	t.write("", numbers(1, 6)...)
	one, other := t.consume(""), t.consume("")
	mine := one.fetchExactly(4)
	other.fetchExactly(1)
	one.returnLeases(mine[2], mine[0])
	t.counts("", platform.QueueStatus{Ready: 3, Unacknowledged: 3, Consumers: 2, Bytes: 6 * 14})
	other.gets("message 000001", "message 000003", "message 000006")
	one.returnLeases(mine[1], mine[3])
	one.gets("message 000002", "message 000004") // its own, too
}

func returnServes(t *queueTrial) {
	t.write("", "message")
	holder, waiter := t.consume(""), t.consume("")
	held := holder.fetchExactly(1)
	waiting := waiter.fetch(t.ctx)
	holder.returnLeases(held...)
	leases, err := waiting.wait()
	t.must(err, "fetch")
	if got := bodies(leases); !slices.Equal(got, []string{"message"}) {
		t.Fatalf("Fetch returned %q", got)
	}
}

func returnIgnores(t *queueTrial) {
	t.write("", numbers(1, 4)...)
	one, other := t.consume(""), t.consume("")
	mine := one.fetchExactly(3)
	one.ack(mine[0])
	one.returnLeases(mine[1])
	theirs := other.gets("message 000002")
	stale := []uint64{0, 1 << 40, 1<<64 - 1, mine[0].ID, mine[1].ID, theirs[0].ID}
	stale = slices.DeleteFunc(stale, func(id uint64) bool { return id == mine[2].ID }) // ids are the consumer's own
	t.must(one.Return(t.ctx, stale...), "return of ids that are not outstanding")
	t.must(one.Return(t.ctx), "return of nothing")
	t.holds("", "message 000004")
	other.ack(theirs...)
	one.close()
	t.holds("", "message 000003")
}

func returnAfterEnd(t *queueTrial) {
	t.write("", "message")
	closed := t.consume("")
	held := closed.fetchExactly(1)
	closed.close()
	closed.returnLeases(held...)
	t.holds("", "message")

	t.write("orders", "message")
	dropped := t.consume("orders")
	held = dropped.fetchExactly(1)
	t.drop("orders")
	dropped.returnLeases(held...)
	t.lists()
	t.create("orders")
	dropped.returnLeases(held...)
	t.holds("orders")
}

func idleHarmsNobody(t *queueTrial) {
	holder := t.consume("")
	t.consume("") // never fetches
	t.write("", numbers(0, 100)...)
	holder.fetchExactly(10)
	busy := t.consume("")
	busy.ack(busy.gets(numbers(10, 90)...)...)
	holder.close()
	busy.gets(numbers(0, 10)...)
}
