package main

import (
	"context"
	"errors"

	"github.com/shopex/prism-go/notify"
)

type queueParkedCmd struct {
	queueOwner
	parkedChoice
	Count *int   `short:"n" name:"count" placeholder:"N" help:"At most this many."`
	After string `placeholder:"ID" help:"Begin behind the place of this message, instead of at the head of the queue."`
	// DryRun means nothing here: what chooses messages for unpark can be tried with parked.
	DryRun bool `hidden:""`
}

// Help teaches by example.
func (*queueParkedCmd) Help() string {
	return `A message is parked when it has failed as often as --max-attempts of "prismctl queue limit" says, or when a consumer parks it. It stays in its queue and no longer comes, until "prismctl queue unpark" puts it back or "prismctl queue discard" removes it. With --output json there is one JSON object a line, with the whole reason, the body, the publisher, and who had it last.

    prismctl queue parked orders
    prismctl queue parked orders --routing-key 'order.#' --older 24h
    prismctl queue parked orders --reason timeout --output json`
}

// Validate is called for the flags.
func (c *queueParkedCmd) Validate() error {
	if c.Count != nil && *c.Count < 1 {
		return errors.New("-n must be 1 or more")
	}
	return c.check()
}

// Run shows parked messages.
func (c *queueParkedCmd) Run(ctx context.Context, t *tool) error {
	ids, err := c.given(ctx, t)
	if err != nil {
		return err
	}
	table := newParkedTable()
	show, shown := table.add, 0
	if t.Output == asJSON {
		show = t.printParked
	}
	err = c.queues(ctx, t, func(ctx context.Context, q *notify.QueueClient) error {
		return c.each(ctx, q, c.After, ids, func(m *notify.Parked) (more bool, err error) {
			err = show(m)
			shown++
			return c.Count == nil || shown < *c.Count, err
		})
	})
	if err != nil || t.Output == asJSON {
		return err
	}
	return table.print(t)
}
