package platform

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/internal/guard"
	"github.com/shopex/prism-go/internal/push"
)

// A receiver pushes for one key. Most receivers wait most of the time, so what one holds
// while it waits is little. Each of its three states has a goroutine of its own, which
// starts that of the next state and ends: the stack of a goroutine that has only waited
// stays the smallest there is.
//
//	open: it begins to consume the default queue
//	wait: it waits for messages
//	work: it pushes, until there are none for a while
type receiver struct {
	p        *Platform
	key      string
	url      string
	workers  int
	before   *receiver // the one of the key before this one, which must end first
	state    *pushState
	failures int // of the engine, in a row

	fetching context.Context // ends the taking of messages
	drain    context.CancelFunc
	done     chan struct{}
	consumer Consumer // when it is open

	mu      sync.Mutex         // guards what follows
	stopped bool               // it ends at once
	cut     context.CancelFunc // ends the POSTs; nil unless it works
}

// A pushState is what is known of the pushing for a key. It outlives a receiver that
// another one replaces.
type pushState struct {
	delivered, failed atomic.Uint64
	status            atomic.Int32 // of the last answer; 0 if there was none
	since             atomic.Int64 // Unix seconds: since when all POSTs have failed; 0 if the last one did not
	reason            atomic.Pointer[string]

	// The log is told once a minute at most that POSTs fail. Only the work of a receiver
	// uses these, and a key has one at a time.
	warned time.Time
	told   bool // and not yet that they succeed again
}

func newReceiver(ctx context.Context, p *Platform, key string, to *Push, before *receiver) *receiver {
	r := &receiver{p: p, key: key, url: to.URL, workers: to.workers(), before: before, done: make(chan struct{})}
	if before != nil {
		r.state = before.state
	} else {
		r.state = new(pushState)
	}
	r.fetching, r.drain = context.WithCancel(ctx)
	return r
}

// stop ends the receiver at once. What it pushes at that moment comes again.
func (r *receiver) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	r.drain()
	if r.cut != nil {
		r.cut()
	}
}

// is reports whether r has not ended and pushes as p says.
func (r *receiver) is(p *Push) bool {
	return !r.hasEnded() && r.url == p.URL && r.workers == p.workers()
}

func (r *receiver) hasEnded() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// open is the first state, and the one after a failure of the engine.
func (r *receiver) open() {
	if r.before != nil {
		<-r.before.done
		r.before = nil
	}
	for {
		err := r.begin()
		if err == nil {
			r.next(r.wait)
			return
		}
		if !r.tolerate(err) {
			return
		}
	}
}

func (r *receiver) wait() {
	leases, err := r.consumer.Fetch(r.fetching, r.batch(), pushBatchBytes)
	r.next(func() { r.work(leases, err) })
}

func (r *receiver) work(leases []Lease, err error) {
	if err == nil {
		r.failures = 0
		err = r.push(leases)
	}
	if err == nil {
		r.next(r.wait)
		return
	}
	r.again(err)
}

// next begins a state. A panic in it counts as a failure of the engine.
func (r *receiver) next(state func()) {
	r.p.pushers.group.Go(func() {
		if err := r.guarded(state); err != nil {
			r.again(err)
		}
	})
}

// again begins anew after a failure of the engine.
func (r *receiver) again(err error) {
	if r.consumer != nil {
		_ = r.guarded(func() { err = cmp.Or(err, r.consumer.Close()) })
	}
	if r.tolerate(err) {
		r.next(r.open)
	}
}

// guarded runs task. A panic in it, of an engine or a hook, ends nothing but the task.
func (r *receiver) guarded(task func()) (err error) {
	err = errPanicked
	defer func() {
		if v := recover(); v != nil {
			r.p.cfg.Logger.Error("panic", slog.String("key", r.key), slog.Any("value", v), slog.String("stack", string(debug.Stack())))
		}
	}()
	task()
	return nil
}

// tolerate waits after a failure of the engine, and reports whether the receiver is to go
// on. Otherwise the receiver has ended.
func (r *receiver) tolerate(err error) bool {
	r.failures++
	if r.fetching.Err() == nil && !errors.Is(err, errNoPush) {
		if r.failures == 1 {
			r.p.cfg.Logger.Warn("pushing is interrupted", slog.String("key", r.key), slog.Any("error", err))
		}
		if waitFor(r.fetching, push.Pause(r.failures)) {
			return true
		}
	}
	r.drain()
	close(r.done)
	return false
}

// begin begins to consume the default queue. A key that is deleted meanwhile must not get
// a queue by that. Few receivers begin at a time.
func (r *receiver) begin() error {
	select {
	case r.p.pushers.beginning <- struct{}{}:
		defer func() { <-r.p.pushers.beginning }()
	case <-r.fetching.Done():
		return r.fetching.Err()
	}
	h, err := r.read(nil)
	if err == nil {
		err = r.p.declare(r.fetching, h)
	}
	if err != nil {
		return err
	}
	consumer, err := r.p.cfg.Queues.ConsumeAlone(r.fetching, r.key, "", pusherName(r.url))
	if err != nil {
		return err
	}
	if _, err = r.read(h); err != nil {
		closed := consumer.Close()
		if _, gone := r.p.registry.anyHolder(r.fetching, r.key, nil); errors.Is(gone, ErrUnknownKey) {
			return cmp.Or(r.p.owners.forget(r.fetching, r.key), err)
		}
		return cmp.Or(err, closed)
	}
	r.consumer = consumer
	return nil
}

// read returns the key, or errNoPush if it does not push as r does, any more. known is
// what it was before.
func (r *receiver) read(known *holder) (*holder, error) {
	h, err := r.p.registry.holder(r.fetching, r.key, known)
	switch {
	case errors.Is(err, ErrUnknownKey):
		return nil, errNoPush
	case err != nil:
		return nil, err
	case h.over(r.p.expiry()), h.key.Push.URL != r.url, h.key.Push.workers() != r.workers:
		return nil, errNoPush
	}
	return h, nil
}

// batch is how many messages are fetched at a time.
func (r *receiver) batch() int { return min(max(pushBatch, 2*r.workers), MaxPushWorkers) }

// push pushes messages, and those that come soon after. It returns nil when there are none
// for a while.
func (r *receiver) push(leases []Lease) error {
	to, err := guard.ParseAddress(r.url)
	if err != nil {
		return errNoPush
	}
	ctx, cut := r.startWork()
	defer cut()
	w := &pushing{receiver: r, ctx: ctx, to: to, changed: make(chan struct{}, 1)}
	w.taking, w.end = context.WithCancelCause(r.fetching)
	w.guard(func() { err = w.run(leases) })
	if err != nil {
		w.end(err)
	}
	w.group.Wait()
	defer w.end(nil)
	return context.Cause(w.taking)
}

// startWork returns the context of POSTs.
func (r *receiver) startWork() (context.Context, context.CancelFunc) {
	ctx, cut := context.WithCancel(r.p.pushers.ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		cut()
	}
	r.cut = cut
	return ctx, func() {
		cut()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.cut = nil
	}
}

// pusherName is how the queue calls the receiver at an address.
func pusherName(address string) string { return "push to " + shorten(hostOf(address), 128) }

// hostOf returns the host of an address.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address that is no URL"
	}
	return u.Host
}

// waitFor waits for d, and reports whether ctx has not ended before.
func waitFor(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
