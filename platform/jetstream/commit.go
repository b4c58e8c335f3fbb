package jetstream

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// An op is one operation that waits for its record. run reads the state and adds
// facts to the draft. It is called again when the state has changed before the
// record was stored, so only the results of its last call count.
type op struct {
	run  func(d *draft) error
	late func() // called if the op succeeds after its caller has gone, in a goroutine of its own

	err       error
	done      chan error // gets the result
	cancelled bool       // the caller does not wait any more; guarded by mailbox.mu
}

// A mailbox holds the ops that wait for the committer.
type mailbox struct {
	mu      sync.Mutex
	waiting []*op
	bell    chan struct{} // rung when there is something
	failure failure
}

func (m *mailbox) add(ops ...*op) {
	m.mu.Lock()
	m.waiting = append(m.waiting, ops...)
	m.mu.Unlock()
	m.notify()
}

func (m *mailbox) notify() {
	select {
	case m.bell <- struct{}{}:
	default:
	}
}

// drain removes and returns what waits.
func (m *mailbox) drain() []*op {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.waiting
	m.waiting = nil
	return taken
}

// cancel notes that no caller waits for o any more. A caller that gives up has
// mostly waited longest, so o is near the front of the slice.
func (m *mailbox) cancel(o *op) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o.cancelled = true
	if i := slices.Index(m.waiting, o); i >= 0 {
		m.waiting = slices.Delete(m.waiting, i, i+1)
	}
}

func (m *mailbox) cancelled(o *op) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return o.cancelled
}

// do waits until the facts of run are in the log. When ctx or the patience ends
// first, they may be stored or not; if they are, late is called unless it is nil.
func (e *Engine) do(ctx context.Context, run func(d *draft) error, late func()) error {
	if err := cmp.Or(ctx.Err(), e.server.lostError()); err != nil {
		return err
	}
	o := &op{run: run, late: late, done: make(chan error, 1)}
	e.mailbox.add(o)
	patience := time.NewTimer(e.config.Patience)
	defer patience.Stop()
	select {
	case err := <-o.done:
		return err
	case <-ctx.Done():
	case <-patience.C:
	case <-e.committerDone:
		return errClosed
	}
	e.mailbox.cancel(o)
	select {
	case err := <-o.done:
		return err
	default:
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return e.failureError()
}

// finish sends the result of o to its caller. If the caller has gone and o
// succeeded, it calls late.
func (e *Engine) finish(o *op) {
	o.done <- o.err
	if e.mailbox.cancelled(o) && o.err == nil && o.late != nil {
		select {
		case <-o.done: // the caller did not receive the result
			e.spawn(o.late)
		default:
		}
	}
}

// committer stores one record after the other until the engine ends.
func (e *Engine) committer() {
	defer close(e.committerDone)
	var ops []*op
	for {
		if len(ops) == 0 {
			select {
			case <-e.mailbox.bell:
			case <-e.ctx.Done():
				return
			}
		}
		ops = append(ops, e.mailbox.drain()...)
		again, err := e.round(ops)
		if err != nil {
			e.refuse(ops, err)
			return
		}
		ops = again
	}
}

func (e *Engine) refuse(ops []*op, err error) {
	for _, o := range ops {
		o.err = err
		e.finish(o)
	}
}

// round stores the facts of as many ops as fit and returns the others. The
// only error is that the engine has ended.
func (e *Engine) round(ops []*op) (again []*op, err error) {
	var seen uint64
	for defeats := 0; ; defeats++ {
		e.yieldTurn()
		e.askForTurn(defeats)
		d := e.compose(ops, e.gather())
		var settled bool
		if len(d.facts) > 0 || d.wanted {
			settled, err = e.store(d, ops)
		} else {
			settled, err = e.confirm(d, ops, &seen)
		}
		e.mu.Lock()
		e.discard(d)
		e.mu.Unlock()
		e.warn(d)
		if err != nil {
			return nil, err
		}
		if settled || e.abandoned(ops) {
			return e.conclude(ops), nil
		}
	}
}

func (e *Engine) disk() *disk {
	if e.server == nil || e.config.noReserve {
		return nil
	}
	return &e.server.disk
}

// compose runs every op on a new draft.
func (e *Engine) compose(ops []*op, old []gathered) *draft {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rounds++
	d := &draft{
		config: &e.config, disk: e.disk(), state: e.state, round: e.rounds, after: e.state.applied, largest: e.largest,
		taken: make(map[uint64]int), made: make(map[string]bool),
	}
	for _, g := range old {
		d.carry(g)
	}
	for _, o := range ops {
		switch {
		case e.mailbox.cancelled(o):
			o.err = nil // and nothing was done
			o.late = nil
		case len(old) > 0 || d.full():
			o.err = errAgain
		default:
			o.err = o.run(d)
		}
	}
	d.finish()
	return d
}

// conclude finishes the ops and returns those that must run again.
func (e *Engine) conclude(ops []*op) (again []*op) {
	for _, o := range ops {
		if errors.Is(o.err, errAgain) {
			again = append(again, o)
			continue
		}
		e.finish(o)
	}
	return again
}

// abandoned reports whether no caller and no late function needs the outcome of
// these ops any more. Then other ops need not wait for it.
func (e *Engine) abandoned(ops []*op) bool {
	return !slices.ContainsFunc(ops, func(o *op) bool { return o.late != nil || !e.mailbox.cancelled(o) })
}

// store appends the draft to the log. It returns false when the ops must run
// again: another engine was faster, so that the state has changed, or no caller
// waits for the record any more. In the latter case the record may be in the log
// or not; the next record finds out, as it wants the same place.
func (e *Engine) store(d *draft, ops []*op) (bool, error) {
	m := e.newMark()
	record := appendRecord(make([]byte, 0, d.bytes+64), m, d.facts)
	d.identify(e.log.Load())
	if len(record)+reserve > e.largest || len(d.facts) > maxFacts {
		return e.tooLarge(ops, len(record), len(d.facts)), nil
	}
	for wait := time.Millisecond; ; wait = min(2*wait, time.Second) {
		seq, err := e.journal.append(e.ctx, d.after, record)
		if err == nil {
			e.setFailure(nil)
			assignNumbers(seq, d.facts)
			e.applyRecord(seq, len(record), m, d.facts)
			d.stored = true
			return true, nil
		}
		if e.ctx.Err() != nil {
			return false, errClosed
		}
		if errors.Is(err, errMoved) {
			e.awaitNext(d.after)
		} else {
			e.setFailure(err)
		}
		if landed, moved := e.outcome(m, d.after); landed || moved {
			d.stored = landed
			return landed, nil
		}
		e.catchUp()
		if landed, moved := e.outcome(m, d.after); landed || moved {
			d.stored = landed
			return landed, nil
		}
		if errors.Is(err, errMoved) {
			e.reloadIfShorter(d.after)
		}
		e.pause(wait)
		if e.abandoned(ops) {
			return false, nil
		}
	}
}

// tooLarge refuses a record that no server takes or no engine could read. Each
// operation checks its size, so this should not happen.
func (e *Engine) tooLarge(ops []*op, bytes, facts int) bool {
	for _, o := range ops {
		if o.err == nil {
			o.err = fmt.Errorf("jetstream: %d bytes and %d facts are too much for one record", bytes, facts)
		}
	}
	return true
}

// reloadIfShorter reads the log anew if it ends before the last known record: then
// the servers have lost records that they had confirmed.
func (e *Engine) reloadIfShorter(known uint64) {
	last, _, err := e.journal.last(e.ctx)
	if err != nil || last >= known {
		return
	}
	if err := e.loadAnew(fmt.Sprintf("the servers have lost records: they confirmed number %d, and have %d", known, last)); err != nil {
		e.setFailure(err)
	}
}

// outcome reports whether the record with this mark is in the log, or another
// one is in its place.
func (e *Engine) outcome(m mark, after uint64) (landed, moved bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.landed == m, e.state.applied != after
}

// confirm reports whether the draft was composed with all that the log had when its ops
// came. seen is a last record that the servers have named since then: it is enough to know
// that one, as an engine would never know the last of a log that others write at a time.
// An engine that has its log to itself need not ask.
func (e *Engine) confirm(d *draft, ops []*op, seen *uint64) (bool, error) {
	if e.alone || *seen > 0 && d.after >= *seen {
		return true, nil
	}
	for wait := time.Millisecond; ; wait = min(2*wait, time.Second) {
		last, _, err := e.journal.last(e.ctx)
		switch {
		case e.ctx.Err() != nil:
			return false, errClosed
		case err == nil && last == d.after:
			e.setFailure(nil)
			return true, nil
		case err != nil:
			e.setFailure(err)
		default:
			if last > d.after {
				*seen = last
				e.setFailure(nil)
			}
			e.awaitNext(d.after)
		}
		if _, moved := e.outcome(mark{}, d.after); moved {
			return false, nil
		}
		e.catchUp()
		if _, moved := e.outcome(mark{}, d.after); moved {
			return false, nil
		}
		if err == nil && last < d.after {
			e.reloadIfShorter(d.after)
			return false, nil
		}
		e.pause(wait)
		if e.abandoned(ops) {
			return false, nil
		}
	}
}

func (e *Engine) pause(d time.Duration) {
	select {
	case <-e.ctx.Done():
	case <-time.After(d):
	}
}

func (e *Engine) newMark() (m mark) {
	rand.Read(m[:])
	e.mu.Lock()
	e.inFlight = m
	e.mu.Unlock()
	return m
}
