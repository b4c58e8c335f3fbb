package jetstream

import (
	"github.com/shopex/prism-go/internal/topic"
	"github.com/shopex/prism-go/platform"
)

// A state is what the log says up to the record applied. Only facts change it,
// so all engines that read the same log have the same state. An engine that has
// its log to itself is the exception: it changes leases and consumers in the
// state without writing them into the log.
type state struct {
	owners    map[string]*owner
	exchanges map[string]*exchange
	queues    map[uint64]*queue
	records   records
	applied   uint64
	log       uint32 // of the IDs of its messages
	used      platform.Usage
	newest    int64 // Time of any message
	loading   bool  // facts may come before the one that makes their queue

	dry uint64 // one more than the record at which no queue had anything to shed; see isDry

	filters topic.Filters // what owners may listen to
	routing uint64        // counts messages that were routed
	routes  []*queue      // scratch of route
}

func newState() *state {
	return &state{owners: make(map[string]*owner), exchanges: make(map[string]*exchange), queues: make(map[uint64]*queue), loading: true}
}

// apply makes the facts of the record seq true. assignNumbers was called for them.
func (s *state) apply(seq uint64, bytes int, facts []fact) {
	s.records.add(seq, bytes)
	s.applied = seq
	for i := range facts {
		s.applyOne(seq, i, &facts[i])
	}
}

func (s *state) applyOne(seq uint64, index int, f *fact) {
	switch f.kind {
	case factPut, factMove:
		s.store(seq, index, f)
		return
	case factQueue:
		s.makeQueue(seq, f)
		return
	case factOwner:
		s.declare(seq, f)
		return
	case factShed:
		s.shed(f)
		return
	case factDropped, factParkedDropped:
		s.setDropped(seq, f)
		return
	case factGone:
		s.endEngine(f.text)
		return
	}
	q := s.queue(f.queue)
	if q == nil {
		return // it was dropped
	}
	switch f.kind {
	case factAck:
		s.remove(q, f.numbers)
	case factTried:
		q.setTries(f.numbers, f.queues)
	case factPark:
		q.park(f)
	case factUnpark:
		s.unpark(q, f.numbers)
	case factBind:
		s.bind(q, f.text, binding{seq, true})
	case factRoute:
		s.bind(q, f.text, binding{seq, false})
	case factLimits:
		s.limit(q, seq, f)
	case factUnbind:
		s.unbind(q, f.text)
	case factDrop:
		s.drop(q)
	case factPurge:
		s.purge(q, f)
	default:
		s.applyToMember(seq, q, f)
		return
	}
	s.count(q)
}

func (s *state) applyToMember(seq uint64, q *queue, f *fact) {
	m := q.members[f.consumer]
	if m == nil && (s.loading || f.kind == factJoin) {
		m = &member{id: f.consumer, held: make(map[uint64]struct{})}
		if f.kind == factLease {
			m.engine = f.text // its joining was cleaned away
		}
		q.members[m.id] = m
	}
	switch {
	case m == nil:
	case f.kind == factJoin:
		s.join(m, seq, f)
	case f.kind == factLease:
		q.lease(m, f.numbers)
	case f.kind == factReturn:
		q.putBack(m, f.numbers)
	case f.kind == factLeave:
		s.leave(q, m)
	}
}

func (s *state) join(m *member, seq uint64, f *fact) {
	s.records.removeLive(m.joined, overhead)
	m.name, m.engine, m.joined, m.order = f.owner, f.text, seq, f.number
	s.records.addLive(seq, overhead)
}

func (s *state) leave(q *queue, m *member) {
	s.records.removeLive(m.joined, overhead)
	q.leave(m)
}

// lease leases messages to m. While the log is loaded, another member may still
// hold such a message, as the record of its return was cleaned away.
func (q *queue) lease(m *member, numbers []uint64) {
	for _, n := range numbers {
		if it, ok := q.release(n); ok {
			q.hold(it, m)
		} else if it, ok := q.ready.remove(n); ok {
			q.hold(it, m)
		}
	}
}

// queue returns the queue with this id, or nil when it was dropped.
func (s *state) queue(id uint64) *queue {
	q := s.queues[id]
	if q == nil && s.loading {
		q = newQueue(id)
		s.queues[id] = q
	}
	return q
}

func (s *state) store(seq uint64, index int, f *fact) {
	s.records.noteTime(seq, seconds(f.message.Time))
	s.newest = max(s.newest, seconds(f.message.Time))
	it := item{number: f.number, seq: seq, size: uint32(f.message.Size()), index: uint16(index)}
	stored := int64(0)
	for _, id := range f.queues {
		q := s.queue(id)
		if q == nil {
			continue // it was dropped
		}
		stored++
		q.note(&it, f.message)
		if f.kind == factPut && !s.loading {
			q.came++
			q.add(it, q.ready.insert)
		} else {
			s.storeAgain(q, it)
		}
		s.count(q)
	}
	s.records.addLive(seq, stored*it.weight())
}

// storeAgain stores a message that q may have already.
func (s *state) storeAgain(q *queue, it item) {
	put := func(it item) { q.ready.insertAll(it) }
	if s.loading {
		put = q.ready.insertLate
	}
	if was, known := q.relocate(it, put); known {
		s.records.removeLive(was, it.weight())
	}
}

// limit replaces the limits of q: the last ones in the log hold.
func (s *state) limit(q *queue, seq uint64, f *fact) {
	s.records.removeLive(q.limited, overhead)
	q.limited = seq
	s.records.addLive(seq, overhead)
	q.limits = platform.QueueLimits{
		MaxMessages: int(int64(f.numbers[0])), MaxBytes: int64(f.numbers[1]), Overflow: platform.Overflow(f.text),
	}
	if len(f.numbers) > 2 {
		q.limits.MaxAttempts = int(int64(f.numbers[2]))
	}
}

// shed removes what made room for other messages.
func (s *state) shed(f *fact) {
	for i, id := range f.queues {
		if q := s.queue(id); q != nil {
			s.remove(q, f.numbers[i:i+1])
			s.count(q)
			q.came-- // it is in dropped
		}
	}
}

// lossWeight is the weight of a queue's count of what it dropped.
const lossWeight = 16

// setDropped notes how many messages queues have dropped ever, or how many parked ones.
// The last number in the log holds, so it does not matter which of the earlier ones were
// cleaned away.
func (s *state) setDropped(seq uint64, f *fact) {
	for i, id := range f.queues {
		q := s.queue(id)
		if q == nil {
			continue
		}
		dropped, lost := &q.dropped, &q.lost
		if f.kind == factParkedDropped {
			dropped, lost = &q.lot().dropped, &q.lot().lost
		}
		s.records.removeLive(*lost, lossWeight)
		*dropped, *lost = f.numbers[i], seq
		s.records.addLive(seq, lossWeight)
	}
}

func (s *state) remove(q *queue, numbers []uint64) {
	for _, n := range numbers {
		if it, ok := q.remove(n); ok {
			s.records.removeLive(it.seq, it.weight())
		}
	}
}

func (s *state) makeQueue(seq uint64, f *fact) {
	q := s.queues[f.number]
	if q == nil {
		q = newQueue(f.number)
		s.queues[q.id] = q
	}
	s.records.removeLive(q.made, overhead)
	q.made = seq
	s.records.addLive(seq, overhead)
	if q.owner == nil {
		s.assignOwner(q, f.owner, f.text)
	}
}

// owner returns the owner with this name. A new one is the zero [platform.Owner].
func (s *state) owner(name string) *owner {
	o := s.owners[name]
	if o == nil {
		o = &owner{name: name, topics: make(map[string]*queue), exchange: s.exchange("")}
		o.exchange.owners++
		s.owners[name] = o
	}
	return o
}

// declare replaces what an owner is. Its last declaration in the log holds: cleaning
// carries no other one.
func (s *state) declare(seq uint64, f *fact) {
	o := s.owner(f.owner)
	s.records.removeLive(o.declared, overhead)
	o.declared = seq
	s.records.addLive(seq, overhead)
	if !o.listen.Equal(f.listen) {
		s.listen(o, f.listen)
	}
	if was := o.exchange; was.name != f.text {
		o.move(s.exchange(f.text))
		s.removeUnused(was)
	}
}

func (s *state) removeUnused(x *exchange) {
	if x.owners == 0 {
		delete(s.exchanges, x.name)
	}
}

func (s *state) assignOwner(q *queue, name, topic string) {
	o := s.owner(name)
	q.owner, q.topic = o, topic
	o.used = o.used.Plus(q.counted)
	o.topics[topic] = q
	for pattern, b := range q.patterns {
		o.bind(pattern, q, b.own)
	}
	q.ownerKnown()
}

// A binding is that of a queue to a pattern.
type binding struct {
	seq uint64 // the number of the record that bound it
	own bool   // only for what its own owner publishes
}

// bind replaces a binding to the same pattern: its last one in the log holds.
func (s *state) bind(q *queue, pattern string, b binding) {
	was, known := q.patterns[pattern]
	if known {
		s.records.removeLive(was.seq, overhead)
	}
	if q.owner != nil && !(known && was.own == b.own) {
		if known {
			q.owner.unbind(pattern, q, was.own)
		}
		q.owner.bind(pattern, q, b.own)
	}
	q.patterns[pattern] = b
	s.records.addLive(b.seq, overhead)
}

// unbind finds no pattern when the record that bound it was cleaned away. A
// binding that cleaning has carried is always found: it was still bound then, so
// its new record is before this one.
func (s *state) unbind(q *queue, pattern string) {
	was, known := q.patterns[pattern]
	if !known {
		return
	}
	s.records.removeLive(was.seq, overhead)
	delete(q.patterns, pattern)
	if q.owner != nil {
		q.owner.unbind(pattern, q, was.own)
	}
}

func (s *state) drop(q *queue) {
	s.empty(q)
	for _, h := range q.held {
		s.records.removeLive(h.item.seq, h.item.weight())
	}
	s.emptyLot(q)
	q.held, q.tried, q.bytes = nil, nil, 0
	s.count(q)
	for _, m := range q.members {
		s.records.removeLive(m.joined, overhead)
	}
	for _, b := range q.patterns {
		s.records.removeLive(b.seq, overhead)
	}
	s.records.removeLive(q.limited, overhead)
	s.records.removeLive(q.lost, lossWeight)
	s.records.removeLive(q.made, overhead)
	if q.owner != nil {
		s.removeFromOwner(q)
	}
	delete(s.queues, q.id)
}

// removeFromOwner removes a queue from its owner, and an owner without queues from
// the state.
func (s *state) removeFromOwner(q *queue) {
	q.owner.remove(q)
	s.removeEmpty(q.owner)
}

// removeEmpty removes an owner without queues. While the log is loaded that would be
// too early: its other queues may come later, and the owner must not lose its
// declaration. An owner that was forgotten and made anew then has the new one, which
// is in the record that makes its queues.
func (s *state) removeEmpty(o *owner) {
	if s.loading || len(o.topics) > 0 || s.owners[o.name] != o {
		return
	}
	s.records.removeLive(o.declared, overhead)
	delete(s.owners, o.name)
	s.listen(o, nil)
	o.exchange.owners--
	s.removeUnused(o.exchange)
}

// empty removes what is ready.
func (s *state) empty(q *queue) {
	for q.ready.len() > 0 {
		it := q.ready.pop()
		q.gone(it)
		s.records.removeLive(it.seq, it.weight())
	}
	q.ready = ring{}
}

// purge removes what was ready when the fact was written; the fact's numbers were
// held then. What was leased since then is removed too, as an engine that reads the
// log again cannot know of the lease.
func (s *state) purge(q *queue, f *fact) {
	keep := make(map[uint64]bool, len(f.numbers))
	for _, n := range f.numbers {
		keep[n] = true
	}
	var kept []item
	for q.ready.len() > 0 {
		it := q.ready.pop()
		if keep[it.number] || it.number > f.number {
			kept = append(kept, it)
			continue
		}
		q.gone(it)
		s.records.removeLive(it.seq, it.weight())
	}
	q.ready = ring{}
	q.ready.insertAll(kept...)
	var leased []uint64
	for n := range q.held {
		if n <= f.number && !keep[n] {
			leased = append(leased, n)
		}
	}
	s.remove(q, leased)
}

func (s *state) endEngine(engine string) {
	for _, q := range s.queues {
		for _, m := range q.members {
			if m.engine == engine {
				s.leave(q, m)
			}
		}
	}
}

// loaded ends the loading. A queue or member for which no fact has come that makes
// it was dropped or has left, and an owner without queues was forgotten. An engine that
// has its log to itself has no members yet.
func (s *state) loaded(alone bool) {
	s.loading = false
	for _, q := range s.queues {
		if q.owner == nil {
			s.drop(q)
			continue
		}
		q.parked.sort()
		q.came, q.before = 0, q.dropped
		for _, m := range q.members {
			if alone || m.engine == "" {
				s.leave(q, m)
			}
		}
	}
	for _, o := range s.owners {
		s.removeEmpty(o)
	}
}
