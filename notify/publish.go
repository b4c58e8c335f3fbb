package notify

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/shopex/prism-go/internal/socket"
)

// run makes connections as long as there is something to send.
func (p *Publisher) run() {
	defer close(p.gone)
	var r recovery
	for p.demand() {
		healthy, err := p.stream()
		if p.ctx.Err() != nil {
			return
		}
		sleep(p.ctx, r.after(p, healthy, err))
	}
}

// demand waits for a message, and is false when the publisher closes.
func (p *Publisher) demand() bool {
	for {
		p.mu.Lock()
		idle := p.queue.n == 0
		p.mu.Unlock()
		if !idle {
			return p.ctx.Err() == nil
		}
		select {
		case <-p.wake:
		case <-p.ctx.Done():
			return false
		}
	}
}

// stream is a publisher's life with one connection.
type stream struct {
	p      *Publisher
	conn   *connection
	last   uint64   // seq of the last frame that the connection was given
	frames [][]byte // reused
	asked  uint64   // seq that the ping on its way will confirm, 0 if none is; Publisher.mu guards it
}

// stream publishes over one connection, from dialling to hanging up. Nothing
// that it started is running when it returns.
func (p *Publisher) stream() (healthy bool, err error) {
	s := &stream{p: p}
	s.conn, err = p.link.connect(p.ctx, s.pong)
	if err != nil {
		return false, err
	}
	p.stats.connects.Add(1)
	p.stats.connected.Store(true)
	p.link.onConnect()
	p.again()
	readEnd := make(chan error, 1)
	go func() { readEnd <- s.read() }()
	err = s.send(readEnd)
	s.conn.hangUp()
	p.stats.connected.Store(false)
	p.link.log.Info("disconnected", "error", err)
	p.link.onDisconnect(err)
	return s.conn.answered(), err
}

// again has everything unconfirmed sent over the new connection.
func (p *Publisher) again() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for it := p.queue.first; it != nil && it.sent; it = it.next {
		p.stats.resent.Add(1)
	}
	p.unsent = p.queue.first
	p.rouse()
}

func (s *stream) read() error {
	for {
		if _, _, err := s.conn.Read(context.Background()); err != nil {
			return s.conn.reason(err)
		}
		s.conn.heard.Add(1) // a publisher awaits no messages, and minds none
	}
}

// send gives the connection what is to be sent until one of them ends.
func (s *stream) send(readEnd <-chan error) error {
	for {
		select {
		case <-s.p.wake:
			if s.forward() != nil && s.p.ctx.Err() == nil {
				return <-readEnd // which knows better why: it may still find a close frame
			}
		case err := <-readEnd:
			return err
		case <-s.p.ctx.Done():
			s.conn.goodbye()
			<-readEnd
			return nil
		}
	}
}

// forward writes what the queue holds, and a ping behind it.
func (s *stream) forward() error {
	for {
		s.take()
		for _, frame := range s.frames {
			if err := s.conn.Write(s.p.ctx, socket.Binary, frame); err != nil {
				return err
			}
		}
		if err := s.ask(); err != nil {
			return err
		}
		if len(s.frames) == 0 {
			return nil
		}
	}
}

const batchSize = 64 // frames between two pings, and between two looks at the queue

// take moves a batch of the queue to frames. Suspects go one at a time, each
// with a ping of its own.
func (s *stream) take() {
	p := s.p
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(s.frames)
	s.frames = s.frames[:0]
	if first := p.queue.first; first != nil && first.suspect {
		if p.unsent == first {
			s.frames = append(s.frames, s.mark(first))
		}
		return
	}
	for p.unsent != nil && len(s.frames) < batchSize {
		s.frames = append(s.frames, s.mark(p.unsent))
	}
}

func (s *stream) mark(it *item) []byte {
	s.last++
	it.seq, it.sent = s.last, true
	s.p.unsent = it.next
	return it.frame
}

// ask sends a ping whose pong confirms all frames so far, unless one is on its
// way: those who wait meanwhile share the next.
func (s *stream) ask() error {
	p := s.p
	p.mu.Lock()
	if s.asked != 0 || p.queue.first == p.unsent {
		p.mu.Unlock()
		return nil
	}
	s.asked = s.last
	p.mu.Unlock()
	// The watch repeats the number with its own pings, for a peer needs to
	// answer only the last ping that it got.
	s.conn.barrier.Store(s.last)
	return s.conn.Ping(p.ctx, binary.BigEndian.AppendUint64(nil, s.last))
}

// pong is called by the goroutine that reads.
func (s *stream) pong(payload []byte) {
	if len(payload) != 8 {
		return
	}
	seq := binary.BigEndian.Uint64(payload)
	s.p.confirm(seq)
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if seq >= s.asked {
		s.asked = 0
	}
	if s.p.queue.n > 0 {
		s.p.rouse()
	}
}

// recovery decides what becomes of the unconfirmed when a connection has ended.
type recovery struct {
	failures int // to connect, in a row
	full     int // connections in a row that ended with a full queue
}

const lastFull = 10 * time.Second // between two looks at a full queue

// after returns how long to wait before the next connection.
func (r *recovery) after(p *Publisher, healthy bool, err error) time.Duration {
	if healthy {
		r.failures = 0
	}
	var closed *socket.CloseError
	if errors.As(err, &closed) {
		switch closed.Code {
		case socket.TryAgainLater:
			return r.queueFull(p, closed)
		case socket.ProtocolFault, socket.UnsupportedData, socket.InvalidPayload, socket.PolicyViolation, socket.MessageTooBig:
			if p.refused(closed) {
				return 0 // one is settled, or will be alone next time: this does not go round for ever
			}
		}
	}
	p.mu.Lock()
	p.full, p.lost = nil, err
	p.mu.Unlock()
	if !curable(err) {
		p.link.fail(slog.LevelError, "cannot publish", err)
		p.fail(err, true)
		return 0
	}
	p.link.fail(slog.LevelWarn, "not connected", err)
	if p.cfg.FailUnconfirmed {
		p.fail(err, false)
	}
	if r.failures++; p.link.retry.Times > 0 && r.failures > p.link.retry.Times {
		p.fail(fmt.Errorf("%w (%d times): %w", ErrRetriesExhausted, r.failures, err), true)
		r.failures = 0
		return 0
	}
	return p.link.retry.delay(r.failures)
}

// queueFull sends one at a time from now on, so that what has room is
// confirmed and does not come twice with every try.
func (r *recovery) queueFull(p *Publisher, closed *socket.CloseError) time.Duration {
	p.link.fail(slog.LevelWarn, "a queue of the platform is full", closed)
	p.mu.Lock()
	if p.full == nil {
		r.full = 0
	}
	p.full = closed
	several := p.suspectSent() > 1
	p.mu.Unlock()
	if several && p.cfg.FailUnconfirmed {
		p.fail(closed, false)
	}
	r.full++
	return min(p.link.retry.delay(r.full), lastFull)
}

// refused finds the message that the platform did not take: there is no nack,
// so all that were sent are suspects, and the one that ends a connection alone
// is it. It tells whether there was any.
func (p *Publisher) refused(closed *socket.CloseError) bool {
	p.link.fail(slog.LevelWarn, "the platform refused a message", closed)
	p.mu.Lock()
	first := p.queue.first
	again := first != nil && first.suspect
	sent := p.suspectSent()
	found := sent == 1 && (again || p.cfg.FailUnconfirmed)
	if found {
		first.settled = true
	}
	p.mu.Unlock()
	switch {
	case found:
		p.stats.failed.Add(1)
		p.settle([]*item{first}, &RefusedError{Code: int(closed.Code), Reason: closed.Reason})
	case p.cfg.FailUnconfirmed:
		p.fail(closed, false)
	}
	return sent > 0
}

// suspectSent marks what this connection was given and counts it. The caller
// holds mu.
func (p *Publisher) suspectSent() (n int) {
	for it := p.queue.first; it != p.unsent; it = it.next {
		it.suspect = true
		n++
	}
	return n
}

// unknown is the error of a message that was sent, when err came before its
// confirmation.
func unknown(err error) error { return fmt.Errorf("%w: %w", ErrOutcomeUnknown, err) }
