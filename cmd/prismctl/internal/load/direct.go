package load

import (
	"bytes"
	"context"
	"sync"

	"github.com/shopex/prism-go/notify"
)

// A sender is what a publisher sends by.
type sender interface {
	PublishMessage(ctx context.Context, m notify.Message) error
	PublishAsync(ctx context.Context, m notify.Message, done func(error)) error
	Close(ctx context.Context) error
	Stats() notify.PublisherStats
}

// directCalls is how many messages a direct sender writes at a time where nobody waits for
// the confirmation of each.
const directCalls = 16

// direct writes into one queue by calls, past the routing.
type direct struct {
	queues *notify.QueueClient
	topic  string
	room   chan struct{}
	calls  sync.WaitGroup
}

func newDirect(queues *notify.QueueClient, topic string) *direct {
	return &direct{queues: queues, topic: topic, room: make(chan struct{}, directCalls)}
}

func (d *direct) PublishMessage(ctx context.Context, m notify.Message) error {
	_, err := d.queues.WriteReceipt(ctx, d.topic, m)
	return err
}

func (d *direct) PublishAsync(ctx context.Context, m notify.Message, done func(error)) error {
	select {
	case d.room <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	m.Body = bytes.Clone(m.Body) // as the caller goes on with its own
	d.calls.Go(func() {
		defer func() { <-d.room }()
		done(d.PublishMessage(ctx, m))
	})
	return nil
}

// Close waits for the calls, which end with the contexts that they were made with.
func (d *direct) Close(context.Context) error {
	d.calls.Wait()
	return nil
}

func (d *direct) Stats() notify.PublisherStats { return notify.PublisherStats{} }
