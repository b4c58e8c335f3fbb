package jetstream

import (
	"cmp"
	"slices"
	"time"

	"github.com/shopex/prism-go/platform"
)

// A parking is a message that is parked. The record that says so is behind that of the
// message, and cleaning carries both together. So it needs no weight of its own.
type parking struct {
	item   item
	reason string
	by     string // the name of the consumer that had it last
	since  uint64 // in Unix seconds
	order  uint64 // the number of the fact that parked it first
	gone   bool   // it is not parked any more
}

// size returns the bytes that it counts against bounds.
func (p *parking) size() int64 { return parkedSize(p.item, p.reason, p.by) }

func parkedSize(it item, reason, by string) int64 { return int64(it.size) + int64(len(reason)+len(by)) }

// fact returns the fact that it is parked in q.
func (p *parking) fact(q *queue) fact {
	return fact{kind: factPark, number: p.since, queue: q.id, consumer: p.order, owner: p.by, text: p.reason, numbers: []uint64{p.item.number}}
}

// public returns what [Engine.Parked] shows of it, except the message.
func (p *parking) public(q *queue) platform.Parked {
	return platform.Parked{
		Attempts: int(q.tried[p.item.number]), Reason: p.reason, By: p.by, Since: time.Unix(int64(p.since), 0),
	}
}

// A parkingLot has the parked messages of a queue. A nil one is empty. How often they
// were tried is where it is for all messages, in the queue.
type parkingLot struct {
	places map[uint64]*parking // by number
	line   []*parking          // the one that was parked first is in front; some are gone
	bytes  int64

	dropped uint64 // messages that made room for others, ever
	lost    uint64 // the number of the record that says so; 0 if none does

	drafting lotDrafting
}

// A lotDrafting is what the draft with the number round does to a parking lot.
type lotDrafting struct {
	round   uint64
	parks   bool           // it parks something
	used    platform.Usage // more than before
	next    int            // the place in the line before which it drops everything
	dropped uint64
}

// lot returns the parking lot of q, which is made if it is not there.
func (q *queue) lot() *parkingLot {
	if q.parked == nil {
		q.parked = &parkingLot{}
	}
	return q.parked
}

func (l *parkingLot) usage() platform.Usage {
	if l == nil {
		return platform.Usage{}
	}
	return platform.Usage{Messages: int64(len(l.places)), Bytes: l.bytes}
}

// all are the parked messages, by their numbers.
func (l *parkingLot) all() map[uint64]*parking {
	if l == nil {
		return nil
	}
	return l.places
}

// find returns the message with this number, or nil.
func (l *parkingLot) find(number uint64) *parking { return l.all()[number] }

// add parks a message that is not parked.
func (l *parkingLot) add(p *parking) {
	if l.places == nil {
		l.places = make(map[uint64]*parking)
	}
	l.places[p.item.number] = p
	l.line = append(l.line, p)
	l.bytes += p.size()
}

// remove undoes add, if the message is parked.
func (l *parkingLot) remove(number uint64) (item, bool) {
	p := l.find(number)
	if p == nil {
		return item{}, false
	}
	l.bytes -= p.size()
	p.gone, p.reason, p.by = true, "", ""
	delete(l.places, number)
	if len(l.line) > 2*len(l.places)+smallest {
		l.shrink()
	}
	return p.item, true
}

// shrink forgets what is gone. A map does not give memory back, so it is a new one.
func (l *parkingLot) shrink() {
	was := l.line
	l.places, l.line, l.bytes = nil, nil, 0
	for _, p := range was {
		if !p.gone {
			l.add(p)
		}
	}
}

// sort puts the line into its order, as cleaning may have moved what parked a message
// behind what parked others later.
func (l *parkingLot) sort() {
	if l == nil {
		return
	}
	slices.SortFunc(l.line, func(a, b *parking) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.item.number, b.item.number))
	})
}

// park parks those of the messages that are ready or held. Cleaning repeats the fact for
// messages that are parked already.
func (q *queue) park(f *fact) {
	for _, n := range f.numbers {
		if it, ok := q.take(n); ok {
			q.lot().add(&parking{item: it, reason: f.text, by: f.owner, since: f.number, order: f.consumer})
		}
	}
}

// unpark makes those of the messages that are parked ready.
func (s *state) unpark(q *queue, numbers []uint64) {
	var items []item
	for _, n := range numbers {
		if it, ok := q.parked.remove(n); ok {
			q.bytes += int64(it.size)
			items = append(items, it)
		}
	}
	slices.SortFunc(items, func(a, b item) int { return cmp.Compare(a.number, b.number) })
	if !s.loading {
		q.ready.insertAll(items...)
		return
	}
	for _, it := range items {
		q.ready.insertLate(it)
	}
}

// emptyLot removes what is parked.
func (s *state) emptyLot(q *queue) {
	if q.parked == nil {
		return
	}
	for _, p := range q.parked.all() {
		s.records.removeLive(p.item.seq, p.item.weight())
	}
	s.records.removeLive(q.parked.lost, lossWeight)
	q.parked = nil
}

// lostIn returns the number of the record that has the latest fact of this kind about q.
func (q *queue) lostIn(dropped kind) uint64 {
	switch {
	case dropped == factDropped:
		return q.lost
	case q.parked != nil:
		return q.parked.lost
	}
	return 0
}
