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

// An op is one operation that waits for its record. run looks at the state
// and adds facts to the draft; it is called again when the state has changed
// before the record was stored, so it must not remember anything but its last
// call.
type op struct {
	run  func(d *draft) error
	late func() // called if the op succeeds after its caller has gone, in a goroutine of its own

	err  error
	done chan error // gets the result
	gone bool       // the caller does not wait any more; guarded by desk.mu
}

// A desk is where ops wait for the clerk.
type desk struct {
	mu      sync.Mutex
	waiting []*op
	bell    chan struct{} // rung when there is something
	trouble trouble
}

func (k *desk) put(ops ...*op) {
	k.mu.Lock()
	k.waiting = append(k.waiting, ops...)
	k.mu.Unlock()
	k.ring()
}

func (k *desk) ring() {
	select {
	case k.bell <- struct{}{}:
	default:
	}
}

// take returns what waits.
func (k *desk) take() []*op {
	k.mu.Lock()
	defer k.mu.Unlock()
	taken := k.waiting
	k.waiting = nil
	return taken
}

// giveUp notes that nobody waits for o. Who gives up has mostly waited longest,
// so o is found at once.
func (k *desk) giveUp(o *op) {
	k.mu.Lock()
	defer k.mu.Unlock()
	o.gone = true
	if i := slices.Index(k.waiting, o); i >= 0 {
		k.waiting = slices.Delete(k.waiting, i, i+1)
	}
}

func (k *desk) left(o *op) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return o.gone
}

// do waits until what run wants is in the log. When ctx or the patience ends
// first, it may be there or not; then late is called if it is, unless it is nil.
func (e *Engine) do(ctx context.Context, run func(d *draft) error, late func()) error {
	if err := cmp.Or(ctx.Err(), e.server.gone()); err != nil {
		return err
	}
	o := &op{run: run, late: late, done: make(chan error, 1)}
	e.desk.put(o)
	patience := time.NewTimer(e.config.Patience)
	defer patience.Stop()
	select {
	case err := <-o.done:
		return err
	case <-ctx.Done():
	case <-patience.C:
	case <-e.clerkDone:
		return errClosed
	}
	e.desk.giveUp(o)
	select {
	case err := <-o.done:
		return err
	default:
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return e.failing()
}

// finish tells who waits for o, or what to do if nobody does.
func (e *Engine) finish(o *op) {
	o.done <- o.err
	if e.desk.left(o) && o.err == nil && o.late != nil {
		select {
		case <-o.done: // nobody took the result
			e.spawn(o.late)
		default:
		}
	}
}

// clerk stores one record after the other until the engine ends.
func (e *Engine) clerk() {
	defer close(e.clerkDone)
	var ops []*op
	for {
		if len(ops) == 0 {
			select {
			case <-e.desk.bell:
			case <-e.ctx.Done():
				return
			}
		}
		ops = append(ops, e.desk.take()...)
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
	for defeats := 0; ; defeats++ {
		e.giveWay()
		e.askForTurn(defeats)
		d := e.compose(ops, e.gather())
		var settled bool
		if len(d.facts) > 0 || d.wanted {
			settled, err = e.store(d, ops)
		} else {
			settled, err = e.confirm(d, ops)
		}
		e.mu.Lock()
		d.discard()
		e.mu.Unlock()
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

// compose asks every op for its facts.
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
		case e.desk.left(o):
			o.err = nil // and nothing was done
			o.late = nil
		case len(old) > 0 || d.full():
			o.err = errAgain
		default:
			o.err = o.run(d)
		}
	}
	return d
}

// conclude answers the ops and returns those that are to be asked again.
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

// abandoned reports whether the outcome for these ops concerns nobody any more.
// Then others need not wait for it.
func (e *Engine) abandoned(ops []*op) bool {
	return !slices.ContainsFunc(ops, func(o *op) bool { return o.late != nil || !e.desk.left(o) })
}

// store appends the draft to the log. It returns false when the ops are to be
// asked again: another engine was faster, so that the state has changed, or
// nobody waits for the record any more. Then it may be in the log or not, and
// the next one finds out, as it wants the same place.
func (e *Engine) store(d *draft, ops []*op) (bool, error) {
	m := e.newMark()
	record := appendRecord(make([]byte, 0, d.bytes+64), m, d.facts)
	if len(record)+reserve > e.largest || len(d.facts) > maxFacts {
		return e.tooLarge(ops, len(record), len(d.facts)), nil
	}
	for wait := time.Millisecond; ; wait = min(2*wait, time.Second) {
		seq, err := e.journal.append(e.ctx, d.after, record)
		if err == nil {
			e.fails(nil)
			settle(seq, d.facts)
			e.learn(seq, len(record), m, d.facts)
			return true, nil
		}
		if e.ctx.Err() != nil {
			return false, errClosed
		}
		if errors.Is(err, errMoved) {
			e.heedNews(d.after)
		} else {
			e.fails(err)
		}
		if landed, moved := e.outcome(m, d.after); landed || moved {
			return landed, nil
		}
		e.catchUp()
		if landed, moved := e.outcome(m, d.after); landed || moved {
			return landed, nil
		}
		if errors.Is(err, errMoved) {
			e.lookBack(d.after)
		}
		e.pause(wait)
		if e.abandoned(ops) {
			return false, nil
		}
	}
}

// tooLarge refuses what nobody could store or read. Each operation sees to it
// that this does not happen.
func (e *Engine) tooLarge(ops []*op, bytes, facts int) bool {
	for _, o := range ops {
		if o.err == nil {
			o.err = fmt.Errorf("jetstream: %d bytes and %d facts are too much for one record", bytes, facts)
		}
	}
	return true
}

// lookBack reads the log anew if it ends before the last record that is known:
// servers have lost what they had confirmed.
func (e *Engine) lookBack(known uint64) {
	last, _, err := e.journal.last(e.ctx)
	if err != nil || last >= known {
		return
	}
	if err := e.loadAnew(fmt.Sprintf("the servers have lost records: they confirmed number %d, and have %d", known, last)); err != nil {
		e.fails(err)
	}
}

// outcome reports whether the record with this mark is in the log, or another
// one is in its place.
func (e *Engine) outcome(m mark, after uint64) (landed, moved bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.landed == m, e.state.applied != after
}

// confirm reports whether the state is still what the log says. An engine that
// is alone knows.
func (e *Engine) confirm(d *draft, ops []*op) (bool, error) {
	if e.alone {
		return true, nil
	}
	for wait := time.Millisecond; ; wait = min(2*wait, time.Second) {
		last, _, err := e.journal.last(e.ctx)
		switch {
		case e.ctx.Err() != nil:
			return false, errClosed
		case err == nil && last == d.after:
			e.fails(nil)
			return true, nil
		case err != nil:
			e.fails(err)
		default:
			e.heedNews(d.after)
		}
		if _, moved := e.outcome(mark{}, d.after); moved {
			return false, nil
		}
		e.catchUp()
		if _, moved := e.outcome(mark{}, d.after); moved {
			return false, nil
		}
		if err == nil && last < d.after {
			e.lookBack(d.after)
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
