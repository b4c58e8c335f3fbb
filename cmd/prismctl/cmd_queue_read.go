package main

import (
	"context"
	"errors"

	"github.com/shopex/prism-go/notify"
)

type queueReadCmd struct {
	queueOwner
	aQueue
	destructive
	Count int `short:"n" name:"count" placeholder:"N" default:"1" help:"At most this many (${default})."`
}

// Help teaches by example.
func (*queueReadCmd) Help() string {
	return `One JSON object a line, as "prismctl consume" prints it, without a tag. The messages are gone then; "prismctl consume" loses none.

    prismctl queue read orders -n 10`
}

// Validate is called for the flags.
func (c *queueReadCmd) Validate() error {
	if c.Count < 1 {
		return errors.New("-n must be 1 or more")
	}
	return nil
}

// Run reads messages.
func (c *queueReadCmd) Run(ctx context.Context, t *tool) error {
	var read []*notify.Delivery
	err := c.queues(ctx, t, func(ctx context.Context, q *notify.QueueClient) (err error) {
		read, err = q.Read(ctx, c.Topic, c.Count)
		return err
	})
	for _, d := range read {
		if err == nil {
			err = t.printDelivery(d)
		}
	}
	return err
}
