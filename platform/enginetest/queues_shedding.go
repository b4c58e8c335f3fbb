package enginetest

import (
	"fmt"
	"slices"

	"github.com/shopex/prism-go/platform"
)

// Each bound has room for ten messages of ten bytes.
func shedding() []queuePromise {
	ownerMessages, ownerBytes := platform.QueueBounds{MaxOwnerMessages: 10}, platform.QueueBounds{MaxOwnerBytes: 100}
	allMessages, allBytes := platform.QueueBounds{MaxTotalMessages: 10}, platform.QueueBounds{MaxTotalBytes: 100}
	return []queuePromise{
		{"AnOwnerShedsMessagesBeforeItIsRefused", ownerMessages, shedOwn},
		{"AnOwnerShedsBytesBeforeItIsRefused", ownerBytes, shedOwn},
		{"AllShedMessagesBeforeOneIsRefused", allMessages, shedAll},
		{"AllShedBytesBeforeOneIsRefused", allBytes, shedAll},
		{"TheLargestQueueShedsFirst", allMessages, shedLargest},
		{"AQueueSetToDropSheds", allMessages, shedSet},
		{"HeldMessagesAreNotShed", allMessages, shedNotHeld},
		{"AQueueShedsWhileAMessageOfAnotherKeyIsReady", allMessages, shedBehindOthers},
		{"NoOwnerShedsForAnother", ownerMessages, shedNotForOthers},
		{"AQueueThatNobodyReadsLeavesRoomForThoseOfItsOwner", ownerMessages, roomBesideOwn},
		{"AQueueThatNobodyReadsLeavesRoomForAll", allMessages, roomBesideAll},
		{"AnOwnersLimitRefusesNobodyWhoseMessagesMayGo", ownerMessages, dropAtOwnerLimit},
		{"ALimitOfAllRefusesNobodyWhoseMessagesMayGo", allMessages, dropAtTotalLimit},
	}
}

// tens returns n bodies of ten bytes.
func tens(first, n int) []string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = fmt.Sprintf("ten %06d", first+i)
	}
	return texts
}

// feed publishes messages of ten bytes, with their numbers, to whom binds "#".
func (t *queueTrial) feed(bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		m := &platform.Message{Body: []byte(body), ClientID: t.owner}
		t.must(t.tryPublish(m), "publish %q", body)
	}
}

// totalOf returns how many messages a queue has, and has dropped.
func (t *queueTrial) totalOf(topic string) (messages, dropped int) {
	t.Helper()
	s, err := t.queues.Status(t.ctx, t.owner, topic)
	t.must(err, "status of %q", topic)
	return s.Ready + s.Unacknowledged, int(s.Dropped)
}

// shedOwn fills the default queue with messages of another key.
func shedOwn(t *queueTrial) {
	t.beside().feed(tens(0, 6)...)
	t.shedsFor(t, 6)
}

// shedAll does it for a key of another exchange.
func shedAll(t *queueTrial) {
	t.beside().feed(tens(0, 6)...)
	t.shedsFor(t.in(newName()), 6)
}

// shedsFor lets an owner write until its queues take all the room. The default queue of t
// has n messages that may go.
func (t *queueTrial) shedsFor(o *queueTrial, n int) {
	t.Helper()
	for i := range 10 {
		o.write("mine", tens(100+i, 1)...)
		left, dropped := t.totalOf("")
		if left+dropped != n || left+i+1 > 10 {
			t.Fatalf("after %d messages a queue of %d has %d left, and has dropped %d", i+1, n, left, dropped)
		}
		if got := peekedBodies(t.peek("", n)); !slices.Equal(got, tens(n-left, left)) {
			t.Fatalf("the queue has %q, want the last %d", got, left)
		}
	}
	o.full("mine", o.text("ten bytes."))
	t.counts("", platform.QueueStatus{Dropped: uint64(n)})
	o.holds("mine", tens(100, 10)...)
}

func shedLargest(t *queueTrial) {
	small, other := t.beside(), t.beside()
	other.feed(tens(0, 3)...)
	small.bind("", "#")
	other.feed(tens(3, 3)...) // so that one has 6, the other 3
	for _, topic := range []string{"mine", "others"} {
		t.write(topic, tens(100, 1)...)
	}
	if left, dropped := t.totalOf(""); dropped < 1 || left > 5 {
		t.Errorf("the largest queue has %d messages, and has dropped %d", left, dropped)
	}
	small.counts("", platform.QueueStatus{Ready: 3, Bytes: 30})
}

// shedSet has queues with messages of their own key only.
func shedSet(t *queueTrial) {
	t.write("", tens(0, 4)...)
	t.write("newest", tens(0, 4)...)
	t.limit("", platform.QueueLimits{Overflow: platform.DropOldest})
	t.limit("newest", platform.QueueLimits{Overflow: platform.DropNewest})
	t.write("mine", tens(0, 10)...)
	for _, topic := range []string{"", "newest"} {
		t.counts(topic, platform.QueueStatus{Dropped: 4})
	}
	t.full("mine", t.text("x"))
}

// shedNotHeld also has a queue that is set to refuse, which keeps what it has.
func shedNotHeld(t *queueTrial) {
	other, refusing := t.beside(), t.beside("#")
	refusing.limit("", platform.QueueLimits{Overflow: platform.Refuse})
	other.feed(tens(0, 4)...)
	c := t.consume("")
	held := c.fetchExactly(3)
	t.write("mine", tens(0, 3)...)
	t.full("mine", t.text("x"))
	t.counts("", platform.QueueStatus{Unacknowledged: 3, Consumers: 1, Bytes: 30, Dropped: 1})
	refusing.counts("", platform.QueueStatus{Ready: 4, Bytes: 40})
	c.returnLeases(held[0])
	t.write("mine", "x")
	t.full("mine", t.text("x"))
	c.close()
	t.holds("", tens(1, 2)...)
}

// shedBehindOthers has a queue with messages of its own key behind two of another key,
// which are held.
func shedBehindOthers(t *queueTrial) {
	t.beside().feed(tens(0, 2)...)
	t.write("", tens(2, 3)...)
	c := t.consume("")
	held := c.fetchExactly(2)
	t.write("mine", tens(5, 5)...)
	t.full("mine", t.text("x"))
	c.returnLeases(held[0])
	t.write("mine", "x")
	t.full("mine", t.text("x"))
	c.close()
	t.write("mine", "y")
	t.full("mine", t.text("x"))
	t.counts("", platform.QueueStatus{Ready: 3, Bytes: 30, Dropped: 2})
	t.holds("", tens(2, 3)...)
}

func shedNotForOthers(t *queueTrial) {
	other := t.beside()
	other.feed(tens(0, 8)...)
	other.write("mine", tens(0, 10)...)
	other.full("mine", other.text("x"))
	t.holds("", tens(0, 8)...)
}

func roomBesideOwn(t *queueTrial) { t.roomBeside(t, "read") }

func roomBesideAll(t *queueTrial) { t.roomBeside(t.beside(), "") }

// roomBeside lets the default queue of t take all the room, which may drop, as may the
// queue that is read. Nothing of that is lost.
func (t *queueTrial) roomBeside(o *queueTrial, read string) {
	t.Helper()
	other := t.beside()
	other.feed(tens(0, 10)...)
	t.unbind("", "#")
	o.bind(read, "#")
	for i := range 5 {
		other.feed(tens(10+3*i, 3)...)
		o.holds(read, tens(10+3*i, 3)...)
	}
	if left, dropped := t.totalOf(""); left > 7 || left+dropped != 10 {
		t.Errorf("the queue that nobody reads has %d messages, and has dropped %d of 10", left, dropped)
	}
}

// dropAtOwnerLimit has an owner whose queues have no room for another's message, which
// makes room in its queue, or goes.
func dropAtOwnerLimit(t *queueTrial) {
	other, witness := t.beside(), t.beside("#")
	t.atLimit(t, other)
	witness.holds("", tens(0, 4)...)
}

func dropAtTotalLimit(t *queueTrial) { t.atLimit(t.in(newName()), t.beside()) }

// atLimit lets full take what the bound leaves, so that the default queue of t has room
// for two messages, and then for none.
func (t *queueTrial) atLimit(full, other *queueTrial) {
	t.Helper()
	full.write("mine", tens(0, 8)...)
	full.limit("mine", platform.QueueLimits{Overflow: platform.Refuse})
	other.feed(tens(0, 3)...)
	t.counts("", platform.QueueStatus{Ready: 2, Bytes: 20, Dropped: 1})
	t.read("", 2)
	full.write("mine", tens(8, 2)...)
	other.feed(tens(3, 1)...)
	t.counts("", platform.QueueStatus{Dropped: 2})
	t.limit("", platform.QueueLimits{Overflow: platform.DropOldest})
	t.write("", tens(4, 1)...)
	t.counts("", platform.QueueStatus{Dropped: 3})
	full.holds("mine", tens(0, 10)...)
}
