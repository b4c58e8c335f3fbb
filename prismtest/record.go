package prismtest

import (
	"sync"
	"time"

	"github.com/shopex/prism-go/platform"
)

// A Call is a call that the platform has answered or refused.
type Call struct {
	platform.Call
	platform.Outcome
}

// A Connection is a connection of the message channel.
type Connection struct {
	platform.Conn
	Live   bool
	Reason string // why it ended
}

// A recorder keeps what the platform did, in order.
type recorder struct {
	mu      sync.Mutex    // guards what follows
	changed chan struct{} // not nil if a goroutine waits; closed at the next change
	busy    int           // requests being served

	calls      []Call
	conns      []*Connection
	live       map[uint64]*Connection // by ID; also those that forget has removed from conns
	published  []platform.PublishEvent
	rejected   []platform.PublishEvent
	deliveries []platform.DeliverEvent
	acks       []platform.DeliverEvent
	strayAcks  []platform.AckEvent
	fails      []platform.FailEvent
	parks      []platform.ParkEvent
	pushes     []platform.PushEvent
	open       map[delivered]platform.DeliverEvent // not acknowledged
}

// delivered names a delivery.
type delivered struct{ conn, tag uint64 }

func newRecorder() *recorder {
	return &recorder{live: make(map[uint64]*Connection), open: make(map[delivered]platform.DeliverEvent)}
}

// update changes the record and wakes all goroutines that wait for a change.
func (r *recorder) update(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// next returns a channel that is closed at the next change.
func (r *recorder) next() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	return r.changed
}

// await calls done after each change, and reports whether it returned true in time.
func (r *recorder) await(patience time.Duration, done func() bool) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		changed := r.next() // before asking, so that no change is missed
		if done() {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			return done()
		}
	}
}

func (r *recorder) enter() { r.update(func() { r.busy++ }) }
func (r *recorder) leave() { r.update(func() { r.busy-- }) }

func (r *recorder) serving() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.busy
}

// alive counts the live connections whose ID is at most last.
func (r *recorder) alive(last uint64) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for id := range r.live {
		if id <= last {
			n++
		}
	}
	return n
}

// newest returns the highest ID of the live connections.
func (r *recorder) newest() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	var last uint64
	for id := range r.live {
		last = max(last, id)
	}
	return last
}

func (r *recorder) called(c platform.Call, o platform.Outcome) {
	r.update(func() { r.calls = append(r.calls, Call{c, o}) })
}

func (r *recorder) connected(c platform.Conn) {
	r.update(func() {
		conn := &Connection{Conn: c, Live: true}
		r.conns = append(r.conns, conn)
		r.live[c.ID] = conn
	})
}

func (r *recorder) disconnected(c platform.Conn, reason string) {
	r.update(func() {
		if conn := r.live[c.ID]; conn != nil {
			conn.Live, conn.Reason = false, reason
			delete(r.live, c.ID)
		}
		for d := range r.open {
			if d.conn == c.ID {
				delete(r.open, d)
			}
		}
	})
}

func (r *recorder) stored(e platform.PublishEvent) {
	r.update(func() {
		if e.Err != nil {
			r.rejected = append(r.rejected, e)
		} else {
			r.published = append(r.published, e)
		}
	})
}

func (r *recorder) delivering(e platform.DeliverEvent) {
	r.update(func() {
		r.deliveries = append(r.deliveries, e)
		r.open[delivered{e.Conn, e.Tag}] = e
	})
}

func (r *recorder) acked(e platform.AckEvent) {
	r.update(func() {
		d, known := r.open[delivered{e.Conn, e.Tag}]
		if e.Stray || !known {
			r.strayAcks = append(r.strayAcks, e)
			return
		}
		delete(r.open, delivered{e.Conn, e.Tag})
		r.acks = append(r.acks, d)
	})
}

// failed takes what is not stray out of the open deliveries: if it comes again, it does so
// as another one.
func (r *recorder) failed(e platform.FailEvent) {
	r.update(func() {
		delete(r.open, delivered{e.Conn, e.Tag})
		r.fails = append(r.fails, e)
	})
}

func (r *recorder) parked(e platform.ParkEvent) {
	r.update(func() { r.parks = append(r.parks, e) })
}

func (r *recorder) pushed(e platform.PushEvent) {
	r.update(func() { r.pushes = append(r.pushes, e) })
}

// forget empties the record; live connections go on.
func (r *recorder) forget() {
	r.update(func() {
		r.calls, r.conns = nil, nil
		r.published, r.rejected = nil, nil
		r.deliveries, r.acks, r.strayAcks = nil, nil, nil
		r.fails, r.parks, r.pushes = nil, nil, nil
	})
}
