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
	reached := make(chan struct{})
	c.mu.Lock()
	c.want, c.reached = n, reached
	c.mu.Unlock()
	c.add(0) // they may have been before
	_, err := receive(reached)
	return err
}

// receive waits for a value of ch, or for its end.
func receive[T any](ch <-chan T) (value T, err error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case value = <-ch:
		return value, nil
	case <-timer.C:
		return value, errStuck
	}
}
