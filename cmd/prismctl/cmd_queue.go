package main

import (
	"context"

	"github.com/shopex/prism-go/notify"
)

type queueCmd struct {
	List      queueListCmd      `cmd:"" help:"List the queues, with how much is in them."`
	Create    queueCreateCmd    `cmd:"" help:"Make a queue."`
	Drop      queueDropCmd      `cmd:"" help:"Remove a queue with its messages and bindings."`
	Purge     queuePurgeCmd     `cmd:"" help:"Remove the messages that no consumer holds and that are not parked."`
	Status    queueStatusCmd    `cmd:"" help:"Count the messages and consumers of a queue."`
	Stats     queueStatsCmd     `cmd:"" help:"Show how a queue did within the last hour, or within 30 days."`
	Limit     queueLimitCmd     `cmd:"" help:"Show or change how much a queue holds, and what it does when it is full."`
	Bind      queueBindCmd      `cmd:"" help:"Route messages into a queue, by a pattern."`
	Unbind    queueUnbindCmd    `cmd:"" help:"Undo a bind."`
	Bindings  queueBindingsCmd  `cmd:"" help:"List the patterns that a queue is bound to."`
	Routes    queueRoutesCmd    `cmd:"" help:"Show which queues of the domain a routing key goes to, and why others that are bound to it do not get it."`
	Find      queueFindCmd      `cmd:"" help:"Show which queues of the domain have a message, and what has happened to it."`
	Consumers queueConsumersCmd `cmd:"" help:"Show the connections that consume a queue."`
	Peek      queuePeekCmd      `cmd:"" help:"Show messages of a queue, and leave them there."`
	Parked    queueParkedCmd    `cmd:"" help:"Show the messages of a queue that nobody could handle."`
	Unpark    queueUnparkCmd    `cmd:"" help:"Put parked messages back into their queue."`
	Discard   queueDiscardCmd   `cmd:"" help:"Remove parked messages for good."`
	Resend    queueResendCmd    `cmd:"" help:"Put one parked message back."`
	Write     queueWriteCmd     `cmd:"" help:"Put a message into one queue, past all routing."`
	Read      queueReadCmd      `cmd:"" help:"Take messages out of a queue, at most once."`
}

// Help teaches by example.
func (*queueCmd) Help() string {
	return `A queue belongs to a key and has a topic as its name; the empty topic is the default queue. What any key of the domain publishes goes to each queue that is bound to it. An admin key can do all of this for the queues of another key, by --of.

    prismctl queue create orders
    prismctl queue bind orders 'order.#'
    prismctl publish order.new 'hello world'
    prismctl queue peek orders
    prismctl queue status orders
    prismctl queue read orders`
}

type queueCreateCmd struct {
	queueOwner
	aTopic
}

// Run makes a queue.
func (c *queueCreateCmd) Run(ctx context.Context, t *tool) error {
	return c.change(ctx, t, "created "+c.named(c.Topic), func(ctx context.Context, q *notify.QueueClient) error {
		return q.Create(ctx, c.Topic)
	})
}

type queueDropCmd struct {
	queueOwner
	aTopic
	destructive
}

// Run removes a queue.
func (c *queueDropCmd) Run(ctx context.Context, t *tool) error {
	return c.change(ctx, t, "dropped "+c.named(c.Topic), func(ctx context.Context, q *notify.QueueClient) error {
		return q.Drop(ctx, c.Topic)
	})
}

type queuePurgeCmd struct {
	queueOwner
	aQueue
	destructive
	Parked bool `help:"Discard what is parked, too."`
}

// Run empties a queue.
func (c *queuePurgeCmd) Run(ctx context.Context, t *tool) error {
	return c.change(ctx, t, "purged "+c.named(c.Topic), func(ctx context.Context, q *notify.QueueClient) error {
		if c.Parked {
			return q.PurgeAll(ctx, c.Topic)
		}
		return q.Purge(ctx, c.Topic)
	})
}
