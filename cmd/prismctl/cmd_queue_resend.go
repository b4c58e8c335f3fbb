package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
)

type queueResendCmd struct {
	queueOwner
	First string  `arg:"" names:"queue" name:"topic-or-id" help:"The queue; or the ID, if it is the only argument, of a message in the default queue of the key."`
	ID    *string `arg:"" optional:"" help:"The ID of the message."`
}

// Help teaches by example.
func (*queueResendCmd) Help() string {
	return `A parked message is put back at its place, and comes again at once. Of one that waits in the queue or that a consumer holds, it says so and changes nothing: that one comes anyway, or comes again if it is not acknowledged. A message that was acknowledged is gone.

    prismctl queue resend orders 9b4d1e00-1a2b3c
    prismctl queue resend 9b4d1e00-1a2b3c`
}

// Validate is called for the arguments.
func (c *queueResendCmd) Validate() error {
	if c.ID != nil && *c.ID == "" || c.ID == nil && c.First == "" {
		return errors.New("the ID of the message is empty")
	}
	return nil
}

// A resentLine says what became of a message.
type resentLine struct {
	ID     string `json:"id"`
	Resent bool   `json:"resent"`
	State  string `json:"state"` // ready, or held by a consumer
}

// Run puts a message back.
func (c *queueResendCmd) Run(ctx context.Context, t *tool) error {
	topic, id := "", c.First
	if c.ID != nil {
		topic, id = c.First, *c.ID
	}
	line := resentLine{ID: id, State: "ready"}
	err := c.queues(ctx, t, func(ctx context.Context, q *notify.QueueClient) error {
		n, err := q.Unpark(ctx, topic, id)
		if line.Resent = n > 0; err != nil || line.Resent {
			return err
		}
		m, err := find(ctx, q, topic, id)
		if err == nil && m == nil {
			err = exit.With(exit.Refused, fmt.Errorf("message %s is not in %s: it was acknowledged, removed or dropped, or is in another queue", words.Shown(id), c.named(topic)))
		}
		if m != nil && m.Held {
			line.State = "held"
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case t.Output == asJSON:
		return t.printJSON(line)
	case line.Resent:
		return t.println("put message %s back into %s", words.Shown(id), c.named(topic))
	case line.State == "held":
		return t.println("a consumer holds message %s: it comes again if that does not acknowledge it", words.Shown(id))
	}
	return t.println("message %s waits in %s: it comes anyway", words.Shown(id), c.named(topic))
}

// find looks for a message that is not parked, and returns nil if there is none.
func find(ctx context.Context, q *notify.QueueClient, topic, id string) (*notify.Peeked, error) {
	for after := ""; ; {
		page, err := q.Peek(ctx, topic, notify.PeekOptions{After: after, N: peekPage})
		if err != nil || len(page) == 0 {
			return nil, err
		}
		for i := range page {
			if page[i].ID == id {
				return &page[i], nil
			}
		}
		after = page[len(page)-1].ID
	}
}
