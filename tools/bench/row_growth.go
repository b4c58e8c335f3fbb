package main

import (
	"context"
	"fmt"
)

// A growth has the same work on both sides, beside little of something and
// beside much of it.
type growth struct {
	small, big int
	engine     func() (*engine, error)
	open       func(engine func() (*engine, error), most int) (*way, error)
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

// openTopics binds topics that get nothing, as their patterns match no message.
func openTopics(open func() (*engine, error), _ int) (*way, error) {
	w, err := openWay(open, 0, accept)
	if err != nil {
		return nil, err
	}
	bound, queues := 0, w.engine.queues
	w.set = func(n int) (err error) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		for ; err == nil && bound < n; bound++ {
			err = queues.Bind(ctx, benchKey, topicName(bound), fmt.Sprintf("order.%d.*", bound))
		}
		for ; err == nil && bound > n; bound-- {
			err = queues.Drop(ctx, benchKey, topicName(bound-1))
		}
		return err
	}
	return w, nil
}

func topicName(n int) string { return fmt.Sprintf("topic%d", n) }
