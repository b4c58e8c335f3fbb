package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/internal/wire"
)

// session is the consuming over one connection.
type session struct {
	cfg   *ConsumerConfig
	link  *lifecycle
	stats *consumerCounters
	pool  *pool
	conn  *connection

	consumed bool // the platform has taken the command; of the reader, as what follows

	// What was read and not yet given to the workers; it belongs to the reader.
	fresh      []*Delivery
	freshBytes int

	// The pool's mu guards these.
	hasRoom   *sync.Cond // the window has shrunk, or draining began
	held      int        // deliveries in the window
	heldBytes int
	running   int // handlers
	draining  bool
	stranded  int       // given-up deliveries, and frames that were none, for which only a renewal helps
	failures  []failure // by the time when they are due

	drained   chan struct{} // closed when draining begins: no further handler starts
	quiet     chan struct{} // closed when moreover no handler runs
	stranding chan struct{} // signals awaitEnd that stranded has grown
	failing   chan struct{} // signals awaitEnd that there is another failure
	readEnd   chan struct{} // closed when reading has ended, after readErr was set
	readErr   error
}

// serve is one session from dialling to hanging up. Nothing that it started
// is running when it returns, except handlers.
func (c *Consumer) serve(ctx context.Context, p *pool, renewals int) ending {
	s := &session{
		cfg: &c.cfg, link: &c.link, stats: &c.stats, pool: p, hasRoom: sync.NewCond(&p.mu),
		drained: make(chan struct{}), quiet: make(chan struct{}),
		stranding: make(chan struct{}, 1), failing: make(chan struct{}, 1), readEnd: make(chan struct{}),
	}
	conn, err := c.link.connect(ctx, hooks{
		existing: p.consumed,
		onPong:   func(barrier uint64) { s.consumed = s.consumed || barrier == consumeSent },
		onWait:   func() error { s.admit(); return nil },
	})
	if err != nil {
		return ending{err: err}
	}
	s.conn = conn
	command, err := wire.AppendConsume(nil, c.cfg.Topic)
	if err == nil {
		err = conn.Write(ctx, socket.Binary, command)
	}
	if err != nil {
		conn.hangUp()
		return ending{err: err}
	}
	conn.barrier.Store(consumeSent)
	conn.PingBehind()
	c.stats.connects.Add(1)
	c.stats.connected.Store(true)
	conn.pause() // no goroutine reads while OnConnect runs
	c.link.onConnect()
	c.link.trace.connected()
	conn.resume()
	began, acked := time.Now(), c.stats.acked.Load()
	go s.read()
	end := s.awaitEnd(ctx, renewals)
	s.drain()
	conn.answer(end.err)
	conn.hangUp()
	<-s.readEnd
	p.consumed = p.consumed || s.consumed
	p.discard()
	c.stats.connected.Store(false)
	c.link.log.Info("disconnected", "error", end.err)
	c.link.onDisconnect(end.err)
	c.link.trace.disconnected(end.err)
	end.answered = conn.answered()
	end.useful = time.Since(began) > usefulAfter || c.stats.acked.Load() > acked
	return end
}

// consumeSent is the barrier of pings that leave behind the consume command: their
// pong proves that the queue is there.
const consumeSent = 1

// awaitEnd waits for whatever ends the session.
func (s *session) awaitEnd(ctx context.Context, renewals int) ending {
	began := time.Now()
	var wait time.Duration
	var renewal, due <-chan time.Time
	for {
		select {
		case <-s.conn.Done():
			s.drain()
			<-s.readEnd
			return s.lost()
		case <-s.readEnd:
			return s.lost()
		case <-ctx.Done():
			s.drain()
			_ = s.pool.stop()
			s.goodbye()
			return ending{}
		case <-s.failing:
			due = s.nextDue()
		case <-due:
			s.report(ctx, time.Now())
			due = s.nextDue()
		case <-s.stranding:
			if renewal == nil {
				if time.Since(began) > lastBackoff {
					renewals = 0
				}
				renewals++
				wait = backoff(renewals, firstBackoff, lastBackoff)
				renewal = time.After(wait)
			}
			if s.crowded() {
				return s.renew(ctx, ending{renewals: renewals, wait: wait})
			}
		case <-renewal:
			return s.renew(ctx, ending{renewals: renewals})
		}
	}
}

func (s *session) lost() ending {
	err := s.conn.reason(s.readErr)
	var fault *socket.ProtocolError
	var closed *socket.CloseError
	switch {
	case errors.As(err, &closed) && closed.Code == socket.QueueGone:
		err = fmt.Errorf("%w: %w", ErrQueueDropped, err)
	case errors.As(err, &fault) && fault.Code == socket.MessageTooBig:
		err = fmt.Errorf("notify: a delivery is larger than ConsumerConfig.MaxDelivery, raise that: %w", err)
	}
	return ending{err: err}
}

// renew lets running handlers finish, so that what they did is acknowledged,
// and shakes hands: then the platform delivers the rest again.
func (s *session) renew(ctx context.Context, end ending) ending {
	s.drain()
	select {
	case <-s.quiet:
	case <-s.readEnd:
		return s.lost()
	case <-ctx.Done():
		_ = s.pool.stop()
	}
	s.goodbye()
	s.stats.renewals.Add(1)
	end.renewed = true
	return end
}

// goodbye tells the platform of what has failed, and closes the connection.
func (s *session) goodbye() {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	s.report(ctx, time.Now().Add(lastBackoff))
	s.conn.goodbye(ctx)
}

// crowded reports whether stranded deliveries fill half of a window, ours or that of the
// platform, which has 256 unless it is configured otherwise.
func (s *session) crowded() bool {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	return s.stranded >= max(1, min(s.cfg.Window, 256)/2)
}

// read gives the workers what it has read before it waits for more.
func (s *session) read() {
	defer close(s.readEnd)
	var dec wire.Decoder
	var d wire.Delivery
	var tray tray
	for {
		_, frame, err := s.conn.Read(context.Background())
		if err != nil {
			s.readErr = err
			return
		}
		s.conn.heard.Add(1)
		err = dec.Decode(frame, &d)
		if err != nil {
			s.stats.undecodable.Add(1)
			s.link.fail(slog.LevelWarn, "a frame is no delivery and stays unacknowledged", err)
			s.countUndecodable()
			continue
		}
		s.consumed = true
		n := tray.next(&d)
		n.session = s
		s.fresh = append(s.fresh, n)
		s.freshBytes += n.size
		if len(s.fresh) >= min(handOver, s.cfg.Window) || s.freshBytes >= handOverBytes {
			s.admit()
		}
	}
}

// This bounds the deliveries that are handed over at once. One by one, each would need
// the lock and wake a worker; with more, the workers would wait longer for the first.
const (
	handOver      = 64
	handOverBytes = 64 << 10
)

// admit hands fresh deliveries to the workers as soon as the window has room. A delivery
// that is larger than the whole window is admitted alone.
func (s *session) admit() {
	if len(s.fresh) == 0 {
		return
	}
	s.stats.received.Add(int64(len(s.fresh)))
	s.link.trace.received(s.fresh)
	p := s.pool
	p.mu.Lock()
	for _, d := range s.fresh {
		for s.full(d.size) && !s.draining {
			p.ready.Signal()
			s.conn.pause()
			s.hasRoom.Wait()
			s.conn.resume()
		}
		if s.draining {
			break
		}
		s.held++
		s.heldBytes += d.size
		p.work.push(d)
	}
	p.ready.Signal() // a worker that takes one wakes the next worker
	p.mu.Unlock()
	clear(s.fresh)
	s.fresh, s.freshBytes = s.fresh[:0], 0
}

func (s *session) full(n int) bool {
	return s.held > 0 && (s.held >= s.cfg.Window || s.heldBytes+n > s.cfg.WindowBytes)
}

// release removes d from the window.
func (s *session) release(d *Delivery) {
	s.pool.mu.Lock()
	s.releaseLocked(d)
	s.pool.mu.Unlock()
}

// releaseLocked is release for a caller that holds the pool's mu.
func (s *session) releaseLocked(d *Delivery) {
	if d.released {
		return
	}
	d.released = true
	s.held--
	s.heldBytes -= d.size
	s.wakeReader()
}

// wakeReader is called when the window or the backlog has shrunk. While the backlog has
// half a window it does not wake the reader, which would otherwise run for each place.
// The caller holds the pool's mu.
func (s *session) wakeReader() {
	if s.held < s.cfg.Window && s.pool.work.n <= s.cfg.Window/2 {
		s.hasRoom.Signal()
	}
}

// drain keeps further handlers from starting. The platform will deliver those deliveries
// again.
func (s *session) drain() {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	if s.draining {
		return
	}
	s.draining = true
	close(s.drained)
	if s.running == 0 {
		close(s.quiet)
	}
	s.hasRoom.Broadcast()
}

// mayHandle reports whether a worker may handle a delivery of this session, and counts
// the handler. The caller holds the pool's mu.
func (s *session) mayHandle() bool {
	if s.draining {
		return false
	}
	s.running++
	return true
}

// finish is called when the handler of d has returned; kept means that d stays in the
// window until it is acknowledged. The caller holds the pool's mu.
func (s *session) finish(d *Delivery, kept bool) {
	if !kept {
		s.releaseLocked(d)
	}
	s.running--
	if s.draining && s.running == 0 {
		close(s.quiet)
	}
}

// giveBack sees to it that a given-up delivery comes again after a while, unless the user
// has acknowledged it before failing. A platform that counts no attempts delivers again
// what is not acknowledged when the session has ended.
func (s *session) giveBack(d *Delivery, err error) {
	switch {
	case d.acked.Load():
	case d.Attempt > 0:
		d.returned.Store(true)
		s.addFailure(d, err)
	default:
		s.pool.mu.Lock()
		s.stranded++
		s.pool.mu.Unlock()
		signal(s.stranding)
	}
}

// signal sends a value to a channel that has room for one, unless it has one.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// countUndecodable counts a frame that is not a delivery. It may hold a place in the
// platform's window for the rest of the session, since its tag is unknown. Only many such
// frames cause a renewal: one may be a greeting.
func (s *session) countUndecodable() {
	s.pool.mu.Lock()
	s.stranded++
	s.pool.mu.Unlock()
	if s.crowded() {
		signal(s.stranding)
	}
}
