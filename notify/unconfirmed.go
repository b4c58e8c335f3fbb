package notify

import (
	"context"
	"slices"
)

// item is one message from publishing to confirmation. Publisher.mu guards it.
type item struct {
	frame      []byte
	done       func(error)
	result     chan error // instead of done: somebody waits
	prev, next *item

	order   uint64 // its place among all that were published
	seq     uint64 // its place among the frames of this connection
	sent    bool   // over any connection
	suspect bool   // sent over a connection that a refusal ended
	settled bool   // its outcome is known, or nobody wants to know it
}

// list is the items in the order in which they were published.
type list struct {
	first, last *item
	n           int
}

func (l *list) push(it *item) {
	it.prev = l.last
	if l.last == nil {
		l.first = it
	} else {
		l.last.next = it
	}
	l.last = it
	l.n++
}

func (l *list) remove(it *item) {
	if it.prev == nil {
		l.first = it.next
	} else {
		it.prev.next = it.next
	}
	if it.next == nil {
		l.last = it.prev
	} else {
		it.next.prev = it.prev
	}
	l.n--
}

// push adds it to the queue. The caller holds mu, and sees to it that it will be
// sent.
func (p *Publisher) push(it *item) {
	p.pushed++
	it.order = p.pushed
	p.queue.push(it)
	p.bytes += len(it.frame)
	if p.unsent == nil {
		p.unsent = it
	}
	if !p.started {
		p.started = true
		go p.run()
	}
}

// remove takes it out of the queue. The caller holds mu, and announces.
func (p *Publisher) remove(it *item) {
	if p.unsent == it {
		p.unsent = it.next
	}
	p.queue.remove(it)
	p.bytes -= len(it.frame)
}

// given reports whether the present connection was given it. The caller holds mu.
func (p *Publisher) given(it *item) bool {
	return it.sent && (p.unsent == nil || it.order < p.unsent.order)
}

// rouse tells the connection that there is something to do.
func (p *Publisher) rouse() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// announce wakes those in awaitChange. The caller holds mu.
func (p *Publisher) announce() {
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// awaitChange waits, without mu, until the queue has shrunk. The caller holds
// mu before and after.
func (p *Publisher) awaitChange(ctx context.Context) error {
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	changed := p.changed
	p.mu.Unlock()
	defer p.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settle tells the outcome of items that were marked as settled and takes them
// out of the queue. No lock is held while users are told, and only then Flush
// goes on. A done function that panics takes those behind it along, and nothing
// else.
func (p *Publisher) settle(items []*item, err error) {
	if len(items) == 0 {
		return
	}
	untold := slices.ContainsFunc(items, func(it *item) bool { return it.result == nil && it.done == nil })
	defer p.settled(items, err, untold)
	for _, it := range items {
		if it.done != nil {
			it.done(err)
		}
	}
}

func (p *Publisher) settled(items []*item, err error, untold bool) {
	p.mu.Lock()
	for _, it := range items {
		p.remove(it)
	}
	if untold && err != nil && p.failed == nil {
		p.failed = err
	}
	p.announce()
	p.mu.Unlock()
	for _, it := range items {
		if it.result != nil {
			it.result <- err // its caller may use it again
		} else if err == nil {
			p.recycle(it)
		}
	}
}

// confirm settles what the peer has read: the frames up to seq of this
// connection.
func (p *Publisher) confirm(seq uint64) {
	p.mu.Lock()
	read := p.read[:0]
	for it := p.queue.first; it != p.unsent && it.seq <= seq; it = it.next {
		it.settled = true
		read = append(read, it)
	}
	if seq >= p.ghost {
		p.ghost = 0
	}
	if len(read) > 0 {
		p.full, p.lost = nil, nil
		p.company, p.awaited = len(read), read[len(read)-1].result != nil
	}
	p.mu.Unlock()
	p.stats.confirmed.Add(int64(len(read)))
	p.settle(read, nil)
	clear(read)
	p.read = read
}

// fail settles what was sent and, if unsent, also what was not.
func (p *Publisher) fail(err error, unsent bool) {
	p.mu.Lock()
	var sent, rest []*item
	for it := p.queue.first; it != nil; it = it.next {
		switch {
		case it.settled:
		case it.sent:
			it.settled = true
			sent = append(sent, it)
		case unsent:
			it.settled = true
			rest = append(rest, it)
		}
	}
	p.mu.Unlock()
	p.stats.failed.Add(int64(len(sent) + len(rest)))
	p.settle(sent, unknown(err))
	p.settle(rest, err)
}
