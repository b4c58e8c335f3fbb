package main

import (
	"context"
	"fmt"

	"github.com/shopex/prism-go/platform"
)

// A growth has the same work on both sides, beside little of something and
// beside much of it.
type growth struct {
	small, big int
	engine     func() (*engine, error)
	open       func(engine func() (*engine, error), most int) (*ground, error)
}

// A ground is a way of which one thing can grow.
type ground struct {
	*way
	set func(n int) error // until there are n
	end func()            // before it is closed
}

// contest makes both sides one platform, which shrinks and grows between the
// measurements: otherwise the collector would charge each with the other's heap.
func (g *growth) contest() (*contest, error) {
	on, err := g.open(g.engine, g.big)
	if err != nil {
		return nil, err
	}
	ready := func(ours bool) error {
		n := g.small
		if ours {
			n = g.big
		}
		if err := on.set(n); err != nil {
			return err
		}
		return on.pass(settling)
	}
	return &contest{ours: on.pass, floor: on.pass, ready: ready, close: on.close}, nil
}

// settling is how many messages pass before each measurement, so that what
// growing and shrinking have left to do is done.
const settling = 2000

func (g *ground) close() {
	g.end()
	g.way.close()
}

// openTopics binds topics that get nothing, as their patterns match no message.
func openTopics(open func() (*engine, error), _ int) (*ground, error) {
	w, err := openWay(open, 0, accept)
	if err != nil {
		return nil, err
	}
	b := &board{queues: w.engine.queues}
	return &ground{way: w, set: b.set, end: func() {}}, nil
}

// A board is the topics that are bound.
type board struct {
	queues platform.Queues
	bound  int
}

func (b *board) set(n int) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for ; err == nil && b.bound < n; b.bound++ {
		err = b.queues.Bind(ctx, benchKey, topicName(b.bound), fmt.Sprintf("order.%d.*", b.bound))
	}
	for ; err == nil && b.bound > n; b.bound-- {
		err = b.queues.Drop(ctx, benchKey, topicName(b.bound-1))
	}
	return err
}

func topicName(n int) string { return fmt.Sprintf("topic%d", n) }
