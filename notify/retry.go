package notify

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Reconnect says how a lost connection is replaced. With the zero value a consumer or
// publisher tries for ever.
type Reconnect struct {
	// MaxFailures is how many attempts in a row may fail. After that the consumer or
	// publisher gives up with [ErrRetriesExhausted]. A connection over which the
	// platform answered starts the count anew. Zero means no bound.
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
	answered bool // something came from the platform
	useful   bool // something was confirmed or acknowledged, or it lasted

	renewed  bool          // a consumer ended it, to have deliveries again
	wait     time.Duration // before the next one, if renewed
	renewals int           // in a row
}

const usefulAfter = 10 * time.Second

// tries counts failures in a row.
type tries struct {
	failures int // without an answer in between, for Reconnect.MaxFailures
	useless  int // connections in a row that were not useful: a platform that answers and hangs up needs a pause, too
}

// failed counts end. It returns how long to wait, or an error if there were too many
// failures.
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

// elapse waits for d, and reports whether d has passed before end was closed.
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
