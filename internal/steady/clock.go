// Package steady has a clock for expiry. A wall clock that is set wrong for a while
// makes nothing expire.
package steady

import (
	"sync"
	"time"
)

// A difference of the wall clock up to this is ignored.
const near = time.Second

// A Clock runs with the monotonic clock. It is set to the wall clock when that has
// differed by the same amount for the Clock's patience. Make one with [New]. Any
// goroutine may call its method.
type Clock struct {
	patience time.Duration
	wall     func() time.Time
	elapsed  func() time.Duration

	mu     sync.Mutex // guards what follows
	ahead  time.Duration
	start  time.Time
	differ time.Duration // by how much the wall clock was ahead when that last changed
	since  time.Duration // when that was
}

// New returns a Clock that shows start now: the time of the wall clock, or another
// if that cannot be trusted.
func New(start time.Time, patience time.Duration) *Clock {
	began := time.Now()
	return newClock(start, patience, time.Now, func() time.Duration { return time.Since(began) })
}

func newClock(start time.Time, patience time.Duration, wall func() time.Time, elapsed func() time.Duration) *Clock {
	return &Clock{patience: patience, wall: wall, elapsed: elapsed, start: start.Round(0)}
}

// Now returns the time by c.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	elapsed := c.elapsed()
	now := c.start.Add(elapsed + c.ahead)
	differ := c.wall().Round(0).Sub(now)
	switch {
	case differ.Abs() < near:
		c.differ, c.since = 0, elapsed
	case (differ - c.differ).Abs() >= near:
		c.differ, c.since = differ, elapsed
	case elapsed-c.since >= c.patience:
		c.ahead += differ
		c.differ, c.since = 0, elapsed
		return now.Add(differ)
	}
	return now
}
