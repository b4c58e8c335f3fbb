package notify

import (
	"context"
	"time"

	"github.com/shopex/prism-go/internal/socket"
)

// reading says who reads a stream.
type reading int

const (
	byGoroutine reading = iota
	byNobody            // so the next lone caller may
	byCaller
)

// read reads as long as the connection lasts, but while lone callers read.
func (s *stream) read() error {
	for {
		err := s.conn.ReadControl(context.Background(), s.maySpare)
		if err == nil {
			s.standBy()
			continue
		}
		if err == socket.ErrMessage {
			_, _, err = s.conn.Read(context.Background())
			s.conn.heard.Add(1) // a publisher awaits no messages, and minds none
		}
		if err != nil {
			return s.conn.reason(err)
		}
	}
}

// maySpare reports whether the goroutine may leave the reading to the next who
// publishes, as he is likely to be alone: woken by the network and not by another
// goroutine, he goes on in half the time.
func (s *stream) maySpare() bool {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	return s.dispensable()
}

// dispensable is maySpare for who holds mu.
func (s *stream) dispensable() bool {
	p := s.p
	return p.queue.n == 0 && p.ghost == 0 && p.company == 1 && p.awaited &&
		!p.cfg.FailUnconfirmed && // what is written behind an unread close frame would not be sent again
		s.conn.Interruptible()
}

// standBy steps aside, if that still may be, and waits until the goroutine is
// needed, or a while has passed.
func (s *stream) standBy() {
	if !s.stepsAside() {
		return
	}
	timer := time.NewTimer(min(aside, s.p.link.pongTimeout/2))
	defer timer.Stop()
	done := s.conn.Done()
	for {
		select {
		case <-s.recall:
		case <-timer.C:
		case <-done:
			done = nil
		}
		if s.goesOn() {
			return
		}
	}
}

func (s *stream) stepsAside() bool {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if !s.dispensable() {
		return false
	}
	select {
	case <-s.recall: // is of the last time
	default:
	}
	s.reading = byNobody
	return true
}

// aside is how long the goroutine stays away, and what the platform sends may lie,
// a close frame too: a message that is written behind it is sent again. To come
// back after each message would cost as much as what is saved.
const aside = 10 * time.Millisecond

// goesOn makes the goroutine the one that reads. If a caller does, he will recall
// it.
func (s *stream) goesOn() bool {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.reading == byCaller {
		s.missed = true
		return false
	}
	s.reading, s.missed, s.p.awaited = byGoroutine, false, false // until another was alone
	return true
}

// hear reads, unless somebody does, until it is settled. Its caller does that for
// himself, and for who comes meanwhile.
func (s *stream) hear(ctx context.Context, it *item) {
	if !s.takesTurn() {
		return
	}
	heard := false
	defer func() { // also when a done function panics, which the caller may survive
		s.p.mu.Lock()
		defer s.p.mu.Unlock()
		s.reading = byNobody
		if !heard || s.missed || s.p.queue.n > 0 || s.p.ghost > 0 {
			s.needReader()
		}
	}()
	heard = s.conn.ReadControl(ctx, func() bool { return len(it.result) > 0 }) == nil
}

func (s *stream) takesTurn() bool {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.reading != byNobody {
		return false
	}
	s.reading = byCaller
	return true
}

// needReader has the goroutine read if nobody does. The caller holds mu.
func (s *stream) needReader() {
	if s.reading != byNobody {
		return
	}
	s.reading = byGoroutine
	select {
	case s.recall <- struct{}{}:
	default: // it is on its way, for the last time we needed it
	}
}
