package notify

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Retry says how a lost connection is replaced. The zero value tries for
// ever, and waits a random time below a bound that starts at 0.5 s and doubles
// up to one minute.
type Retry struct {
	// Times is how often in a row it is tried again before it is given up
	// with [ErrRetriesExhausted]; 0 is without end. A connection over which
	// the platform answered starts the count anew.
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

// ending says how a connection ended, or that there was none.
type ending struct {
	err      error
	answered bool // the platform did, so it was there
	useful   bool // something was confirmed or acknowledged, or it lasted

	renewed  bool          // a consumer ended it, to have deliveries again
	wait     time.Duration // before the next one, if renewed
	renewals int           // in a row
}

const usefulAfter = 10 * time.Second

// tries counts what goes wrong in a row.
type tries struct {
	failures int // without an answer in between, for Retry.Times
	useless  int // connections without use in between: a platform that answers and hangs up needs a pause, too
}

// failed counts end. It returns how long to wait, or the error of having tried
// too often.
func (t *tries) failed(r Retry, end ending) (time.Duration, error) {
	if end.answered {
		t.failures = 0
	}
	if end.useful {
		t.useless = 0
	}
	t.failures++
	t.useless++
	if r.Times > 0 && t.failures > r.Times {
		return 0, fmt.Errorf("%w (%d times): %w", ErrRetriesExhausted, r.Times, end.err)
	}
	return r.delay(t.useless), nil
}

// backoff is exponential with full jitter; n counts from 1.
func backoff(n int, first, last time.Duration) time.Duration {
	bound := last
	if n < 63 && first < last>>(n-1) { // a shift to the left could overflow
		bound = first << (n - 1)
	}
	return rand.N(bound)
}

// elapse waits for d, and reports whether end let it.
func elapse(d time.Duration, end <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-end:
		return false
	}
}
