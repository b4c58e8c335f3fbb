package main

import (
	"context"
	"sync"

	"github.com/shopex/prism-go/notify"
)

// A gate is a handler that returns only as often as it is let to.
type gate struct {
	mu   sync.Mutex // guards what follows
	more sync.Cond
	left int
	gone bool
}

func newGate() *gate {
	g := &gate{}
	g.more.L = &g.mu
	return g
}

func (g *gate) let(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left += n
	g.more.Broadcast()
}

func (g *gate) remove() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gone = true
	g.more.Broadcast()
}

func (g *gate) handle(context.Context, *notify.Delivery) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.left == 0 && !g.gone {
		g.more.Wait()
	}
	g.left--
	return nil
}
