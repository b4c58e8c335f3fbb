package notify

import (
	"context"
	"time"
)

// run makes connections as long as there is something to send.
func (p *Publisher) run() {
	var r recovery
	for p.awaitMessage() {
		end := p.connect()
		if p.ctx.Err() != nil {
			return
		}
		wait := r.after(p, end)
		p.link.trace.reconnect(end.err, wait)
		elapse(wait, p.ctx.Done())
	}
}

// awaitMessage waits for a message. It returns false when the publisher closes.
func (p *Publisher) awaitMessage() bool {
	for p.idle() {
		select {
		case <-p.more:
		case <-p.ctx.Done():
			return false
		}
	}
	return p.ctx.Err() == nil
}

func (p *Publisher) idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ledger.n == 0
}

// connect publishes over one connection, from dialling to hanging up. Nothing that
// it started is running when it returns.
func (p *Publisher) connect() ending {
	conn, err := p.link.connect(p.ctx, hooks{onPong: p.confirm})
	if err != nil {
		return ending{err: err}
	}
	p.stats.connects.Add(1)
	p.stats.connected.Store(true)
	conn.pause() // no goroutine reads while OnConnect runs
	p.link.onConnect()
	p.link.trace.connected()
	conn.resume()
	began, confirmed := time.Now(), p.stats.confirmed.Load()
	p.rewind()
	s := &stream{conn: conn, more: p.more, next: p.next}
	err = s.run(p.ctx, func() context.Context { return p.parting })
	conn.answer(err)
	conn.hangUp()
	p.stats.connected.Store(false)
	p.link.log.Info("disconnected", "error", err)
	p.link.onDisconnect(err)
	p.link.trace.disconnected(err)
	return ending{
		err:      err,
		answered: conn.answered(),
		useful:   time.Since(began) > usefulAfter || p.stats.confirmed.Load() > confirmed,
	}
}

// rewind makes everything that is not confirmed be sent over the new connection.
func (p *Publisher) rewind() {
	p.mu.Lock()
	again := p.ledger.rewind()
	if !isQueueFull(p.lastErr) {
		p.lastErr = nil
	}
	p.signal()
	p.mu.Unlock()
	p.stats.resent.Add(int64(again))
	p.link.trace.resend(again)
}

const batchSize = 64 // frames for each ping, and for each call of next

func (p *Publisher) next(frames [][]byte) ([][]byte, uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ledger.next(frames, batchSize)
}

// confirm completes what the platform has read, up to number. The goroutine that
// reads calls it.
func (p *Publisher) confirm(number uint64) {
	p.mu.Lock()
	read := p.ledger.confirm(p.ended[:0], number)
	if len(read) > 0 {
		p.lastErr = nil
	}
	p.mu.Unlock()
	p.stats.confirmed.Add(int64(len(read)))
	p.report(read, nil)
	clear(read)
	p.ended = read
}

// fail completes the messages that were sent and, if all, also the others. It is called
// while there is no connection.
func (p *Publisher) fail(err error, all bool) {
	p.failFirst(unknown(err), func(e *entry) bool { return e.sent })
	if all {
		p.failFirst(err, func(*entry) bool { return true })
	}
}

// failFirst completes the first entries, up to the first that does not match.
func (p *Publisher) failFirst(err error, match func(*entry) bool) {
	p.mu.Lock()
	ended := p.ledger.finish(nil, match)
	p.mu.Unlock()
	p.stats.failed.Add(int64(len(ended)))
	p.report(ended, err)
}

// report calls the done functions of complete entries, without a lock, and then removes
// the entries, so that Flush returns after the functions. If a done function ends the
// goroutine, the functions behind it are not called, but the entries are removed.
func (p *Publisher) report(entries []*entry, err error) {
	defer p.removeReported(entries, err)
	for _, e := range entries {
		if e.done != nil {
			e.done(err)
		}
		if e.traced != nil {
			e.traced(err)
		}
	}
}

func (p *Publisher) removeReported(entries []*entry, err error) {
	p.mu.Lock()
	for _, e := range entries {
		p.ledger.remove(e)
		if err != nil && !e.waits && e.done == nil && p.failed == nil {
			p.failed = err
		}
	}
	p.notifyChange()
	p.signal() // for entries behind a suspect, which wait for its confirmation
	p.mu.Unlock()
	for _, e := range entries {
		if e.waits {
			e.result <- err // the caller may use it again
		} else if err == nil {
			p.recycle(e)
		}
	}
}
