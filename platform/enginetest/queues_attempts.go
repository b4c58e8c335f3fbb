package enginetest

import (
	"slices"
	"strings"

	"github.com/shopex/prism-go/platform"
)

func attempts() []queuePromise {
	return []queuePromise{
		{"ADeliveryTellsWhichAttemptItIs", platform.QueueBounds{}, toldAttempts},
		{"OnlyAFailureCountsAsAnAttempt", platform.QueueBounds{}, uncountedAttempts},
		{"AttemptsAreCountedInEachQueue", platform.QueueBounds{}, attemptsOfQueues},
		{"AFailedMessageStaysOutstanding", platform.QueueBounds{}, failedStays},
		{"FailIgnoresWhatIsNotOutstanding", platform.QueueBounds{}, failIgnores},
		{"WithoutALimitAMessageIsTriedForEver", platform.QueueBounds{}, triedForEver},
		{"AMessageIsParkedAtTheLimitOfAttempts", platform.QueueBounds{}, parkedAtLimit},
		{"AParkedMessageDoesNotStopTheOthers", platform.QueueBounds{}, othersGoOn},
		{"AMessageThatWasPutBackHasAsManyAttemptsAgain", platform.QueueBounds{}, attemptsAgain},
	}
}

// tries fetches messages, which come at these attempts.
func (c testConsumer) tries(want ...int) []platform.Lease {
	c.t.Helper()
	leases := c.fetchExactly(len(want))
	for i, l := range leases {
		if l.Attempt != want[i] {
			c.t.Fatalf("message %d of %d comes at attempt %d, want %d", i+1, len(want), l.Attempt, want[i])
		}
	}
	return leases
}

// fails lets leases fail, of which those that are to be parked are named.
func (c testConsumer) fails(leases []platform.Lease, parked ...platform.Lease) {
	c.t.Helper()
	got, err := c.Fail(c.t.ctx, "it cannot be handled", ids(leases)...)
	c.t.must(err, "fail of %d messages", len(leases))
	want := ids(parked)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		c.t.Fatalf("of %d failed messages %v were parked, want %v", len(leases), got, want)
	}
}

// attempted lets a queue park messages at this attempt.
func (t *queueTrial) attempted(topic string, most int) {
	t.Helper()
	t.create(topic)
	t.limit(topic, platform.QueueLimits{MaxAttempts: most})
}

// toldAttempts lets a message go through each way back into the queue.
func toldAttempts(t *queueTrial) {
	t.write("", "poison", "message")
	one, other := t.consume(""), t.consume("")
	held := one.tries(1, 1)
	one.fails(held[:1])
	one.returnLeases(held...)
	held = other.tries(2, 1)
	other.fails(held[:1])
	other.fails(held[:1])
	other.close()
	one.tries(4, 1)
}

func uncountedAttempts(t *queueTrial) {
	t.write("", numbers(0, 3)...)
	c := t.consume("")
	for range 3 {
		c.returnLeases(c.tries(1, 1, 1)...)
	}
	for range 3 {
		cut := t.consume("")
		cut.tries(1, 1, 1)
		cut.close()
	}
	t.peek("", 10)
	c.tries(1, 1, 1)
}

func attemptsOfQueues(t *queueTrial) {
	other := t.beside("#")
	t.bind("orders", "order.#")
	t.publish("order.new")
	c := t.consume("orders")
	held := c.tries(1)
	c.fails(held)
	c.returnLeases(held...)
	t.consume("").tries(1)
	other.consume("").tries(1)
	c.tries(2)
}

func failedStays(t *queueTrial) {
	t.write("", numbers(0, 3)...)
	c := t.consume("")
	held := c.fetchExactly(3)
	c.fails(held[:2])
	t.counts("", platform.QueueStatus{Unacknowledged: 3, Consumers: 1, Bytes: 3 * 14})
	c.ack(held[0])
	c.close()
	t.holds("", numbers(1, 2)...)
}

func failIgnores(t *queueTrial) {
	t.attempted("", 1)
	t.write("", numbers(0, 4)...)
	one, other := t.consume(""), t.consume("")
	mine, theirs := one.fetchExactly(3), other.fetchExactly(1)
	one.ack(mine[0])
	one.returnLeases(mine[1])
	stale := []uint64{0, 1 << 40, 1<<64 - 1, mine[0].ID, mine[1].ID, theirs[0].ID}
	stale = slices.DeleteFunc(stale, func(id uint64) bool { return id == mine[2].ID }) // ids are the consumer's own
	for _, some := range [][]uint64{stale, nil} {
		if parked, err := one.Fail(t.ctx, "", some...); err != nil || len(parked) > 0 {
			t.Fatalf("Fail of what is not outstanding parked %v, %v", parked, err)
		}
	}
	one.close()
	if parked, err := one.Fail(t.ctx, "", ids(mine)...); err != nil || len(parked) > 0 {
		t.Fatalf("Fail after Close parked %v, %v", parked, err)
	}
	other.returnLeases(theirs...)
	other.tries(1, 1, 1)
}

func triedForEver(t *queueTrial) {
	t.write("", "poison")
	c := t.consume("")
	for attempt := range 40 {
		held := c.tries(attempt + 1)
		c.fails(held)
		c.returnLeases(held...)
	}
	t.parks("")
	t.limited("", platform.QueueLimits{MaxMessages: t.most().MaxMessages, MaxBytes: t.most().MaxBytes})
}

func parkedAtLimit(t *queueTrial) {
	t.attempted("", 2)
	t.limited("", platform.QueueLimits{MaxMessages: t.most().MaxMessages, MaxBytes: t.most().MaxBytes, MaxAttempts: 2})
	t.write("", "poison", "message")
	c := t.consume("")
	held := c.tries(1, 1)
	c.fails(held)
	c.returnLeases(held...)
	held = c.tries(2, 2)
	c.fails(held[:1], held[0])
	t.parks("", "poison")
	c.returnLeases(held...) // of which the first is no longer outstanding
	held = c.tries(2)
	c.ack(held...)
	c.close()
	t.counts("", platform.QueueStatus{Parked: 1, ParkedBytes: t.parkedBytes("")})
	t.parkedAs("", platform.Parked{Attempts: 2, Reason: "it cannot be handled", By: "a test"})
}

func othersGoOn(t *queueTrial) {
	t.attempted("", 3)
	t.write("", numbers(0, 50)...)
	c := t.consume("")
	for acked := 0; acked < 45; {
		l := c.fetchExactly(1)[0]
		switch poison := strings.HasSuffix(string(l.Message.Body), "0"); {
		case !poison:
			c.ack(l)
			acked++
		case l.Attempt == 3:
			c.fails([]platform.Lease{l}, l)
		default:
			c.fails([]platform.Lease{l})
			c.returnLeases(l)
		}
	}
	t.parks("", numbersOf(0, 10, 20, 30, 40)...)
}

func attemptsAgain(t *queueTrial) {
	t.attempted("", 2)
	t.write("", "poison")
	c := t.consume("")
	for round := range 3 {
		held := c.tries(2*round + 1)
		c.fails(held)
		c.returnLeases(held...)
		held = c.tries(2*round + 2)
		c.fails(held, held...)
		t.parkedAs("", platform.Parked{Attempts: 2*round + 2, Reason: "it cannot be handled", By: "a test"})
		t.unpark("", t.parkedIDs("")...)
	}
	t.limit("", platform.QueueLimits{MaxAttempts: 4})
	held := c.tries(7)
	c.fails(held)
	c.fails(held, held...)
}
