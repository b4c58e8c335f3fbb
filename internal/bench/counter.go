package main

import (
	"errors"
	"sync"
	"time"
)

// patience is how long anything in a measurement may take before it counts as
// stuck.
const patience = 30 * time.Second

var errStuck = errors.New("nothing came any more")

// A counter counts events of one goroutine for one other that waits.
type counter struct {
	mu      sync.Mutex
	n, want int
	reached chan struct{}
}

func (c *counter) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += n
	if c.reached != nil && c.n >= c.want {
		close(c.reached)
		c.reached = nil
	}
}

func (c *counter) now() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// await waits until there were n events in all.
func (c *counter) await(n int) error {
	c.mu.Lock()
	if c.n >= n {
		c.mu.Unlock()
		return nil
	}
	reached := make(chan struct{})
	c.want, c.reached = n, reached
	c.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-reached:
		return nil
	case <-timer.C:
		return errStuck
	}
}
