package notify

import (
	"context"
	"time"
)

// run makes connections as long as there is something to send.
func (p *Publisher) run() {
	var r recovery
	for p.demand() {
		end := p.connect()
		if p.ctx.Err() != nil {
			return
		}
		elapse(r.after(p, end), p.ctx.Done())
	}
}

// demand waits for a message, and is false when the publisher closes.
func (p *Publisher) demand() bool {
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
	conn.pause() // nobody reads while the user is told
	p.link.onConnect()
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
	return ending{
		err:      err,
		answered: conn.answered(),
		useful:   time.Since(began) > usefulAfter || p.stats.confirmed.Load() > confirmed,
	}
}

// rewind has everything unconfirmed sent over the new connection.
func (p *Publisher) rewind() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.resent.Add(int64(p.ledger.rewind()))
	if !isQueueFull(p.trouble) {
		p.trouble = nil
	}
	p.signal()
}

const batchSize = 64 // frames between two pings, and between two looks at the ledger

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
		p.trouble = nil
	}
	p.mu.Unlock()
	p.stats.confirmed.Add(int64(len(read)))
	p.tell(read, nil)
	clear(read)
	p.ended = read
}

// fail completes what was sent and, if all, also what was not. There is no
// connection meanwhile.
func (p *Publisher) fail(err error, all bool) {
	p.failFirst(unknown(err), func(e *entry) bool { return e.sent })
	if all {
		p.failFirst(err, func(*entry) bool { return true })
	}
}

// failFirst completes the first entries as long as they are such.
func (p *Publisher) failFirst(err error, such func(*entry) bool) {
	p.mu.Lock()
	ended := p.ledger.finish(nil, such)
	p.mu.Unlock()
	p.stats.failed.Add(int64(len(ended)))
	p.tell(ended, err)
}

// tell tells the outcome of complete entries and removes them. No lock is held while
// users are told, and only then Flush goes on. A done function that ends the
// goroutine takes those behind it along, and nothing else.
func (p *Publisher) tell(entries []*entry, err error) {
	defer p.told(entries, err)
	for _, e := range entries {
		if e.done != nil {
			e.done(err)
		}
	}
}

func (p *Publisher) told(entries []*entry, err error) {
	p.mu.Lock()
	for _, e := range entries {
		p.ledger.remove(e)
		if err != nil && !e.waits && e.done == nil && p.failed == nil {
			p.failed = err
		}
	}
	p.announce()
	p.signal() // what has waited for a confirmation, as what is behind a suspect does
	p.mu.Unlock()
	for _, e := range entries {
		if e.waits {
			e.result <- err // the caller may use it again
		} else if err == nil {
			p.recycle(e)
		}
	}
}
