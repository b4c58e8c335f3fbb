package enginetest

import (
	"context"
	"fmt"

	"github.com/shopex/prism-go/platform"
)

func alone() []queuePromise {
	return []queuePromise{
		{"OfConsumersAloneTheOldestWorks", platform.QueueBounds{}, oldestWorks},
		{"TheNextConsumerAloneGoesOnInOrder", platform.QueueBounds{}, nextGoesOn},
		{"AConsumerAloneThatLeavesTheLineHarmsNobody", platform.QueueBounds{}, leavesLine},
		{"OtherConsumersCompeteWithOneAlone", platform.QueueBounds{}, competeWithAlone},
		{"DropEndsConsumersAlone", platform.QueueBounds{}, dropEndsAlone},
		{"ConsumeAloneMakesATopic", platform.QueueBounds{MaxTopics: 1}, aloneMakesTopic},
	}
}

// consumeAlone is consume for one of several of which one works.
func (t *queueTrial) consumeAlone(topic string) testConsumer {
	t.Helper()
	c, err := t.queues.ConsumeAlone(t.ctx, t.owner, topic, "a test")
	t.must(err, "consume %q alone", topic)
	t.Cleanup(func() { c.Close() })
	return testConsumer{t, c}
}

// oldestWorks lets the younger one fetch while messages are there, and while they come.
func oldestWorks(t *queueTrial) {
	oldest, younger := t.consumeAlone(""), t.consumeAlone("")
	t.write("", numbers(0, 20)...)
	ctx, cancel := context.WithTimeout(t.ctx, 400*instant)
	defer cancel()
	_, err := younger.fetch(ctx).wait()
	t.refused(err, context.DeadlineExceeded, "Fetch of the younger consumer")
	ctx, cancel = context.WithCancel(t.ctx)
	defer cancel()
	waiting := younger.fetch(ctx)
	oldest.returnLeases(oldest.gets(numbers(0, 10)...)...)
	oldest.ack(oldest.gets(numbers(0, 20)...)...)
	t.write("", numbers(20, 2)...)
	oldest.ack(oldest.gets(numbers(20, 2)...)...)
	cancel()
	_, err = waiting.wait()
	t.refused(err, context.Canceled, "Fetch of the younger consumer")
	t.counts("", platform.QueueStatus{Consumers: 2})
}

func nextGoesOn(t *queueTrial) {
	t.write("", numbers(0, 6)...)
	oldest, next, last := t.consumeAlone(""), t.consumeAlone(""), t.consumeAlone("")
	held := oldest.gets(numbers(0, 4)...)
	oldest.ack(held[1])
	oldest.fails(held[:1])
	waiting, behind := next.fetch(t.ctx), last.fetch(t.ctx)
	oldest.close()
	leases, err := waiting.wait()
	t.must(err, "fetch")
	if got := bodies(leases); len(got) != 1 || got[0] != "message 000000" || leases[0].Attempt != 2 {
		t.Fatalf("the next consumer got %q at %+v", got, leases)
	}
	next.ack(leases...)
	next.gets(numbersOf(2, 3, 4, 5)...)
	next.close()
	leases, err = behind.wait()
	t.must(err, "fetch")
	last.returnLeases(leases...)
	last.gets(numbersOf(2, 3, 4, 5)...)
}

// leavesLine lets those go who wait, in the middle and at the end, and has a new one
// come.
func leavesLine(t *queueTrial) {
	var line []testConsumer
	var waiting []fetching
	for i := range 4 {
		line = append(line, t.consumeAlone(""))
		waiting = append(waiting, fetching{})
		if i > 0 {
			waiting[i] = line[i].fetch(t.ctx)
		}
	}
	for _, i := range []int{1, 3} {
		line[i].close()
		_, err := waiting[i].wait()
		t.refused(err, platform.ErrConsumerClosed, fmt.Sprint("Fetch of consumer ", i))
	}
	t.write("", "1", "2", "3")
	line[0].ack(line[0].gets("1")...)
	newest := t.consumeAlone("").fetch(t.ctx)
	line[0].close()
	leases, err := waiting[2].wait()
	t.must(err, "fetch of the next consumer")
	if got := bodies(leases); len(got) != 1 || got[0] != "2" {
		t.Fatalf("the next consumer got %q", got)
	}
	line[2].close()
	leases, err = newest.wait()
	t.must(err, "fetch of the newest consumer")
	if got := bodies(leases); len(got) != 1 || got[0] != "2" {
		t.Fatalf("the newest consumer got %q", got)
	}
}

func competeWithAlone(t *queueTrial) {
	one, other := t.consumeAlone(""), t.consume("")
	t.write("", numbers(0, 4)...)
	one.gets(numbersOf(0)...)
	other.ack(other.gets(numbersOf(1)...)...)
	one.gets(numbersOf(2)...)
	other.gets(numbersOf(3)...)
	one.close()
	other.gets(numbersOf(0, 2)...)
}

func dropEndsAlone(t *queueTrial) {
	one, other := t.consumeAlone("orders"), t.consumeAlone("orders")
	working, waiting := one.fetch(t.ctx), other.fetch(t.ctx)
	t.drop("orders")
	for _, f := range []fetching{working, waiting} {
		_, err := f.wait()
		t.refused(err, platform.ErrUnknownTopic, "Fetch of a queue that was dropped")
	}
	t.write("orders", "1")
	t.consumeAlone("orders").gets("1")
}

func aloneMakesTopic(t *queueTrial) {
	t.consumeAlone("orders")
	t.lists("orders")
	_, err := t.queues.ConsumeAlone(t.ctx, t.owner, "beyond", "a test")
	t.refused(err, platform.ErrTooManyTopics, "consume of a topic beyond the limit")
}
