package gateway

import (
	"sync"
	"time"
)

// pause is how long a backend gets no calls after it has failed.
const pause = 10 * time.Second

// A breaker keeps calls from a backend that fails.
type breaker struct {
	mu       sync.Mutex
	failures int       // in a row
	until    time.Time // no calls go to the backend
	probing  bool      // one call finds out whether it works again
}

// wait returns for how long no call may go to the backend, of which most failures in a row
// are allowed; 0 if this one may. When the pause is over, one call may, and the others wait
// for what becomes of it.
func (b *breaker) wait(most int, now time.Time) time.Duration {
	if most <= 0 {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < most {
		return 0
	}
	if left := b.until.Sub(now); left > 0 {
		return left
	}
	b.until, b.probing = now.Add(pause), true
	return 0
}

// undecided is told of a call that its caller has ended, or that was not sent: it says nothing
// of the backend. If the others wait for what becomes of it, the next one finds out.
func (b *breaker) undecided(most int, now time.Time) {
	if most <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures >= most && b.probing {
		b.until, b.probing = now, false
	}
}

// failed counts a failure, and reports whether the backend now gets no calls for a while.
func (b *breaker) failed(most int, now time.Time) (paused bool) {
	if most <= 0 {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
	b.failures++
	if b.failures < most {
		return false
	}
	b.until = now.Add(pause)
	return true
}

func (b *breaker) succeeded(most int) {
	if most <= 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures, b.probing = 0, false
}
