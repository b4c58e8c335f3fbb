package notify

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Reconnect says how a lost connection is replaced. With the zero value that is
// tried for ever.
type Reconnect struct {
	// MaxFailures is how many attempts in a row may fail until it is given up with
	// [ErrRetriesExhausted]. A connection over which the platform answered starts
	// the count anew. Zero is without end.
	MaxFailures int
	// Delay is the time between attempts. Zero is a random time below a bound that
	// starts at 0.5 s and doubles up to one minute.
	Delay time.Duration
}

const (
	firstBackoff = 500 * time.Millisecond
	lastBackoff  = time.Minute
)

// delay returns the wait before try n, which follows n failures.
func (r Reconnect) delay(n int) time.Duration {
	if r.Delay > 0 {
		return r.Delay
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
	failures int // without an answer in between, for Reconnect.MaxFailures
	useless  int // connections without use in between: a platform that answers and hangs up needs a pause, too
}

// failed counts end. It returns how long to wait, or the error of having tried
// too often.
func (t *tries) failed(r Reconnect, end ending) (time.Duration, error) {
	if end.answered {
		t.failures = 0
	}
	if end.useful {
		t.useless = 0
	}
	t.failures++
	t.useless++
	if r.MaxFailures > 0 && t.failures > r.MaxFailures {
		return 0, fmt.Errorf("%w (%d times): %w", ErrRetriesExhausted, r.MaxFailures, end.err)
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
