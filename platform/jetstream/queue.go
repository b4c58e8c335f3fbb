package jetstream

import (
	"cmp"
	"slices"

	"github.com/shopex/prism-go/platform"
)

// A queue is guarded by the lock of the state.
type queue struct {
	id       uint64
	owner    *owner // nil while the log is loaded and the queue's own fact has not come yet
	topic    string
	made     uint64            // the record that says so
	patterns map[string]uint64 // and the record that says so
	members  map[uint64]*member
	held     map[uint64]holding
	ready    lane
	bytes    int64 // ready and held

	counted platform.Usage // of it, in those of the owner and of all

	drafted platform.Usage // what the present draft would add; see draft
}

// A member is a consumer of a queue, of this engine or another.
type member struct {
	id     uint64
	engine string
	joined uint64 // the record that says so; 0 where it is not written down
	held   map[uint64]struct{}
}

type holding struct {
	item   item
	member *member
}

// reads reports whether the member is a Read, which is no consumer.
func (m *member) reads() bool { return m.id&1 == 1 }

func newQueue(id uint64) *queue {
	return &queue{
		id: id, patterns: make(map[string]uint64),
		members: make(map[uint64]*member), held: make(map[uint64]holding),
	}
}

// room returns an error if m would exceed a limit.
func (q *queue) room(limits *Config, m *platform.Message) error {
	used := platform.Usage{Messages: int64(q.ready.len() + len(q.held)), Bytes: q.bytes}.Plus(q.drafted)
	return limits.CheckQueue(q.topic, used, q.status().Consumers > 0, m.Size())
}

// first returns up to n ready items behind the first skip, of no more than so many
// bytes but for one, without taking them.
func (q *queue) first(skip, n, bytes int) []item {
	q.ready.settle()
	items := make([]item, 0, max(0, min(n, q.ready.len()-skip)))
	for i := 0; len(items) < cap(items); i++ {
		it := q.ready.at(i)
		switch {
		case it.dead:
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
	q.held[it.number] = holding{it, m}
	m.held[it.number] = struct{}{}
}

// release takes a message from who holds it.
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

// shrink makes held anew when it is empty, as a map keeps its memory.
func (q *queue) shrink() {
	if len(q.held) == 0 && len(q.members) == 0 {
		q.held = make(map[uint64]holding)
	}
}

// giveBack makes messages of m ready again.
func (q *queue) giveBack(m *member, numbers []uint64) {
	items := make([]item, 0, len(numbers))
	for _, n := range numbers {
		if h, ok := q.held[n]; ok && h.member == m {
			it, _ := q.release(n)
			items = append(items, it)
		}
	}
	slices.SortFunc(items, func(a, b item) int { return cmp.Compare(a.number, b.number) })
	q.ready.put(items...)
}

// leave ends a member; what it held is ready.
func (q *queue) leave(m *member) {
	q.giveBack(m, m.numbers())
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

// remove takes a message from the queue, wherever it is there.
func (q *queue) remove(number uint64) (item, bool) {
	it, ok := q.release(number)
	if !ok {
		it, ok = q.ready.remove(number)
	}
	if ok {
		q.bytes -= int64(it.size)
	}
	return it, ok
}

// locate returns the item of a message that the queue has, to be changed by
// relocate.
func (q *queue) locate(number uint64) (item, bool) {
	if h, ok := q.held[number]; ok {
		return h.item, true
	}
	if it := q.ready.find(number); it != nil {
		return *it, true
	}
	return item{}, false
}

// relocate notes where the record of a message is now. It returns where it
// was, or put brings a new message to its place.
func (q *queue) relocate(it item, put func(item)) (was uint64, known bool) {
	if h, ok := q.held[it.number]; ok {
		was = h.item.seq
		q.held[it.number] = holding{it, h.member}
		return was, true
	}
	if found := q.ready.find(it.number); found != nil {
		was, *found = found.seq, it
		return was, true
	}
	put(it)
	q.bytes += int64(it.size)
	return 0, false
}

func (q *queue) status() platform.QueueStatus {
	s := platform.QueueStatus{Ready: q.ready.len(), Unacknowledged: len(q.held), Bytes: q.bytes}
	for _, m := range q.members {
		if !m.reads() {
			s.Consumers++
		}
	}
	return s
}
