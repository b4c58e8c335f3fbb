package jetstream

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/shopex/prism-go/platform"
)

// A consumer is a member of a queue that belongs to this engine. An engine
// that is alone keeps its leases in memory: they end with it. Others write
// them down, so that no two engines hand out the same message.
type consumer struct {
	engine *Engine
	queue  uint64
	id     uint64

	wake  chan struct{} // receives a value when the queue may have something
	ended bool          // guarded by the lock of the engine
	rival func()        // likewise; if any, is told when a consumer of another engine joins
}

var _ platform.SharedConsumer = (*consumer)(nil)

func (c *consumer) OnRival(f func()) {
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	c.rival = f
}

// joined tells the consumers of a queue that are here of one that is not. A Read
// is over before it could be in anybody's way. The caller holds mu.
func (e *Engine) joined(f *fact) {
	q := e.state.queues[f.queue]
	if q == nil || f.text == e.name || f.consumer&1 == 1 {
		return
	}
	for _, m := range q.members {
		if m.engine != e.name {
			continue
		}
		for c := range e.local {
			if c.queue == f.queue && c.rival != nil {
				c.rival()
			}
		}
		return
	}
}

// member returns what the queue knows of c, or nil when c holds nothing.
func (c *consumer) member() *member {
	if q := c.engine.state.queues[c.queue]; q != nil {
		return q.members[c.id]
	}
	return nil
}

// present returns the queue of c, or why c can fetch nothing any more.
func (c *consumer) present() (*queue, error) {
	if c.ended {
		return nil, platform.ErrConsumerClosed
	}
	if q := c.engine.state.queues[c.queue]; q != nil {
		return q, nil
	}
	return nil, fmt.Errorf("%w: it was dropped", platform.ErrUnknownTopic)
}

func (c *consumer) newMember() *member {
	return &member{id: c.id, engine: c.engine.name, held: make(map[uint64]struct{})}
}

// join makes c known to the queue.
func (c *consumer) join(ctx context.Context) error {
	if c.engine.alone {
		c.engine.mu.Lock()
		defer c.engine.mu.Unlock()
		q, err := c.present()
		if err == nil {
			q.members[c.id] = c.newMember()
		}
		return err
	}
	return c.engine.do(ctx, func(d *draft) error {
		q, err := c.present()
		if err == nil {
			d.emit(q.owner, fact{kind: factJoin, queue: q.id, consumer: c.id, text: c.engine.name})
		}
		return err
	}, func() { _ = c.Close() })
}

func (c *consumer) Fetch(ctx context.Context, max, maxBytes int) ([]platform.Lease, error) {
	if max < 1 {
		return nil, fmt.Errorf("jetstream: Fetch of %d messages: ask for at least one", max)
	}
	for {
		if err := ctx.Err(); err != nil {
			c.passOn() // c may have been woken
			return nil, err
		}
		ready, err := c.await()
		if err != nil {
			return nil, err
		}
		if !ready {
			if err := c.wait(ctx); err != nil {
				return nil, err
			}
			continue
		}
		leases, err := c.fetch(ctx, max, maxBytes)
		if len(leases) > 0 || err != nil {
			return leases, err
		}
	}
}

// await reports whether the queue has something, or puts c among those who
// wait.
func (c *consumer) await() (ready bool, err error) {
	e := c.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	q, err := c.present()
	if err != nil || q.ready.len() > 0 {
		return err == nil, err
	}
	select {
	case <-c.wake: // for something that is gone
	default:
	}
	e.waiting[c.queue] = append(e.waiting[c.queue], c)
	return false, nil
}

func (c *consumer) wait(ctx context.Context) error {
	select {
	case <-c.wake:
		return nil
	case <-ctx.Done():
	case <-c.engine.ctx.Done():
		return errClosed
	}
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	if !c.engine.stopWaiting(c) {
		c.engine.wake(c.queue) // c was woken for something that another can take
	}
	return ctx.Err()
}

// fetch leases what is there.
func (c *consumer) fetch(ctx context.Context, max, maxBytes int) ([]platform.Lease, error) {
	items, err := c.lease(ctx, max, maxBytes)
	if err != nil || len(items) == 0 {
		c.passOn()
		return nil, err
	}
	held, facts, err := c.engine.messages(ctx, c.queue, items)
	if err != nil {
		c.returnLater(numbersOf(items))
		return nil, err
	}
	var leases []platform.Lease
	var old []uint64
	for i, it := range held {
		if c.engine.old(facts[i].message) {
			old = append(old, it.number)
			continue
		}
		leases = append(leases, platform.Lease{ID: it.number, Message: facts[i].message})
	}
	c.passOn()
	if err := c.expel(ctx, old, leases); err != nil {
		return nil, err
	}
	return leases, nil
}

// expel removes what c took and is too old. If that fails, everything that c
// took goes back.
func (c *consumer) expel(ctx context.Context, old []uint64, leases []platform.Lease) error {
	err := c.Ack(ctx, old...)
	if err == nil {
		c.engine.expired.Add(int64(len(old)))
	} else {
		for _, l := range leases {
			old = append(old, l.ID)
		}
		c.returnLater(old)
	}
	return err
}

// passOn wakes others for what c has left.
func (c *consumer) passOn() {
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	c.engine.wake(c.queue)
}

// lease makes c hold up to n ready messages, of no more than so many bytes but for
// the first; there may be none.
func (c *consumer) lease(ctx context.Context, n, bytes int) ([]item, error) {
	if c.engine.alone {
		return c.leaseHere(n, bytes)
	}
	var items []item // belongs to the clerk unless do returns nil
	err := c.engine.do(ctx, func(d *draft) error {
		q, err := c.present()
		if err != nil {
			return err
		}
		if q.owner.sealed == d.round {
			return errAgain
		}
		items = d.lease(q, c.newMember(), min(n, mostAtOnce), bytes)
		return nil
	}, func() { c.returnLater(numbersOf(items)) })
	if err != nil {
		return nil, err
	}
	return items, nil
}

func (c *consumer) leaseHere(n, bytes int) ([]item, error) {
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	q, err := c.present()
	if err != nil {
		return nil, err
	}
	m := q.members[c.id]
	if m == nil {
		m = c.newMember()
		q.members[c.id] = m
	}
	items := q.first(0, n, bytes)
	for _, it := range items {
		q.ready.take()
		q.hold(it, m)
	}
	return items, nil
}

func (c *consumer) Ack(ctx context.Context, ids ...uint64) error {
	return c.settle(ctx, factAck, ids)
}

func (c *consumer) Return(ctx context.Context, ids ...uint64) error {
	if !c.engine.alone {
		return c.settle(ctx, factReturn, ids)
	}
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	if m := c.member(); m != nil {
		c.engine.state.queues[c.queue].giveBack(m, ids)
		c.engine.wake(c.queue)
	}
	return nil
}

// returnLater is Return for ids that nobody else knows of.
func (c *consumer) returnLater(ids []uint64) {
	if c.engine.alone {
		_ = c.Return(c.engine.ctx, ids...)
		return
	}
	for some := range slices.Chunk(ids, mostAtOnce) {
		c.engine.spawn(func() { c.engine.insist(c.settling(factReturn, some)) })
	}
}

// mostAtOnce is how many messages one fact is about: it must fit into a record.
const mostAtOnce = 10_000

// settle stores facts of those ids that c holds.
func (c *consumer) settle(ctx context.Context, what kind, ids []uint64) error {
	for some := range slices.Chunk(ids, mostAtOnce) {
		if err := c.engine.do(ctx, c.settling(what, some), nil); err != nil {
			return err
		}
	}
	return nil
}

func (c *consumer) settling(what kind, ids []uint64) func(d *draft) error {
	return func(d *draft) error {
		m := c.member()
		if m == nil {
			return nil
		}
		q := d.state.queues[c.queue]
		if q.owner.sealed == d.round {
			return errAgain
		}
		mine := m.those(ids)
		if len(mine) == 0 {
			return nil
		}
		f := fact{kind: what, queue: q.id, consumer: c.id, numbers: mine}
		if err := d.fits(&f); err != nil {
			return err
		}
		d.emit(q.owner, f)
		return nil
	}
}

// those returns the ids that m holds.
func (m *member) those(ids []uint64) []uint64 {
	var mine []uint64
	for _, id := range ids {
		if _, ok := m.held[id]; ok {
			mine = append(mine, id)
		}
	}
	return mine
}

func (c *consumer) Close() error { return c.close(c.engine.ctx) }

// close ends c. When ctx ends first, other engines learn of it when they hear
// nothing of this one any more; when JetStream is not available, once it is.
func (c *consumer) close(ctx context.Context) error {
	e := c.engine
	if done := c.closeHere(); done || e.ctx.Err() != nil {
		return nil
	}
	err := e.do(ctx, c.leave, nil)
	if errors.Is(err, platform.ErrUnavailable) {
		e.spawn(func() { e.insist(c.leave) })
	}
	return err
}

func (c *consumer) leave(d *draft) error {
	if c.member() != nil {
		d.emit(d.state.queues[c.queue].owner, fact{kind: factLeave, queue: c.queue, consumer: c.id})
	}
	return nil
}

// closeHere ends c in this engine and reports whether that is all.
func (c *consumer) closeHere() bool {
	e := c.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.ended {
		return true
	}
	c.ended = true
	delete(e.local, c)
	if e.stopWaiting(c) {
		c.rouse()
	}
	if m := c.member(); m != nil && e.alone {
		e.state.leave(e.state.queues[c.queue], m)
	}
	e.wake(c.queue) // c may have been woken for something
	return e.alone
}

// rouse makes the Fetch of c look again.
func (c *consumer) rouse() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// stopWaiting takes c from those who wait, and reports whether it was there.
func (e *Engine) stopWaiting(c *consumer) bool {
	all := e.waiting[c.queue]
	i := slices.Index(all, c)
	if i < 0 {
		return false
	}
	e.keepWaiting(c.queue, slices.Delete(all, i, i+1))
	return true
}

func (e *Engine) keepWaiting(queue uint64, all []*consumer) {
	if len(all) == 0 {
		delete(e.waiting, queue)
		return
	}
	e.waiting[queue] = all
}

// wake wakes as many as there are messages, and all when the queue is gone.
func (e *Engine) wake(queue uint64) {
	all := e.waiting[queue]
	n := len(all)
	if n == 0 {
		return
	}
	if q := e.state.queues[queue]; q != nil {
		n = min(n, q.ready.len())
	}
	for _, c := range all[:n] {
		c.rouse()
	}
	e.keepWaiting(queue, slices.Delete(all, 0, n))
}

func (e *Engine) wakeAll() {
	for queue := range e.waiting {
		e.wake(queue)
	}
}
