package main

import (
	"bytes"
	"context"

	"github.com/shopex/prism-go/platform"
)

// openDepth keeps so many messages in the queue that is consumed: the consumer
// takes from its head as many as come in at its end.
func openDepth(open func() (*engine, error), _ int) (*ground, error) {
	g := newGate()
	g.let(1) // the first message of a way
	w, err := openWay(open, 0, g.handle)
	if err != nil {
		return nil, err
	}
	w.let = g.let
	return &ground{way: w, set: w.deepen, end: g.remove}, nil
}

// deepen fills the queue, or empties it first if it has more.
func (w *way) deepen(n int) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	has, err := w.depth(ctx)
	if err == nil && has > n {
		if err = w.engine.queues.Purge(ctx, benchKey, ""); err == nil {
			has, err = w.depth(ctx)
		}
	}
	for err == nil && has < n {
		some := messages(min(n-has, 256))
		has += len(some)
		_, err = w.engine.queues.Publish(ctx, benchKey, some...)
	}
	return err
}

func (w *way) depth(ctx context.Context) (int, error) {
	status, err := w.engine.queues.Status(ctx, benchKey, "")
	return status.Ready + status.Unacknowledged, err
}

func messages(n int) []*platform.Message {
	all := make([]*platform.Message, n)
	for i := range all {
		all[i] = &platform.Message{Key: message.Key, ContentType: "text/plain", ClientID: benchKey, Body: bytes.Clone(message.Body)}
	}
	return all
}
