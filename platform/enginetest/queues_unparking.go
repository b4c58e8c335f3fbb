package enginetest

import (
	"fmt"
	"slices"

	"github.com/shopex/prism-go/platform"
)

func unparking() []queuePromise {
	return []queuePromise{
		{"UnparkPutsMessagesBackAtTheirPlace", platform.QueueBounds{}, unparkPlaces},
		{"UnparkServesAConsumerThatWaits", platform.QueueBounds{}, unparkServes},
		{"UnparkIgnoresWhatIsNotParked", platform.QueueBounds{}, unparkIgnores},
		{"DiscardRemovesParkedMessages", platform.QueueBounds{}, discards},
		{"PurgeLeavesWhatIsParked", platform.QueueBounds{}, purgeLeavesParked},
		{"DropTakesWhatIsParked", platform.QueueBounds{}, dropTakesParked},
		{"ForgetTakesWhatIsParked", platform.QueueBounds{}, forgetTakesParked},
	}
}

func unparkPlaces(t *queueTrial) {
	t.write("", numbers(0, 9)...)
	all := t.peekIDs("")
	t.park("", all[1], all[8], all[4], all[5])
	t.unpark("", all[5], all[8])
	t.shows("", platform.MessageID{}, 20, numbersOf(0, 2, 3, 5, 6, 7, 8)...)
	t.parks("", numbersOf(1, 4)...)
	c := t.consume("")
	held := c.gets(numbersOf(0, 2, 3)...)
	t.unpark("", all[1])
	c.gets(numbersOf(1)...)
	c.ack(held[0])
	c.close()
	t.unpark("", all[4])
	t.counts("", platform.QueueStatus{Ready: 8, Bytes: 8 * 14})
	t.holds("", numbers(1, 8)...)
}

// numbersOf returns the texts of some messages.
func numbersOf(some ...int) (texts []string) {
	for _, n := range some {
		texts = append(texts, fmt.Sprintf("message %06d", n))
	}
	return texts
}

func unparkServes(t *queueTrial) {
	t.write("", "message")
	t.park("", t.peekIDs("")...)
	waiting := t.consume("").fetch(t.ctx)
	t.unpark("", t.parkedIDs("")...)
	leases, err := waiting.wait()
	t.must(err, "fetch")
	if got := bodies(leases); !slices.Equal(got, []string{"message"}) {
		t.Fatalf("Fetch returned %q", got)
	}
}

func unparkIgnores(t *queueTrial) {
	t.write("", "1", "2")
	t.write("orders", "elsewhere")
	all, others := t.peekIDs(""), t.peekIDs("orders")
	t.park("orders", others...)
	t.park("", all[0])
	strange := all[0]
	strange.Log++
	for _, id := range []platform.MessageID{{}, all[1], others[0], strange} {
		t.helps(0, "unpark", "")(t.queues.Unpark(t.ctx, t.owner, "", id))
		t.helps(0, "discard", "")(t.queues.Discard(t.ctx, t.owner, "", id))
	}
	t.helps(1, "unpark of one twice", "")(t.queues.Unpark(t.ctx, t.owner, "", all[0], others[0], all[0]))
	t.helps(0, "unpark again", "")(t.queues.Unpark(t.ctx, t.owner, "", all[0]))
	t.holds("", "1", "2")
	t.parks("orders", "elsewhere")
}

func discards(t *queueTrial) {
	t.write("", numbers(0, 4)...)
	all := t.peekIDs("")
	t.park("", all[:3]...)
	t.discard("", all[0], all[2])
	t.parks("", "message 000001")
	t.helps(0, "unpark", "")(t.queues.Unpark(t.ctx, t.owner, "", all[0], all[2]))
	t.counts("", platform.QueueStatus{Ready: 1, Bytes: 14, Parked: 1, ParkedBytes: t.parkedBytes("")})
	t.holds("", "message 000003")
}

// purgeLeavesParked purges in both ways that there are.
func purgeLeavesParked(t *queueTrial) {
	for _, purge := range []func(string){t.purge, t.drop} {
		t.write("", "1", "2")
		t.park("", t.peekIDs("")[0])
		purge("")
		t.counts("", platform.QueueStatus{Parked: 1, ParkedBytes: t.parkedBytes("")})
		t.unpark("", t.parkedIDs("")...)
		t.holds("", "1")
	}
}

func dropTakesParked(t *queueTrial) {
	t.write("orders", "1")
	id := t.peekIDs("orders")[0]
	t.park("orders", id)
	t.drop("orders")
	t.create("orders")
	t.counts("orders", platform.QueueStatus{})
	t.parks("orders")
	t.helps(0, "unpark", "orders")(t.queues.Unpark(t.ctx, t.owner, "orders", id))
}

func forgetTakesParked(t *queueTrial) {
	t.write("", "1")
	t.park("", t.peekIDs("")[0])
	t.forget()
	t.declare()
	t.counts("", platform.QueueStatus{})
	t.parks("")
}
