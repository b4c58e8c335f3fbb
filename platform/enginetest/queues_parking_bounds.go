package enginetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopex/prism-go/platform"
)

func parkingBounds() []queuePromise {
	return []queuePromise{
		{"AQueueHasItsLimitOfParkedMessages", platform.QueueBounds{MaxParked: 3}, parkedLimit},
		{"AQueueHasItsLimitOfParkedBytes", platform.QueueBounds{MaxParkedBytes: 300}, parkedByteLimit},
		{"ParkedMessagesLeaveTheirQueueRoom", platform.QueueBounds{MaxMessages: 3, MaxBytes: 100}, parkedLeaveRoom},
		{"ParkedMessagesCountForTheirOwner", platform.QueueBounds{MaxOwnerMessages: 4, MaxOwnerBytes: 200}, parkedCount},
		{"ParkedMessagesCountAmongAll", platform.QueueBounds{MaxTotalMessages: 4, MaxTotalBytes: 200}, parkedCount},
		{"ParkedMessagesAreNotShed", platform.QueueBounds{MaxOwnerMessages: 10}, parkedNotShed},
		{"ParkedMessagesDoNotAge", platform.QueueBounds{MaxAge: time.Hour}, parkedDoNotAge},
		{"DepthsCountWhatIsParked", platform.QueueBounds{MaxParked: 2}, parkedDepths},
	}
}

// parkedLimit parks messages in another order than theirs.
func parkedLimit(t *queueTrial) {
	t.write("", numbers(0, 7)...)
	all := t.peekIDs("")
	for _, i := range []int{3, 5, 0} {
		t.park("", all[i])
	}
	t.parks("", numbersOf(0, 3, 5)...)
	t.park("", all[6])
	t.parks("", numbersOf(0, 5, 6)...)
	t.unpark("", all[5])
	t.park("", all[5])
	t.park("", all[1])
	t.parks("", numbersOf(1, 5, 6)...)
	t.attempted("", 1)
	c := t.consume("")
	held := c.gets(numbersOf(2, 4)...)
	c.fails(held, held...)
	c.close()
	t.parks("", numbersOf(1, 2, 4)...)
	t.counts("", platform.QueueStatus{Parked: 3, ParkedBytes: t.parkedBytes(""), ParkedDropped: 4})
	t.holds("")
}

// parkedByteLimit has messages of 54 bytes, which are parked with 19 bytes each.
func parkedByteLimit(t *queueTrial) {
	for i := range 4 {
		t.write("", fmt.Sprint(i, strings.Repeat(".", 53)))
	}
	all := t.peekIDs("")
	t.park("", all[:3]...)
	t.counts("", platform.QueueStatus{Ready: 1, Bytes: 54, Parked: 3, ParkedBytes: 3 * (54 + 19)})
	t.park("", all[3])
	t.counts("", platform.QueueStatus{Parked: 4, ParkedBytes: 4 * (54 + 19)})
	t.write("", "x")
	long := t.peekIDs("")[0]
	t.helps(1, "park", "")(t.queues.Park(t.ctx, t.owner, "", strings.Repeat("y", 100), "", long))
	t.counts("", platform.QueueStatus{Parked: 3, ParkedBytes: 2*(54+19) + 101, ParkedDropped: 2})
	t.helps(3, "discard", "")(t.queues.Discard(t.ctx, t.owner, "", append(all, long)...))
	t.counts("", platform.QueueStatus{ParkedDropped: 2})
}

func parkedLeaveRoom(t *queueTrial) {
	t.write("", numbers(0, 3)...)
	t.full("", t.text("x"))
	t.park("", t.peekIDs("")[:2]...)
	t.write("", numbers(3, 2)...)
	t.full("", t.text("x"))
	t.unpark("", t.parkedIDs("")...)
	t.counts("", platform.QueueStatus{Ready: 5, Bytes: 5 * 14})
	t.full("", t.text("x"))
	t.read("", 2)
	t.full("", t.text("x"))
	t.read("", 1)
	t.write("", "x")
	t.holds("", "message 000003", "message 000004", "x")
}

func parkedCount(t *queueTrial) {
	t.write("orders", "1", "2", "3", "4")
	all := t.peekIDs("orders")
	t.park("orders", all[:3]...)
	t.full("", t.text("x"))
	t.discard("orders", all[0])
	t.write("", "5")
	t.full("", t.text("x"))
	t.unpark("orders", all[1])
	t.full("", t.text("x"))
	t.read("orders", 1)
	t.write("", "6")
	t.full("", t.text("x"))
	t.drop("orders")
	t.purge("")
	t.write("", numbers(0, 4)...)
	t.read("", 3)
	long := t.peekIDs("")[0]
	t.helps(1, "park", "")(t.queues.Park(t.ctx, t.owner, "", strings.Repeat("y", 100), "", long))
	t.full("", t.text(strings.Repeat("z", 87)))
	t.write("", strings.Repeat("z", 86))
}

// parkedNotShed lets a queue give up all that is ready.
func parkedNotShed(t *queueTrial) {
	t.limit("", platform.QueueLimits{Overflow: platform.DropOldest})
	t.write("", tens(0, 8)...)
	t.park("", t.peekIDs("")[:3]...)
	t.write("orders", tens(8, 7)...)
	t.full("orders", t.text("x"))
	t.counts("", platform.QueueStatus{Dropped: 5, Parked: 3, ParkedBytes: t.parkedBytes("")})
	t.parks("", tens(0, 3)...)
}

// parkedDoNotAge parks one of two messages that are almost too old, and waits until the
// other is gone.
func parkedDoNotAge(t *queueTrial) {
	const almost = time.Hour - 2500*time.Millisecond // of which up to a second is lost, as times are to the second
	var id platform.MessageID
	for n := 0; n == 0; {
		t.purge("")
		t.aged("", "parked", almost)
		t.aged("", "ready", almost)
		found := t.peek("", 1)
		if len(found) == 0 {
			continue // it took too long
		}
		var err error
		id = found[0].Message.ID
		n, err = t.queues.Park(t.ctx, t.owner, "", "", "", id)
		t.must(err, "park")
	}
	t.parks("", "parked")
	t.soon(func() string {
		if n := len(t.peek("", 1)); n > 0 {
			return "a message that is too old is still there"
		}
		return ""
	})
	t.parks("", "parked")
	t.helps(0, "unpark of what would be gone", "")(t.queues.Unpark(t.ctx, t.owner, "", id))
	t.parks("", "parked")
	s, err := t.queues.Status(t.ctx, t.owner, "") // where the other one may be counted for a while
	if t.must(err, "status"); s.Parked != 1 || s.ParkedBytes != 6 || s.ParkedDropped != 0 {
		t.Fatalf("a parked message that is too old is counted as %+v", s)
	}
}

func parkedDepths(t *queueTrial) {
	t.write("orders", numbers(0, 4)...)
	t.park("orders", t.peekIDs("orders")[:3]...)
	t.soon(func() string {
		for _, d := range t.depths() {
			if d.Owner == t.owner && d.Topic == "orders" {
				if d.Parked == 2 && d.ParkedDropped == 1 && d.ParkedBytes == t.parkedBytes("orders") && d.Ready == 1 && d.Bytes == 14 {
					return ""
				}
				return fmt.Sprintf("the queue is counted as %+v", d.QueueStatus)
			}
		}
		return "the queue is not counted"
	})
}
