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
	b.until = now.Add(pause)
	return 0
}

// failed counts a failure, and reports whether the backend now gets no calls for a while.
func (b *breaker) failed(most int, now time.Time) (paused bool) {
	if most <= 0 {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
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
	b.failures = 0
}
