package notify

import (
	"time"

	"github.com/shopex/prism-go/internal/socket"
)

// run makes connections as long as there is something to send.
func (p *Publisher) run() {
	defer close(p.gone)
	var r recovery
	for p.demand() {
		end := p.stream()
		if p.ctx.Err() != nil {
			return
		}
		elapse(r.after(p, end), p.ctx.Done())
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

	// Publisher.mu guards these.
	busy    bool // forward gives the connection frames, so nobody else may
	reading reading
	missed  bool          // the goroutine in read wanted to go on, and a caller read
	recall  chan struct{} // has the goroutine in read go on, if it stands aside
}

// stream publishes over one connection, from dialling to hanging up. Nothing
// that it started is running when it returns.
func (p *Publisher) stream() ending {
	s := &stream{p: p, recall: make(chan struct{}, 1)}
	var err error
	s.conn, err = p.link.connect(p.ctx, hooks{onPong: s.pong})
	if err != nil {
		return ending{err: err}
	}
	p.stats.connects.Add(1)
	p.stats.connected.Store(true)
	s.conn.pause() // nobody reads while the user is told
	p.link.onConnect()
	s.conn.resume()
	began, confirmed := time.Now(), p.stats.confirmed.Load()
	s.again()
	readEnd := make(chan error, 1)
	go func() { readEnd <- s.read() }()
	err = s.send(readEnd)
	s.leave()
	s.conn.answer(err)
	s.conn.hangUp()
	p.stats.connected.Store(false)
	p.link.log.Info("disconnected", "error", err)
	p.link.onDisconnect(err)
	return ending{
		err:      err,
		answered: s.conn.answered(),
		useful:   time.Since(began) > usefulAfter || p.stats.confirmed.Load() > confirmed,
	}
}

// again has everything unconfirmed sent over the new connection.
func (s *stream) again() {
	p := s.p
	p.mu.Lock()
	defer p.mu.Unlock()
	for it := p.queue.first; it != nil && it.sent; it = it.next {
		p.stats.resent.Add(1)
	}
	p.unsent, p.ghost, p.lost = p.queue.first, 0, nil
	p.current = s
	p.rouse()
}

// leave keeps callers from using the connection.
func (s *stream) leave() {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.p.current = nil
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
			s.conn.goodbye(s.p.parting)
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
		if s.written() {
			return nil
		}
	}
}

// written sees to the confirmation of what forward has written. If that was
// nothing, it lets callers use the connection, and tells so.
func (s *stream) written() (all bool) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.busy = len(s.frames) > 0
	if s.busy {
		s.ask()
		s.conn.Push(false)
	}
	return !s.busy
}

// direct gives the connection the only unsent item, it, with a ping behind it,
// from its caller's goroutine: without a switch to ours a lone message is
// confirmed 3 µs earlier, and with 64 callers each takes half the time. It tells
// whether there is something to push. The caller holds mu.
func (p *Publisher) direct(it *item) bool {
	s := p.current
	if s == nil || s.busy || p.unsent != it || p.queue.first.suspect || !s.conn.Offer(socket.Binary, it.frame) {
		return false
	}
	s.mark(it)
	s.ask()
	return true
}

const batchSize = 64 // frames between two pings, and between two looks at the queue

// take moves a batch of the queue to frames. Suspects go one at a time, each
// with a ping of its own.
func (s *stream) take() {
	p := s.p
	p.mu.Lock()
	defer p.mu.Unlock()
	s.busy = true
	clear(s.frames)
	s.frames = s.frames[:0]
	if first := p.queue.first; first != nil && first.suspect {
		if p.unsent == first && p.ghost == 0 {
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

// ask wants a ping behind what the connection was given, whose pong confirms all
// that leaves with it. The caller holds mu.
func (s *stream) ask() {
	s.conn.barrier.Store(s.last)
	s.conn.PingBehind()
}

// pong is called by whoever reads. The peer has read all frames up
// to seq.
func (s *stream) pong(seq uint64) {
	defer s.p.resume()
	s.p.confirm(seq)
}

// resume sends what has waited for a confirmation, as what is behind a suspect does.
func (p *Publisher) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unsent != nil {
		p.rouse()
	}
}
