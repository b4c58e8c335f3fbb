package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/internal/topic"
	"github.com/shopex/prism-go/notify"
)

type queueBindCmd struct {
	queueOwner
	Topic   string `arg:"" names:"queue" help:"The queue, made if it is not there; '' is the default queue."`
	Pattern string `arg:"" help:"Words with dots between; * is any one word, # any number of words."`
}

// Help teaches by example.
func (*queueBindCmd) Help() string {
	return `What any key of the domain publishes goes to each queue that is bound to a pattern which its routing key matches, as far as the app of the queue's key may listen to it. "prismctl queue bindings" lists the patterns.

    prismctl queue bind orders 'order.*'
    prismctl queue bind everything '#'
    prismctl queue bind '' stock.low --of buwb2lii`
}

// Validate is called for the arguments.
func (c *queueBindCmd) Validate() error {
	if c.Pattern == "" {
		return errors.New("the pattern is empty: give one such as 'order.#'")
	}
	return nil
}

// Run binds a queue.
func (c *queueBindCmd) Run(ctx context.Context, t *tool) error {
	done := fmt.Sprintf("bound %s to %s", c.named(c.Topic), words.Shown(c.Pattern))
	return c.change(ctx, t, done, func(ctx context.Context, q *notify.QueueClient) error {
		err := q.Bind(ctx, c.Topic, c.Pattern)
		if word := topic.MixedWord(c.Pattern); err == nil && word != "" {
			t.notice("%s in the pattern is no wildcard and matches only itself: * and # stand alone between dots", words.Shown(word))
		}
		if err == nil && c.Topic != "" {
			c.warn(ctx, t, q)
		}
		return err
	})
}

// warn says that the default queue goes on getting its copies, beside the queue that
// was bound. Other platforms may not say what it is bound to.
func (c *queueBindCmd) warn(ctx context.Context, t *tool, q *notify.QueueClient) {
	bindings, err := q.Bindings(ctx, "")
	if err != nil || len(bindings) == 0 {
		return
	}
	if s, err := q.Status(ctx, ""); err == nil && s.Consumers == 0 {
		t.notice("the default queue is bound to %s, too, and nobody consumes it: it gets its copies until it is full, and then what its own key publishes is refused.\n"+
			"If it is not needed: prismctl queue unbind '' '%[1]s'%s", words.Shown(bindings[0].Pattern), c.flag())
	}
}

type queueUnbindCmd struct {
	queueOwner
	destructive
	Topic   string `arg:"" names:"queue" help:"The queue; '' is the default queue."`
	Pattern string `arg:"" help:"The pattern as it was bound."`
}

// Help teaches by example.
func (*queueUnbindCmd) Help() string {
	return `What the queue holds stays. The default queue of the first key of "prismctl serve" is bound to # from the beginning: unbind it when only other queues are consumed.

    prismctl queue unbind orders 'order.*'
    prismctl queue unbind '' '#'`
}

// Run undoes a bind.
func (c *queueUnbindCmd) Run(ctx context.Context, t *tool) error {
	done := fmt.Sprintf("unbound %s from %s", c.named(c.Topic), words.Shown(c.Pattern))
	return c.change(ctx, t, done, func(ctx context.Context, q *notify.QueueClient) error {
		return q.Unbind(ctx, c.Topic, c.Pattern)
	})
}
