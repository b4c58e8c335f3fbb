package notify

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// pool has the workers of one Run. It outlives sessions, so that a lost connection does
// not multiply handlers.
type pool struct {
	cfg    *ConsumerConfig
	link   *lifecycle
	stats  *consumerCounters
	handle Handler
	manual bool

	consumed bool // the platform has taken a session's consume command; only reconnect's goroutine has it

	over context.Context // of Run: when it has ended no handler starts
	ctx  context.Context // of the handlers
	left chan struct{}   // closed when the last worker has returned
	busy atomic.Int64    // workers that have not returned

	mu      sync.Mutex // also of what sessions count
	work    backlog
	ready   sync.Cond // there is work, or stopping began
	stopped bool

	// stop lets the running handlers finish within the grace period, cancels
	// them, and reports whether one ignored it. No session may be reading, but
	// one that drains. A second call returns the same.
	stop func() error
}

// stuckAfter is how long a handler may take to notice that its context was
// cancelled.
const stuckAfter = time.Second

// errGoexit is the error of a handler that called runtime.Goexit, as t.FailNow does.
var errGoexit = errors.New("notify: the handler has ended its goroutine")

func newPool(ctx context.Context, c *Consumer, handle Handler, workers int, manual bool) *pool {
	p := &pool{
		cfg: &c.cfg, link: &c.link, stats: &c.stats, handle: handle, manual: manual,
		over: ctx, left: make(chan struct{}),
	}
	p.ready.L = &p.mu
	handlers, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p.ctx = handlers
	p.stop = sync.OnceValue(func() error {
		defer cancel()
		p.stopWorkers()
		if !elapse(p.cfg.Grace, p.left) {
			return nil
		}
		cancel()
		if !elapse(stuckAfter, p.left) {
			return nil
		}
		return ErrHandlerStuck
	})
	p.busy.Store(int64(workers))
	for range workers {
		go p.worker()
	}
	return p
}

func (p *pool) worker() {
	ended := false
	defer func() {
		if !ended {
			go p.worker() // a handler called runtime.Goexit, as t.FailNow does
		} else if p.busy.Add(-1) == 0 {
			close(p.left)
		}
	}()
	p.mu.Lock()
	for d := p.next(); d != nil; d = p.next() {
		p.mu.Unlock()
		kept := p.process(d)
		p.mu.Lock()
		d.session.finish(d, kept)
	}
	p.mu.Unlock()
	ended = true
}

// next waits for a delivery to handle, and returns nil when there will be none. The
// caller holds mu.
func (p *pool) next() *Delivery {
	for {
		for p.work.n == 0 && !p.stopped {
			p.ready.Wait()
		}
		if p.work.n == 0 {
			return nil
		}
		d := p.work.pop()
		d.session.wakeReader()
		if p.work.n > 0 {
			p.ready.Signal() // this one may take long
		}
		if p.over.Err() == nil && d.session.mayHandle() {
			return d
		}
	}
}

// stopWorkers makes the workers return.
func (p *pool) stopWorkers() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	p.ready.Broadcast()
}

// discard drops the deliveries that no worker has taken. It is called between sessions,
// when no reader adds any.
func (p *pool) discard() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.work = backlog{}
}

// process handles d, and reports whether it stays in the window until it is
// acknowledged.
func (p *pool) process(d *Delivery) (kept bool) {
	returned := false
	defer func() {
		if !returned { // the user's code has ended the goroutine
			d.session.giveBack(d, errGoexit)
			p.mu.Lock()
			d.session.finish(d, false)
			p.mu.Unlock()
		}
	}()
	ctx := p.link.trace.handleStart(p.ctx, d)
	info := p.attempt(ctx, d)
	switch {
	case info.Err == nil && p.manual:
		kept = true
	case info.Err == nil:
		_ = d.Ack(context.Background()) // it is handled; a stale one is counted
	case info.GivenUp:
		info.PutAside = p.giveUp(d, info.Err)
	}
	p.link.trace.handleDone(ctx, d, info)
	returned = true
	return kept
}

// attempt calls the handler until it returns nil or a permanent error, at most Attempts
// times. A delivery that failed and is not given up will not come again, or another
// attempt is useless.
func (p *pool) attempt(ctx context.Context, d *Delivery) HandleDoneInfo {
	for n := 1; ; n++ {
		err := p.guard(d, func() error { return p.handle(ctx, d) })
		p.link.trace.attemptDone(ctx, d, n, err)
		info := HandleDoneInfo{Attempts: n, Err: err}
		if err == nil {
			return info
		}
		p.stats.failed.Add(1)
		if d.acked.Load() || p.ctx.Err() != nil {
			return info // it will not come again, or it failed because it was cancelled
		}
		p.link.log.Warn("handler failed", "attempt", n, "key", d.Key, "tag", d.Tag, "error", err)
		var permanent *PermanentError
		if n >= p.cfg.Attempts || errors.As(err, &permanent) {
			info.GivenUp = true
			return info
		}
		wait := backoff(n, p.cfg.AttemptDelay, 100*p.cfg.AttemptDelay)
		if !elapse(wait, d.session.drained) || p.over.Err() != nil {
			return info
		}
	}
}

// guard calls the user's code, and turns a panic into an error.
func (p *pool) guard(d *Delivery, call func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			stack := debug.Stack()
			p.link.log.Error("handler panicked", "panic", v, "key", d.Key, "tag", d.Tag, "stack", string(stack))
			err = &PanicError{Value: v, Stack: stack}
		}
	}()
	return call()
}

// giveUp asks the user what to do with a delivery that failed in all attempts, and gives
// it back if nothing was done. It reports whether something was.
func (p *pool) giveUp(d *Delivery, err error) (putAside bool) {
	p.stats.givenUp.Add(1)
	p.link.onError(err)
	if p.cfg.OnGiveUp != nil && p.guard(d, func() error { return p.cfg.OnGiveUp(d, err) }) == nil {
		p.link.log.Warn("a delivery was given up and put aside", "topic", p.cfg.Topic, "key", d.Key, "type", d.ContentType, "published", d.Time, "attempt", d.Attempt, "error", err)
		_ = d.Ack(context.Background())
		return true
	}
	d.session.giveBack(d, err)
	return false
}
