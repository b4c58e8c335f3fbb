package load

import (
	"context"
	"sync"
)

// slots know each message that is under way, and so which deliveries are
// duplicates and which messages are lost, in memory that does not grow: a
// message has a slot until it was both confirmed and consumed. The IDs of the
// messages of one slot are its number, and then always the number of slots
// more.
type slots struct {
	all  []slot
	free chan int
}

type slot struct {
	mu   sync.Mutex // guards what follows
	id   uint64     // of the message that has the slot, or had it last
	sent int64
	by   *latency // takes the time to the confirmation
	confirmed,
	consumed bool

	done func(error) // settles whatever message has the slot
}

// newSlots makes n slots, none of them free: the IDs below n are those of
// first messages, which are sent before the load.
func newSlots(n int, settle func(i int, err error)) *slots {
	s := &slots{all: make([]slot, n), free: make(chan int, n)}
	for i := range s.all {
		s.all[i].id = uint64(i)
		s.all[i].done = func(err error) { settle(i, err) }
	}
	return s
}

// first reports whether an ID is that of a first message.
func (s *slots) first(id uint64) bool { return id < uint64(len(s.all)) }

// open makes all slots free.
func (s *slots) open() {
	for i := range s.all {
		s.free <- i
	}
}

// take waits for a free slot.
func (s *slots) take(ctx context.Context) (i int, ok bool) {
	select {
	case i = <-s.free:
		return i, true
	case <-ctx.Done():
		return 0, false
	}
}

// takeAll waits until no message is under way. It is for the end: the slots
// stay taken.
func (s *slots) takeAll(ctx context.Context) bool {
	for range s.all {
		if _, ok := s.take(ctx); !ok {
			return false
		}
	}
	return true
}

// begin gives a slot to a new message and returns its ID.
func (s *slots) begin(i int, sent int64, by *latency) uint64 {
	m := &s.all[i]
	m.mu.Lock()
	defer m.mu.Unlock()
	m.id += uint64(len(s.all))
	m.sent, m.by, m.confirmed, m.consumed = sent, by, false, false
	return m.id
}

// confirm notes that the platform has the message, and returns when the message was
// sent and the latency that this counts for.
func (s *slots) confirm(i int) (sent int64, by *latency) {
	m := &s.all[i]
	m.mu.Lock()
	defer m.mu.Unlock()
	m.confirmed = true
	if m.consumed {
		s.free <- i
	}
	return m.sent, m.by
}

// cancel frees the slot of a message that the platform surely does not have.
func (s *slots) cancel(i int) {
	m := &s.all[i]
	m.mu.Lock()
	defer m.mu.Unlock()
	m.confirmed, m.consumed = false, true
	s.free <- i
}

// consume notes a delivery, and reports whether it is the first of its message.
func (s *slots) consume(id uint64) bool {
	i := int(id % uint64(len(s.all)))
	m := &s.all[i]
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.id != id || m.consumed {
		return false
	}
	m.consumed = true
	if m.confirmed {
		s.free <- i
	}
	return true
}

// missing counts the messages that were confirmed and not consumed.
func (s *slots) missing() (n int) {
	for i := range s.all {
		m := &s.all[i]
		m.mu.Lock()
		if m.confirmed && !m.consumed {
			n++
		}
		m.mu.Unlock()
	}
	return n
}
