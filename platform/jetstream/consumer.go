package jetstream

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/shopex/prism-go/platform"
)

// A consumer is a member of a queue that belongs to this engine. An engine that has
// its log to itself keeps leases in memory: they end with it. Engines that share a
// log write their leases into it, so that no two engines deliver the same message.
type consumer struct {
	engine *Engine
	queue  uint64
	id     uint64
	name   string // see member
	alone  bool   // it is of ConsumeAlone

	wake  chan struct{} // receives a value when the queue may have something
	ended bool          // guarded by the lock of the engine
	rival func()        // likewise; is called, if not nil, when a consumer of another engine joins
}

var _ platform.SharedConsumer = (*consumer)(nil)

func (c *consumer) OnRival(f func()) {
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	c.rival = f
}

// notifyRivals calls OnRival's functions of this engine's consumers when a consumer
// of another engine joins their queue. It ignores a Read, which is over before it
// could disturb a consumer. The caller holds mu.
func (e *Engine) notifyRivals(f *fact) {
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

// present returns the queue of c, or an error if c is closed or the queue was dropped.
func (c *consumer) present() (*queue, error) {
	if c.ended {
		return nil, platform.ErrConsumerClosed
	}
	if q := c.engine.state.queues[c.queue]; q != nil {
		return q, nil
	}
	return nil, fmt.Errorf("%w: it was dropped", platform.ErrUnknownTopic)
}

// newMember returns the member that c becomes. Those that consume alone are ordered by
// place.
func (c *consumer) newMember(place uint64) *member {
	m := &member{id: c.id, name: c.name, engine: c.engine.name, held: make(map[uint64]struct{})}
	if c.alone {
		m.order = place
	}
	return m
}

// joinHere makes c known to the queue in an engine that has its log to itself.
func (c *consumer) joinHere(q *queue) *member {
	c.engine.rounds++
	m := c.newMember(c.engine.rounds)
	q.members[c.id] = m
	return m
}

// join makes c known to the queue.
func (c *consumer) join(ctx context.Context) error {
	if c.engine.alone {
		c.engine.mu.Lock()
		defer c.engine.mu.Unlock()
		q, err := c.present()
		if err == nil {
			c.joinHere(q)
		}
		return err
	}
	return c.engine.do(ctx, func(d *draft) error {
		q, err := c.present()
		if err == nil {
			d.emit(q.owner, c.newMember(d.place()).joining(q))
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
		ready, err := c.readyOrWait()
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

// readyOrWait reports whether the queue has a ready message that c may take. If not, it
// adds c to the consumers that wait.
func (c *consumer) readyOrWait() (ready bool, err error) {
	e := c.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	q, err := c.present()
	if err != nil || q.ready.free() > 0 && !c.waitsForOlder(q) {
		return err == nil, err
	}
	select {
	case <-c.wake: // for a message that another consumer has taken
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
		c.engine.wake(c.queue) // c was woken for a message that another consumer can take
	}
	return ctx.Err()
}

// fetch leases the messages that are ready now. A consumer that consumes alone gets what
// it leases even if ctx ends meanwhile: otherwise its next Fetch could get later messages
// before these are back.
func (c *consumer) fetch(ctx context.Context, max, maxBytes int) ([]platform.Lease, error) {
	if c.alone {
		ctx = context.WithoutCancel(ctx) // Config.Patience bounds what it does
	}
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
	leases, old := c.leasesOf(held, facts)
	c.passOn()
	if err := c.removeExpired(ctx, old, leases); err != nil {
		return nil, err
	}
	return leases, nil
}

// leasesOf returns the leases of messages that c holds, and which of these are too old.
func (c *consumer) leasesOf(held []item, facts []*fact) (leases []platform.Lease, old []uint64) {
	tries := c.tries(held)
	for i, it := range held {
		if c.engine.old(facts[i].message) {
			old = append(old, it.number)
			continue
		}
		l := platform.Lease{ID: it.number, Message: facts[i].message, Attempt: 1}
		if tries != nil {
			l.Attempt += tries[i]
		}
		leases = append(leases, l)
	}
	return leases, old
}

// removeExpired acks the old messages that c has leased. If that fails, everything
// that c has leased goes back.
func (c *consumer) removeExpired(ctx context.Context, old []uint64, leases []platform.Lease) error {
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

// passOn wakes other consumers for the messages that c has left.
func (c *consumer) passOn() {
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	c.engine.wake(c.queue)
}

// lease leases up to n ready messages to c. Together they have at most so many bytes,
// except that the first may have more. There may be none.
func (c *consumer) lease(ctx context.Context, n, bytes int) ([]item, error) {
	if c.engine.alone {
		return c.leaseHere(n, bytes)
	}
	var items []item // the committer may write it unless do returns nil
	err := c.engine.do(ctx, func(d *draft) error {
		q, err := c.present()
		if err != nil {
			return err
		}
		if q.owner.sealed == d.round {
			return errAgain
		}
		items = d.leaseTo(q, c, min(n, mostAtOnce), bytes)
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
		m = c.joinHere(q)
	}
	if c.waitsForOlder(q) {
		return nil, nil
	}
	items := q.first(0, n, bytes)
	for _, it := range items {
		q.ready.remove(it.number) // mostly the first
		q.hold(it, m)
	}
	return items, nil
}

func (c *consumer) Ack(ctx context.Context, ids ...uint64) error {
	return c.storeFact(ctx, factAck, ids)
}

func (c *consumer) Return(ctx context.Context, ids ...uint64) error {
	if !c.engine.alone {
		return c.storeFact(ctx, factReturn, ids)
	}
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	if m := c.member(); m != nil {
		c.engine.state.queues[c.queue].putBack(m, ids)
		c.engine.state.dry = 0
		c.engine.wake(c.queue)
	}
	return nil
}

// returnLater is Return for ids that the caller of Fetch never got. It does not wait,
// and tries until it succeeds.
func (c *consumer) returnLater(ids []uint64) {
	if c.engine.alone {
		_ = c.Return(c.engine.ctx, ids...)
		return
	}
	for some := range slices.Chunk(ids, mostAtOnce) {
		c.engine.spawn(func() { c.engine.insist(c.emitter(factReturn, some)) })
	}
}

// mostAtOnce bounds the numbers of one fact, as it must fit into a record.
const mostAtOnce = 10_000

// storeFact stores facts of this kind about those ids that c holds.
func (c *consumer) storeFact(ctx context.Context, what kind, ids []uint64) error {
	for some := range slices.Chunk(ids, mostAtOnce) {
		if err := c.engine.do(ctx, c.emitter(what, some), nil); err != nil {
			return err
		}
	}
	return nil
}

func (c *consumer) emitter(what kind, ids []uint64) func(d *draft) error {
	return func(d *draft) error {
		m := c.member()
		if m == nil {
			return nil
		}
		q := d.state.queues[c.queue]
		if q.owner.sealed == d.round {
			return errAgain
		}
		mine := m.heldOf(ids)
		if len(mine) == 0 {
			return nil
		}
		f := fact{kind: what, queue: q.id, consumer: c.id, numbers: mine}
		if err := d.checkSize(&f, 0); err != nil {
			return err
		}
		d.emit(q.owner, f)
		return nil
	}
}

// heldOf returns the ids that m holds.
func (m *member) heldOf(ids []uint64) []uint64 {
	var mine []uint64
	for _, id := range ids {
		if _, ok := m.held[id]; ok {
			mine = append(mine, id)
		}
	}
	return mine
}

func (c *consumer) Close() error { return c.close(c.engine.ctx) }

// close ends c. When ctx ends before that is stored, other engines return what c
// held once this engine sends no heartbeats any more. While JetStream is not
// available, close leaves the storing to a goroutine.
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

// closeHere ends c in this engine, and reports whether nothing has to be stored.
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
		c.notify()
	}
	if m := c.member(); m != nil && e.alone {
		e.state.leave(e.state.queues[c.queue], m)
		e.state.dry = 0
	}
	e.wake(c.queue) // c may have been woken for something
	return e.alone
}

// notify makes a Fetch of c that waits check the queue again.
func (c *consumer) notify() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// stopWaiting removes c from the consumers that wait, and reports whether it was one.
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

// wake wakes as many waiting consumers as there are ready messages, and all of them
// when the queue was dropped.
func (e *Engine) wake(queue uint64) {
	all := e.waiting[queue]
	n := len(all)
	if n == 0 {
		return
	}
	q := e.state.queues[queue]
	if q != nil {
		n = min(n, q.ready.free())
	}
	kept, seen := 0, 0
	for ; seen < len(all) && n > 0; seen++ {
		c := all[seen]
		if q != nil && c.waitsForOlder(q) {
			all[kept] = c
			kept++
			continue
		}
		c.notify()
		n--
	}
	e.keepWaiting(queue, slices.Delete(all, kept, seen))
}

func (e *Engine) wakeAll() {
	for queue := range e.waiting {
		e.wake(queue)
	}
}
