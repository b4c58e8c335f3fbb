package jetstream

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/shopex/prism-go/platform"
)

// Park parks messages of the queue of topic, as [platform.Queues] describes. Those of one
// call are parked in the order of the queue. Of a great many IDs, the first ones may have
// been parked when it fails. Of the name by, 256 bytes are kept.
func (e *Engine) Park(ctx context.Context, owner, topic, reason, by string, ids ...platform.MessageID) (int, error) {
	reason, by = platform.ParkReason(reason), shortName(by)
	return e.changeMessages(ctx, owner, topic, e.numbersOf(ids), func(d *draft, q *queue, numbers []uint64) (int, error) {
		items, tried := q.parkable(numbers)
		return len(items), d.park(q, items, tried, reason, by)
	})
}

// Unpark makes parked messages of the queue of topic ready, as [platform.Queues]
// describes. One that is older than [Config].MaxAge stays parked.
func (e *Engine) Unpark(ctx context.Context, owner, topic string, ids ...platform.MessageID) (int, error) {
	numbers, err := e.young(ctx, owner, topic, e.numbersOf(ids))
	if err != nil {
		return 0, err
	}
	return e.changeMessages(ctx, owner, topic, numbers, (*draft).unpark)
}

// Discard removes parked messages of the queue of topic.
func (e *Engine) Discard(ctx context.Context, owner, topic string, ids ...platform.MessageID) (int, error) {
	return e.changeMessages(ctx, owner, topic, e.numbersOf(ids), func(d *draft, q *queue, numbers []uint64) (int, error) {
		parked := q.parkedOf(numbers)
		if len(parked) == 0 {
			return 0, nil
		}
		return len(parked), d.emitTogether(q.owner, fact{kind: factAck, queue: q.id, numbers: parked})
	})
}

// Parked returns up to n parked messages of the queue of topic with greater IDs than
// after, of which only the number counts. It shows those that are parked at one moment,
// and reads their bodies after it.
func (e *Engine) Parked(ctx context.Context, owner, topic string, after platform.MessageID, n int) ([]platform.Parked, error) {
	var found []platform.Parked
	for {
		want := max(n-len(found), 0)
		queue, seen, err := e.lookParked(ctx, owner, topic, after.Number, want)
		if err != nil {
			return nil, err
		}
		more, err := e.readParked(ctx, queue, seen)
		if err != nil {
			return nil, err
		}
		if found = append(found, more...); len(seen) < want || len(found) >= n {
			return found, nil
		}
		after.Number = seen[len(seen)-1].item.number
	}
}

// numbersOf returns the numbers of those messages that are of this log, ascending.
func (e *Engine) numbersOf(ids []platform.MessageID) []uint64 {
	var numbers []uint64
	for _, id := range ids {
		if id.Log == e.log.Load() {
			numbers = append(numbers, id.Number)
		}
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

// changeMessages lets change do something with messages of a queue, with up to mostAtOnce
// in a record, and returns with how many it did so. A fact about consumers of the owner
// must not be in the same record, as it could be about the same messages.
func (e *Engine) changeMessages(ctx context.Context, owner, topic string, numbers []uint64, change func(*draft, *queue, []uint64) (int, error)) (int, error) {
	changed := 0
	for {
		some := numbers[:min(len(numbers), mostAtOnce)]
		var n int // the committer may write it unless do returns nil
		err := e.do(ctx, func(d *draft) error {
			q, err := d.queue(owner, topic)
			if err != nil {
				return err
			}
			if q.owner.touched == d.round {
				return errAgain
			}
			n, err = change(d, q, some)
			if n > 0 {
				q.owner.sealed = d.round
			}
			return err
		}, nil)
		if err != nil {
			return changed, err
		}
		changed += n
		if numbers = numbers[len(some):]; len(numbers) == 0 {
			return changed, nil
		}
	}
}

// emitTogether is emit for facts that belong together.
func (d *draft) emitTogether(o *owner, facts ...fact) error {
	if err := d.checkTogether(facts); err != nil {
		return err
	}
	for _, f := range facts {
		d.emit(o, f)
	}
	return nil
}

// parkable returns those of the messages that can be parked, and which of them were held.
func (q *queue) parkable(numbers []uint64) (items []item, held []uint64) {
	for _, n := range numbers {
		if h, ok := q.held[n]; ok {
			items, held = append(items, h.item), append(held, n)
		} else if it := q.ready.find(n); it != nil && !it.is(shed) {
			items = append(items, *it)
		}
	}
	return items, held
}

// parkedOf returns those of the messages that are parked.
func (q *queue) parkedOf(numbers []uint64) (parked []uint64) {
	for _, n := range numbers {
		if q.parked.find(n) != nil {
			parked = append(parked, n)
		}
	}
	return parked
}

// park parks messages of q, of which it counts an attempt of those that were tried. What
// was parked first makes room for them.
func (d *draft) park(q *queue, items []item, tried []uint64, reason, by string) error {
	if len(items) == 0 {
		return nil
	}
	room, err := d.lotRoom(q, items, reason, by)
	if err != nil {
		return err
	}
	var facts []fact
	if len(tried) > 0 {
		facts = append(facts, q.triedOnceMore(tried))
	}
	facts = append(facts, fact{
		kind: factPark, number: uint64(time.Now().Unix()), queue: q.id, owner: by, text: reason, numbers: numbersOf(items),
	})
	if err := d.emitTogether(q.owner, append(facts, room.facts(q)...)...); err != nil {
		return err
	}
	q.parked.drafting = room.lotDrafting
	d.touch(q)
	for _, it := range items {
		q.drafting.used = q.drafting.used.Minus(platform.Usage{Messages: 1, Bytes: int64(it.size)})
		if found := q.ready.find(it.number); found != nil {
			q.ready.mark(found)
			d.parkings = append(d.parkings, loss{q, it.number})
		}
	}
	return nil
}

// unpark makes those of the messages that are parked ready.
func (d *draft) unpark(q *queue, numbers []uint64) (int, error) {
	parked := q.parkedOf(numbers)
	if len(parked) == 0 {
		return 0, nil
	}
	if err := d.emitTogether(q.owner, fact{kind: factUnpark, queue: q.id, numbers: parked}); err != nil {
		return 0, err
	}
	d.touch(q)
	for _, n := range parked {
		q.drafting.used = q.drafting.used.Plus(platform.Usage{Messages: 1, Bytes: int64(q.parked.find(n).item.size)})
	}
	return len(parked), nil
}

// A lotRoom is what is dropped from a parking lot so that others have room there.
type lotRoom struct {
	lotDrafting
	lot  *parkingLot
	need platform.Usage // of those that come, as far as they stay
	gone []uint64
}

// lotRoom returns what has to go, the oldest first, when items are parked, which are
// the last to go. If it is more than a record has room for, the draft drops a part of it,
// and the error is errAgain.
func (d *draft) lotRoom(q *queue, items []item, reason, by string) (lotRoom, error) {
	r := lotRoom{lotDrafting: q.lot().drafting, lot: q.parked}
	if r.round != d.round {
		r.lotDrafting = lotDrafting{round: d.round}
	}
	for _, it := range items {
		r.need = r.need.Plus(platform.Usage{Messages: 1, Bytes: parkedSize(it, reason, by)})
	}
	for ; r.next < len(r.lot.line) && d.lacksRoom(&r); r.next++ {
		if len(r.gone) == mostAtOnce {
			err := d.emitTogether(q.owner, r.facts(q)...)
			if err == nil {
				r.lot.drafting, err = r.lotDrafting, errAgain
			}
			return r, err
		}
		if p := r.lot.line[r.next]; !p.gone {
			r.drop(p.item.number)
			r.used = r.used.Minus(platform.Usage{Messages: 1, Bytes: p.size()})
		}
	}
	for _, it := range items {
		if !d.lacksRoom(&r) {
			break
		}
		if r.parks { // what this draft has parked before is older
			return r, errAgain
		}
		r.drop(it.number)
		r.need = r.need.Minus(platform.Usage{Messages: 1, Bytes: parkedSize(it, reason, by)})
	}
	r.parks, r.used = true, r.used.Plus(r.need)
	return r, nil
}

// lacksRoom reports whether more is parked than may be.
func (d *draft) lacksRoom(r *lotRoom) bool {
	all := r.lot.usage().Plus(r.used).Plus(r.need)
	return all.Messages > int64(d.config.MaxParked) || all.Bytes > d.config.MaxParkedBytes
}

func (r *lotRoom) drop(number uint64) {
	r.gone = append(r.gone, number)
	r.dropped++
}

// facts returns what the record has to say of it.
func (r *lotRoom) facts(q *queue) []fact {
	if len(r.gone) == 0 {
		return nil
	}
	slices.Sort(r.gone)
	return []fact{
		{kind: factAck, queue: q.id, numbers: r.gone},
		{kind: factParkedDropped, queues: []uint64{q.id}, numbers: []uint64{r.lot.dropped + r.dropped}},
	}
}

// A parkedSight is what Parked has seen of a message.
type parkedSight struct {
	item item
	platform.Parked
}

// lookParked returns up to n parked messages behind a number, with the id of their queue.
func (e *Engine) lookParked(ctx context.Context, owner, topic string, after uint64, n int) (uint64, []parkedSight, error) {
	var id uint64
	var seen []parkedSight
	err := e.query(ctx, func(d *draft) error {
		q, err := d.queue(owner, topic)
		if err != nil {
			return err
		}
		id, seen = q.id, nil
		for _, number := range lowestBehind(maps.Keys(q.parked.all()), after, n) {
			p := q.parked.find(number)
			seen = append(seen, parkedSight{p.item, p.public(q)})
		}
		return nil
	})
	if err != nil {
		return 0, nil, err // and both may still be written to
	}
	return id, seen, nil
}

// readParked reads the messages that were seen. It leaves out those that are gone.
func (e *Engine) readParked(ctx context.Context, queue uint64, seen []parkedSight) ([]platform.Parked, error) {
	var found []platform.Parked
	var last openRecord
	for _, s := range seen {
		f, err := e.fact(ctx, queue, s.item, &last)
		if errors.Is(err, errNoRecord) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s.Message = f.message
		found = append(found, s.Parked)
	}
	return found, nil
}

// young returns those of the messages that are parked and not older than MaxAge.
func (e *Engine) young(ctx context.Context, owner, topic string, numbers []uint64) ([]uint64, error) {
	if e.config.MaxAge == 0 || len(numbers) == 0 {
		return numbers, nil
	}
	queue, seen, err := e.lookParked(ctx, owner, topic, 0, math.MaxInt)
	if err != nil {
		return nil, err
	}
	var young []uint64
	var last openRecord
	for _, s := range seen {
		if _, asked := slices.BinarySearch(numbers, s.item.number); !asked {
			continue
		}
		f, err := e.fact(ctx, queue, s.item, &last)
		switch {
		case errors.Is(err, errNoRecord):
		case err != nil:
			return nil, err
		case !e.old(f.message):
			young = append(young, s.item.number)
		}
	}
	return young, nil
}
