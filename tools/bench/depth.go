package main

import (
	"bytes"
	"context"
	"math"

	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/platform"
)

// openDepth keeps so many messages in the queue that is consumed: the consumer
// takes from its head as many as come in at its end.
func openDepth(open func() (*engine, error), _ int) (*way, error) {
	more := make(chan struct{}, math.MaxInt32) // empty values take no memory
	gone := make(chan struct{})
	more <- struct{}{} // for the first message of a way
	w, err := openWay(open, 0, func(context.Context, *notify.Delivery) error {
		select {
		case <-more:
		case <-gone:
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	w.let = func(n int) {
		for range n {
			more <- struct{}{}
		}
	}
	w.set, w.end = w.deepen, func() { close(gone) }
	return w, nil
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
		_, err = w.engine.queues.Publish(ctx, exchange, some...)
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
