package notify

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/internal/wire"
)

// Delivery is one message, on its way from the platform to a handler. The handler may
// keep it. Small deliveries share memory with a few others that came with them, so copy
// what you need of one that you keep for long.
type Delivery struct {
	Tag uint64 // counts the deliveries of one connection
	// ID names the message: it is the same in all queues that the message went to and
	// whenever it comes again, and no other message has it. So a handler that must not
	// do things twice can remember it. What was published twice, as a [Publisher] may,
	// or put aside by Forward, has another ID each time. Platforms other than this
	// project's give none.
	ID string
	// Attempt says which attempt at the message this is, from 1: the platform counts those
	// that failed in this queue. It is 0 from platforms other than this project's.
	Attempt     int
	Key         string    // routing key; empty if it was written straight to the queue
	ContentType string    // content type
	Time        time.Time // of publishing, by the platform's clock, in seconds; zero if unknown
	App         string    // the publisher's app
	ClientID    string    // the publisher's key
	Body        []byte

	session  *session
	size     int // bytes of the body and all texts
	acked    atomic.Bool
	returned atomic.Bool // the platform is or will be told that it failed
	stale    atomic.Bool // counted as such
	released bool        // its place in the window; the pool's mu guards it
}

func newDelivery(d *wire.Delivery) *Delivery {
	n := new(Delivery)
	n.set(d)
	return n
}

func (n *Delivery) set(d *wire.Delivery) {
	n.Tag, n.ID, n.Attempt, n.Key, n.ContentType = d.Tag, d.ID, d.Attempt, d.Key, d.Type
	n.App, n.ClientID, n.Body = d.App, d.ClientID, d.Body
	n.size = len(d.Body) + len(d.ID) + len(d.Key) + len(d.Type) + len(d.App) + len(d.ClientID)
	if d.Time != 0 {
		n.Time = time.Unix(d.Time, 0)
	}
}

// A tray holds deliveries that were allocated together, which makes consuming faster. A
// user that keeps one keeps the memory of all, so a tray has few, and none with a large
// body.
type tray []Delivery

const (
	traySize  = 8
	traysBody = 512
)

func (t *tray) next(d *wire.Delivery) *Delivery {
	if len(d.Body) > traysBody {
		return newDelivery(d)
	}
	if len(*t) == 0 {
		*t = make(tray, traySize)
	}
	n := &(*t)[0]
	*t = (*t)[1:]
	n.set(d)
	return n
}

// Ack acknowledges the delivery, so that it does not come again; a second call
// does nothing. It returns when the acknowledgement is queued on the connection
// that brought the delivery. It waits, for as long as ctx lasts, only while the platform
// does not read what was queued before. If that connection has ended, or the delivery was
// given up, it returns [ErrStaleDelivery] and writes nothing. If the connection ends before the platform has read the acknowledgement, the
// message comes again.
//
// Consumers without ManualAck acknowledge by themselves.
func (d *Delivery) Ack(ctx context.Context) error {
	if d.session == nil || d.returned.Load() {
		return ErrStaleDelivery
	}
	if !d.acked.CompareAndSwap(false, true) {
		return nil
	}
	err := d.session.ack(ctx, d)
	d.session.link.trace.acked(d, err)
	return err
}

func (s *session) ack(ctx context.Context, d *Delivery) error {
	var buf [24]byte
	err := s.conn.Write(ctx, socket.Binary, wire.AppendAck(buf[:0], d.Tag))
	if err == nil {
		s.stats.acked.Add(1)
		if s.pool.manual {
			s.release(d) // otherwise finish does
		}
		return nil
	}
	d.acked.Store(false)
	if ctx.Err() != nil && s.conn.alive() {
		return err
	}
	if d.stale.CompareAndSwap(false, true) {
		s.stats.stale.Add(1)
	}
	return ErrStaleDelivery
}
