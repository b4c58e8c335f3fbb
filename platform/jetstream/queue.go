package jetstream

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/shopex/prism-go/platform"
)

// A queue is the state of one queue. The engine's mu guards it.
type queue struct {
	id       uint64
	owner    *owner // nil while the log is loaded and the queue's own fact has not come yet
	topic    string
	made     uint64 // the number of the record that made it
	patterns map[string]binding
	routed   uint64 // the last message that was routed to it
	members  map[uint64]*member
	held     map[uint64]holding
	ready    ring
	bytes    int64             // of the messages that are ready or held
	parked   *parkingLot       // nil until a message was parked
	tried    map[uint64]uint16 // how often, of the messages that were; nil if none was

	limits  platform.QueueLimits // as they were set
	limited uint64               // the number of the record that set them; 0 if none did
	dropped uint64               // messages, ever
	came    uint64               // messages since the log was loaded, without those that count as dropped then; may wrap below 0
	before  uint64               // dropped when the log was loaded
	lost    uint64               // the number of the record that says so; 0 if none does
	warned  time.Time            // when OnDrop was called last
	told    time.Time            // when the function of NotifyDrops was

	// While the queue's own fact has not come, it is not known which messages are of
	// another key. These are their publishers.
	early []string

	counted platform.Usage // what the sums of its owner and of the state have of it

	drafting drafting // what the present draft would do; see draft
}

// A member is a consumer of a queue, of this engine or another.
type member struct {
	id     uint64
	name   string // that Consume got, as Peek shows it; empty while the record of its joining is not known
	engine string
	joined uint64 // the number of the record of its joining; 0 if that is not in the log
	order  uint64 // of those of which only the first may lease; 0 if it is none of them
	failed uint64 // the number of the last draft in which it failed something
	held   map[uint64]struct{}
}

type holding struct {
	item   item
	member *member
	since  time.Time // when this engine learned of it
}

// joining returns the fact that m is a member of q.
func (m *member) joining(q *queue) fact {
	return fact{kind: factJoin, number: m.order, queue: q.id, consumer: m.id, owner: m.name, text: m.engine}
}

// reads reports whether the member is a call of Read, which Status does not count.
func (m *member) reads() bool { return m.id&1 == 1 }

func newQueue(id uint64) *queue {
	return &queue{
		id: id, patterns: make(map[string]binding),
		members: make(map[uint64]*member), held: make(map[uint64]holding),
	}
}

// note notes the publisher of it, which is the message m of q.
func (q *queue) note(it *item, m *platform.Message) {
	publisher := m.ClientID
	if isEvent(m) {
		it.marks |= event | foreign
		return
	}
	if q.owner != nil {
		it.foreign(q.isForeign(publisher))
		return
	}
	i := slices.Index(q.early, publisher)
	if i < 0 {
		if i = len(q.early); i == mostEarly {
			return
		}
		q.early = append(q.early, publisher)
	}
	it.from = uint8(i + 1)
}

// mostEarly bounds queue.early. The messages of further publishers count as those of
// another key.
const mostEarly = math.MaxUint8

// isForeign reports whether a message of this publisher is of another key.
func (q *queue) isForeign(publisher string) bool {
	return publisher != q.owner.name && publisher != ""
}

// ownerKnown counts which of the messages are of another key.
func (q *queue) ownerKnown() {
	if len(q.early) == 0 {
		return
	}
	known := func(it *item) {
		it.foreign(it.from == 0 || q.isForeign(q.early[it.from-1]))
		it.from = 0
	}
	q.ready.foreign = 0
	for it := range q.ready.all() {
		if known(it); it.is(foreign) {
			q.ready.foreign++
		}
	}
	for n, h := range q.held {
		known(&h.item)
		q.held[n] = h
	}
	for _, p := range q.parked.all() {
		known(&p.item)
	}
	q.early = nil
}

// add puts a message into q that is not there.
func (q *queue) add(it item, put func(item)) {
	put(it)
	q.bytes += int64(it.size)
}

// gone undoes what add has counted, when the message has left q for good.
func (q *queue) gone(it item) {
	q.bytes -= int64(it.size)
	q.forgetTries(it.number)
}

// first returns up to n ready items behind the first skip, and does not remove them. It
// passes over those that the present draft sheds.
// Together they have at most so many bytes, except that the first may have more.
func (q *queue) first(skip, n, bytes int) []item {
	q.ready.mergeLate()
	items := make([]item, 0, max(0, min(n, q.ready.free()-skip)))
	for i := 0; len(items) < cap(items); i++ {
		it := q.ready.at(i)
		switch {
		case it.marks&(dead|shed) != 0:
			continue
		case skip > 0:
			skip--
			continue
		}
		if bytes -= int(it.size); bytes < 0 && len(items) > 0 {
			break
		}
		items = append(items, *it)
	}
	return items
}

func (q *queue) hold(it item, m *member) {
	q.held[it.number] = holding{it, m, time.Now()}
	m.held[it.number] = struct{}{}
}

// release takes a message from the member that holds it.
func (q *queue) release(number uint64) (item, bool) {
	h, ok := q.held[number]
	if !ok {
		return item{}, false
	}
	delete(q.held, number)
	delete(h.member.held, number)
	q.shrink()
	return h.item, true
}

// shrink replaces an empty held by a new map, as a map does not give memory back.
func (q *queue) shrink() {
	if len(q.held) == 0 && len(q.members) == 0 {
		q.held = make(map[uint64]holding)
	}
}

// putBack makes messages of m ready again.
func (q *queue) putBack(m *member, numbers []uint64) {
	items := make([]item, 0, len(numbers))
	for _, n := range numbers {
		if h, ok := q.held[n]; ok && h.member == m {
			it, _ := q.release(n)
			items = append(items, it)
		}
	}
	slices.SortFunc(items, func(a, b item) int { return cmp.Compare(a.number, b.number) })
	q.ready.insertAll(items...)
}

// leave removes a member; what it held is ready again.
func (q *queue) leave(m *member) {
	q.putBack(m, m.numbers())
	delete(q.members, m.id)
	q.shrink()
}

func (m *member) numbers() []uint64 {
	numbers := make([]uint64, 0, len(m.held))
	for n := range m.held {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers
}

// take takes a message out of those that are ready or held.
func (q *queue) take(number uint64) (item, bool) {
	it, ok := q.release(number)
	if !ok {
		it, ok = q.ready.remove(number)
	}
	if ok {
		q.bytes -= int64(it.size)
	}
	return it, ok
}

// remove removes a message from the queue, whether it is ready, held or parked.
func (q *queue) remove(number uint64) (item, bool) {
	it, ok := q.take(number)
	if !ok {
		it, ok = q.parked.remove(number)
	}
	if ok {
		q.forgetTries(number)
	}
	return it, ok
}

// locate returns the item of a message, whether it is ready, held or parked.
func (q *queue) locate(number uint64) (item, bool) {
	if h, ok := q.held[number]; ok {
		return h.item, true
	}
	if it := q.ready.find(number); it != nil {
		return *it, true
	}
	if p := q.parked.find(number); p != nil {
		return p.item, true
	}
	return item{}, false
}

// relocate notes in which record a message is now, and returns the number of the
// record in which it was. It calls put for a message that the queue does not know.
func (q *queue) relocate(it item, put func(item)) (was uint64, known bool) {
	if h, ok := q.held[it.number]; ok {
		was = h.item.seq
		it.marks = h.item.marks
		h.item = it
		q.held[it.number] = h
		return was, true
	}
	if found := q.ready.find(it.number); found != nil {
		it.marks = found.marks
		was, *found = found.seq, it
		return was, true
	}
	if p := q.parked.find(it.number); p != nil {
		it.marks = p.item.marks
		was, p.item = p.item.seq, it
		return was, true
	}
	q.add(it, put)
	return 0, false
}

// published returns how many messages have come since the log was loaded. Those that were
// dropped at once are only in dropped, so all that were dropped are counted there.
func (q *queue) published() uint64 { return q.came + q.dropped - q.before }

func (q *queue) status() platform.QueueStatus {
	s := platform.QueueStatus{Dropped: q.dropped, Ready: q.ready.len(), Unacknowledged: len(q.held), Bytes: q.bytes}
	if q.parked != nil {
		s.Parked, s.ParkedBytes, s.ParkedDropped = len(q.parked.places), q.parked.bytes, q.parked.dropped
	}
	for _, m := range q.members {
		if !m.reads() {
			s.Consumers++
		}
	}
	return s
}
