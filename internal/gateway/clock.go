package gateway

import (
	"errors"
	"net/http"
	"sync"
	"time"
)

// A phase is how far a call has come.
type phase byte

const (
	dialing   phase = iota
	shaking         // hands, for TLS
	sending         // what is there of the request
	reading         // more of the request from the caller
	waiting         // for the header of the answer
	answering       // its body goes to the caller
)

var phaseNames = [...]string{"dial", "tls", "send", "send", "wait", "answer"}

func (p phase) String() string { return phaseNames[p] }

var errStill = errors.New("the call stands still")

// A clock ends a call that stands still for longer than its phase allows.
type clock struct {
	c             *call
	timeout, idle time.Duration

	mu    sync.Mutex
	timer *time.Timer
	phase phase
	since time.Time // when the call moved last
	fired bool
}

func (k *clock) start(c *call) {
	k.c, k.timeout, k.idle = c, c.f.cfg.Timeout, c.f.cfg.IdleTimeout
	if api := c.target.API; api != nil && api.Timeout > 0 {
		k.timeout = api.Timeout
	}
	k.since = c.began
	k.timer = time.AfterFunc(k.timeout, k.fire)
}

// enter begins a phase. A call does not go back from the answer: of the request, only its
// progress counts then.
func (k *clock) enter(p phase) {
	k.mu.Lock()
	defer k.mu.Unlock()
	before := k.limit()
	if k.phase < answering && !k.fired {
		k.phase = p
	}
	k.since = time.Now()
	if k.limit() < before {
		k.timer.Reset(k.limit())
	}
}

// limit is how long the call may stand still.
func (k *clock) limit() time.Duration {
	if k.phase == reading || k.phase == answering {
		return k.idle
	}
	return k.timeout
}

// at returns how far the call has come, and whether it stood still there.
func (k *clock) at() (p phase, fired bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.phase, k.fired
}

// fire ends the call if it has not moved for as long as its phase allows.
func (k *clock) fire() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if left := k.limit() - time.Since(k.since); left > 0 {
		k.timer.Reset(left)
		return
	}
	k.fired = true
	k.c.cancel(errStill)
	now := time.Now()
	if k.phase >= reading && k.phase != waiting { // a read from the caller or a write may hang
		_ = http.NewResponseController(k.c.w).SetReadDeadline(now)
	}
	if k.phase == answering {
		_ = http.NewResponseController(k.c.w).SetWriteDeadline(now)
	}
}

func (k *clock) stop() { k.timer.Stop() }
