package platform

import (
	"sync"
	"time"
)

// stepPatience is how long a step of the wall clock must have lasted before keys
// expire by it: who sets a clock wrong notices within that time, mostly.
const stepPatience = time.Minute

// A steadyClock tells the time by which keys expire. It goes on evenly when the
// wall clock steps, until the step has lasted for stepPatience: a clock that is
// wrong for some seconds must not cut off who has a key with an end.
type steadyClock struct {
	read func() (wall time.Time, run time.Duration) // run never steps

	mu      sync.Mutex // guards what follows
	wall    time.Time  // which was right ...
	run     time.Duration
	stepped bool // since the time in at
	at      time.Duration
}

func newSteadyClock() *steadyClock {
	start := time.Now()
	return &steadyClock{wall: start.Round(0), read: func() (time.Time, time.Duration) {
		now := time.Now()
		return now.Round(0), now.Sub(start)
	}}
}

func (c *steadyClock) now() time.Time {
	wall, run := c.read()
	c.mu.Lock()
	defer c.mu.Unlock()
	steady := c.wall.Add(run - c.run)
	switch step := wall.Sub(steady).Abs(); {
	case step < time.Second: // or it is adjusted slowly
		c.stepped = false
	case !c.stepped:
		c.stepped, c.at = true, run
		return steady
	case run-c.at < stepPatience:
		return steady
	}
	c.wall, c.run, c.stepped = wall, run, false
	return wall
}
