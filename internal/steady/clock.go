// Package steady has a clock by which things grow old: one that somebody sets
// wrong for a while takes nothing away.
package steady

import (
	"sync"
	"time"
)

// A wall clock that is this near is the same.
const near = time.Second

// A Clock goes as the monotonic clock does, and follows the wall clock once that
// has differed by the same amount for its patience. Make one with [New]. Its method
// may be called by any goroutine.
type Clock struct {
	patience time.Duration
	wall     func() time.Time
	elapsed  func() time.Duration

	mu     sync.Mutex // guards what follows
	ahead  time.Duration
	start  time.Time
	differ time.Duration // by how much the wall clock is ahead, when that was last news
	since  time.Duration // which was then
}

// New returns a Clock that shows start now, which may be any time: the wall clock's
// if that can be believed.
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
