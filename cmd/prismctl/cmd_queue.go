package main

import (
	"context"
	"errors"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
)

type queueCmd struct {
	List   queueListCmd   `cmd:"" help:"Name the queues."`
	Create queueCreateCmd `cmd:"" help:"Make a queue."`
	Drop   queueDropCmd   `cmd:"" help:"Remove a queue with its messages and bindings."`
	Purge  queuePurgeCmd  `cmd:"" help:"Remove the messages that no consumer holds."`
	Status queueStatusCmd `cmd:"" help:"Count the messages and consumers of a queue."`
	Bind   queueBindCmd   `cmd:"" help:"Route messages into a queue, by a pattern."`
	Unbind queueUnbindCmd `cmd:"" help:"Undo a bind."`
	Write  queueWriteCmd  `cmd:"" help:"Put a message into one queue, past all routing."`
	Read   queueReadCmd   `cmd:"" help:"Take messages out of a queue, at most once."`
}

// Help teaches by example.
func (*queueCmd) Help() string {
	return `A queue belongs to the key and has a topic as its name; the empty topic is the default queue.

    prismctl queue create orders
    prismctl queue bind orders 'order.#'
    prismctl publish order.new 'hello world'
    prismctl queue status orders
    prismctl queue read orders`
}

// queues does something with the queues of the key.
func (c *connection) queues(ctx context.Context, t *tool, do func(context.Context, *notify.QueueClient) error) error {
	return c.with(ctx, t, func(ctx context.Context, client *prism.Client) error { return do(ctx, notify.NewQueueClient(client)) })
}

// change is queues for what has no result; then it says what was done.
func (c *connection) change(ctx context.Context, t *tool, done string, do func(context.Context, *notify.QueueClient) error) error {
	if err := c.queues(ctx, t, do); err != nil {
		return err
	}
	return t.printDone(done)
}

type queueListCmd struct{ connection }

// Run prints one topic a line; the default queue has none.
func (c *queueListCmd) Run(ctx context.Context, t *tool) error {
	var topics []string
	err := c.queues(ctx, t, func(ctx context.Context, q *notify.QueueClient) (err error) {
		topics, err = q.Topics(ctx)
		return err
	})
	for _, topic := range topics {
		if err != nil {
			break
		}
		if t.Output == asJSON {
			err = t.printJSON(map[string]string{"topic": topic})
		} else {
			err = t.println("%s", words.Shown(topic))
		}
	}
	return err
}

// aTopic is the argument of commands that need one.
type aTopic struct {
	Topic string `arg:"" help:"The name of the queue."`
}

// Validate is called for the argument.
func (a *aTopic) Validate() error {
	if a.Topic == "" {
		return errors.New("the topic is empty: the default queue is always there")
	}
	return nil
}

// aQueue is the argument of commands for any queue.
type aQueue struct {
	Topic string `arg:"" optional:"" help:"The name of the queue. Without it, the default queue of the key."`
}

type queueCreateCmd struct {
	connection
	aTopic
}

// Run makes a queue.
func (c *queueCreateCmd) Run(ctx context.Context, t *tool) error {
	return c.change(ctx, t, "created "+words.Queue(c.Topic), func(ctx context.Context, q *notify.QueueClient) error {
		return q.Create(ctx, c.Topic)
	})
}

type queueDropCmd struct {
	connection
	aTopic
}

// Run removes a queue.
func (c *queueDropCmd) Run(ctx context.Context, t *tool) error {
	return c.change(ctx, t, "dropped "+words.Queue(c.Topic), func(ctx context.Context, q *notify.QueueClient) error {
		return q.Drop(ctx, c.Topic)
	})
}

type queuePurgeCmd struct {
	connection
	aQueue
}

// Run empties a queue.
func (c *queuePurgeCmd) Run(ctx context.Context, t *tool) error {
	return c.change(ctx, t, "purged "+words.Queue(c.Topic), func(ctx context.Context, q *notify.QueueClient) error {
		return q.Purge(ctx, c.Topic)
	})
}
