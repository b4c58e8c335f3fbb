package notify

import (
	"context"
	"time"

	"github.com/shopex/prism-go/internal/socket"
)

// reading says who reads a stream.
type reading int

const (
	byRead   reading = iota // the goroutine for it
	byNobody                // so the next lone caller may
	byCaller
)

// read reads as long as the connection lasts, but while lone callers read.
func (s *stream) read() error {
	for {
		err := s.conn.ReadControl(context.Background(), s.standsAside)
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

// standsAside tells whether the next to publish is likely to be alone, and if so
// has him read his pong himself: woken by the network and not by another
// goroutine, he goes on in half the time.
func (s *stream) standsAside() bool {
	p := s.p
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.queue.n > 0 || p.ghost > 0 || p.company != 1 || !p.awaited || !s.conn.Interruptible() {
		return false
	}
	s.reading = byNobody
	return true
}

// standBy waits until the goroutine is needed, or nobody was alone for a while.
func (s *stream) standBy() {
	timer := time.NewTimer(aside)
	defer timer.Stop()
	done := s.conn.Done()
	for {
		select {
		case <-s.recall:
		case <-timer.C:
			timer.Reset(aside)
		case <-done:
			done = nil // a caller who reads is about to leave
		}
		if s.goesOn() {
			return
		}
	}
}

// aside is how long the goroutine stays away, and what the platform sends may lie,
// when nobody publishes. To come back after each message would cost as much as
// what is saved.
const aside = 10 * time.Millisecond

// goesOn makes the goroutine the one that reads, unless a caller does.
func (s *stream) goesOn() bool {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.reading == byCaller {
		return false
	}
	s.reading, s.p.awaited = byRead, false // until another was alone
	return true
}

// hear reads, unless somebody does, until it is settled. Its caller does that for
// himself, and for who comes meanwhile.
func (s *stream) hear(ctx context.Context, it *item) {
	if !s.takesTurn() {
		return
	}
	err := s.conn.ReadControl(ctx, func() bool { return len(it.result) > 0 })
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.reading = byNobody
	if err != nil || s.p.queue.n > 0 || s.p.ghost > 0 {
		s.needReader()
	}
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
	s.reading = byRead
	select {
	case s.recall <- struct{}{}:
	default: // it is on its way, for the last time we needed it
	}
}
