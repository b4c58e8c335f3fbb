package notify

import (
	"context"
	"math/rand/v2"
	"time"
)

// Retry says how a lost connection is replaced. The zero value tries for
// ever, and waits a random time below a bound that starts at 0.5 s and doubles
// up to one minute.
type Retry struct {
	// Times is how many tries in a row may fail before it is given up with
	// [ErrRetriesExhausted]; 0 is without end. A connection over which the
	// platform answered starts the count anew.
	Times int
	// Sleep, when set, is the fixed time between tries.
	Sleep time.Duration
}

const (
	firstBackoff = 500 * time.Millisecond
	lastBackoff  = time.Minute
)

// delay returns the wait before try n, which follows n failures.
func (r Retry) delay(n int) time.Duration {
	if r.Sleep > 0 {
		return r.Sleep
	}
	return backoff(n, firstBackoff, lastBackoff)
}

// backoff is exponential with full jitter; n counts from 1.
func backoff(n int, first, last time.Duration) time.Duration {
	bound := last
	if n < 30 && first<<(n-1) < last {
		bound = first << (n - 1)
	}
	return rand.N(bound)
}

// sleep waits, and tells whether ctx let it.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
