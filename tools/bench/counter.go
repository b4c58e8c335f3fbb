package main

import (
	"errors"
	"sync"
	"sync/atomic"
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

// A countdown waits for a known number of events. It costs next to nothing for
// each, so that it does not blur what is compared.
type countdown struct {
	left atomic.Int64
	over chan struct{}
}

func newCountdown() *countdown { return &countdown{over: make(chan struct{}, 1)} }

func (c *countdown) start(n int) { c.left.Store(int64(n)) }

// one counts an event and returns how many are to come.
func (c *countdown) one() (left int) {
	left = int(c.left.Add(-1))
	if left == 0 {
		c.over <- struct{}{}
	}
	return left
}

func (c *countdown) await() error {
	_, err := receive(c.over)
	return err
}
