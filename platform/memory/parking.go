package memory

import (
	"container/list"
	"context"
	"slices"
	"time"

	"github.com/shopex/prism-go/platform"
)

// A parkingLot has the parked messages of a queue. A nil one has none.
type parkingLot struct {
	places  map[uint64]*list.Element // by number
	order   list.List                // of *parking; the one that was parked first is in front
	most    int                      // the most places that there were since places was made
	bytes   int64
	dropped uint64
}

// A parking is a parked message.
type parking struct {
	item
	reason, by string
	since      time.Time
}

func (p *parking) public() platform.Parked {
	return platform.Parked{Message: p.message, Attempts: p.attempts, Reason: p.reason, By: p.by, Since: p.since}
}

func (p *parking) size() int64 {
	parked := p.public()
	return parked.Size()
}

func (l *parkingLot) usage() platform.Usage {
	if l == nil {
		return platform.Usage{}
	}
	return platform.Usage{Messages: int64(len(l.places)), Bytes: l.bytes}
}

func (l *parkingLot) add(p *parking) {
	l.places[p.number()] = l.order.PushBack(p)
	l.most = max(l.most, len(l.places))
	l.bytes += p.size()
}

// take removes the messages that are there, but for those that it shall leave.
func (l *parkingLot) take(numbers []uint64, leave func(*platform.Message) bool) (taken []item) {
	if l == nil {
		return nil
	}
	for _, number := range numbers {
		if at, ok := l.places[number]; ok && !leave(at.Value.(*parking).message) {
			taken = append(taken, l.remove(at).item)
		}
	}
	l.places, l.most = shrunk(l.places, l.most)
	return taken
}

func (l *parkingLot) remove(at *list.Element) *parking {
	p := l.order.Remove(at).(*parking)
	delete(l.places, p.number())
	l.bytes -= p.size()
	return p
}

// trim drops the messages that were parked first until no more are left than may be.
func (l *parkingLot) trim(messages int, bytes int64) {
	for len(l.places) > messages || l.bytes > bytes {
		l.remove(l.order.Front())
		l.dropped++
	}
	l.places, l.most = shrunk(l.places, l.most)
}

// list returns the first n messages whose numbers are above after.
func (l *parkingLot) list(after uint64, n int) []platform.Parked {
	if l == nil {
		return nil
	}
	first := earliest[*parking]{n: n, number: (*parking).number}
	for number, at := range l.places {
		if number > after && first.wants(number) {
			first.add(at.Value.(*parking))
		}
	}
	var found []platform.Parked
	for _, p := range first.sorted() {
		found = append(found, p.public())
	}
	return found
}

// park parks messages that are ready or held. The numbers must ascend.
func (q *queue) park(reason, by string, numbers []uint64) int {
	q.expire()
	items := append(q.takeHeld(numbers), q.takeReady(numbers)...)
	slices.SortFunc(items, byNumber)
	q.keepParked(reason, by, items)
	return len(items)
}

// takeReady removes messages that are ready and not too old.
func (q *queue) takeReady(numbers []uint64) []item {
	var places []int
	for _, number := range numbers {
		i := q.ready.find(number)
		if i < q.ready.len() && q.ready.place(i).number() == number && !q.owner.old(q.ready.place(i).message) {
			places = append(places, i)
		}
	}
	taken := q.ready.remove(places)
	for _, it := range taken {
		q.leaves(it.message)
	}
	return taken
}

// takeHeld removes messages from the consumers that hold them. They count as tried.
func (q *queue) takeHeld(numbers []uint64) (taken []item) {
	for c := range q.consumers {
		for _, number := range numbers {
			if h, ok := c.held[number]; ok {
				h.try()
				c.release(h.item)
				taken = append(taken, h.item)
			}
		}
		c.shrink()
	}
	return taken
}

// keepParked parks messages that were removed from elsewhere.
func (q *queue) keepParked(reason, by string, items []item) {
	if len(items) == 0 {
		return
	}
	if q.parked == nil {
		q.parked = &parkingLot{places: make(map[uint64]*list.Element)}
	}
	reason = platform.ParkReason(reason)
	since := time.Unix(time.Now().Unix(), 0)
	for _, it := range items {
		q.parked.add(&parking{it, reason, by, since})
	}
	q.parked.trim(q.owner.config.MaxParked, q.owner.config.MaxParkedBytes)
	q.count()
}

// unpark makes parked messages ready, unless they are too old for that.
func (q *queue) unpark(numbers []uint64) int {
	items := q.parked.take(numbers, q.owner.old)
	q.restore(items)
	return len(items)
}

func (q *queue) discard(numbers []uint64) int {
	n := len(q.parked.take(numbers, func(*platform.Message) bool { return false }))
	q.count()
	return n
}

// Fail counts an attempt of each message, as [platform.Consumer] describes.
func (c *consumer) Fail(_ context.Context, reason string, ids ...uint64) (parked []uint64, err error) {
	defer c.owner.lock().unlock()
	var items []item
	for _, id := range ids {
		h, ok := c.held[id]
		if !ok {
			continue
		}
		h.try()
		if !c.queue.limits.Parks(h.attempts) {
			c.held[id] = h
			continue
		}
		c.release(h.item)
		items, parked = append(items, h.item), append(parked, id)
	}
	c.shrink()
	c.queue.keepParked(reason, c.name, items)
	return parked, nil
}
