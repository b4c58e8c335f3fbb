package main

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/shopex/prism-go/notify"
)

type queuePeekCmd struct {
	queueOwner
	aQueue
	Count int    `short:"n" name:"count" placeholder:"N" default:"10" help:"At most this many (${default})."`
	After string `placeholder:"ID" help:"Begin behind the message with this ID, instead of at the head of the queue."`
	Grep  string `is:"bytes" placeholder:"TEXT" help:"Show only messages with this text in the routing key or in the body."`
}

// Help teaches by example.
func (*queuePeekCmd) Help() string {
	return `From the head of the queue, also those that a consumer holds. Nothing changes: the messages stay where they are. Each has an ID, the same in all queues, behind which --after goes on. With --output json there is one JSON object a line, with the whole body and with the publisher; in the table what is long ends with an ellipsis.

    prismctl queue peek orders
    prismctl queue peek orders -n 100 --after 9b4d1e00-1a2b3c
    prismctl queue peek --grep '"id": 7' --output json`
}

// Validate is called for the flags.
func (c *queuePeekCmd) Validate() error {
	if c.Count < 1 {
		return errors.New("-n must be 1 or more")
	}
	return nil
}

// Run shows messages.
func (c *queuePeekCmd) Run(ctx context.Context, t *tool) error {
	table := newPeekTable()
	show := table.add
	if t.Output == asJSON {
		show = t.printPeeked
	}
	err := c.queues(ctx, t, func(ctx context.Context, q *notify.QueueClient) error { return c.look(ctx, q, show) })
	if err != nil || t.Output == asJSON {
		return err
	}
	return table.print(t)
}

// peekPage is how many messages are asked for at once. A platform gives fewer when they
// are large.
const peekPage = 100

// look goes through the queue until it has shown what was asked for.
func (c *queuePeekCmd) look(ctx context.Context, q *notify.QueueClient, show func(*notify.Peeked) error) error {
	for shown, after := 0, c.After; ; {
		n := peekPage
		if c.Grep == "" {
			n = min(n, c.Count-shown)
		}
		page, err := q.Peek(ctx, c.Topic, notify.PeekOptions{After: after, N: n})
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			if !c.wants(&page[i]) {
				continue
			}
			if err := show(&page[i]); err != nil {
				return err
			}
			if shown++; shown == c.Count {
				return nil
			}
		}
		after = page[len(page)-1].ID
	}
}

func (c *queuePeekCmd) wants(m *notify.Peeked) bool {
	return strings.Contains(m.Key, c.Grep) || bytes.Contains(m.Body, []byte(c.Grep))
}
