package main

import (
	"context"
	"errors"
	"fmt"

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
func (c *connection) queues(ctx context.Context, t *tool, do func(context.Context, *notify.Queues) error) error {
	return c.with(ctx, t, func(ctx context.Context, client *prism.Client) error { return do(ctx, notify.NewQueues(client)) })
}

// change is queues for what has no result; then it says what was done.
func (c *connection) change(ctx context.Context, t *tool, done string, do func(context.Context, *notify.Queues) error) error {
	if err := c.queues(ctx, t, do); err != nil {
		return err
	}
	return t.printDone(done)
}

type queueListCmd struct{ connection }

// Run prints one topic a line; the default queue has none.
func (c *queueListCmd) Run(ctx context.Context, t *tool) error {
	var topics []string
	err := c.queues(ctx, t, func(ctx context.Context, q *notify.Queues) (err error) {
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
	return c.change(ctx, t, "created "+words.Queue(c.Topic), func(ctx context.Context, q *notify.Queues) error {
		return q.Create(ctx, c.Topic)
	})
}

type queueDropCmd struct {
	connection
	aTopic
}

// Run removes a queue.
func (c *queueDropCmd) Run(ctx context.Context, t *tool) error {
	return c.change(ctx, t, "dropped "+words.Queue(c.Topic), func(ctx context.Context, q *notify.Queues) error {
		return q.Drop(ctx, c.Topic)
	})
}

type queuePurgeCmd struct {
	connection
	aQueue
}

// Run empties a queue.
func (c *queuePurgeCmd) Run(ctx context.Context, t *tool) error {
	return c.change(ctx, t, "purged "+words.Queue(c.Topic), func(ctx context.Context, q *notify.Queues) error {
		return q.Purge(ctx, c.Topic)
	})
}

type queueStatusCmd struct {
	connection
	aQueue
}

// Run counts.
func (c *queueStatusCmd) Run(ctx context.Context, t *tool) error {
	var s notify.Status
	err := c.queues(ctx, t, func(ctx context.Context, q *notify.Queues) (err error) {
		s, err = q.Status(ctx, c.Topic)
		return err
	})
	switch {
	case err != nil:
		return err
	case t.Output == asJSON:
		return t.printJSON(s)
	}
	c.warn(t, &s)
	return t.println("%-17s %d\n%-17s %d\n%-17s %d\n%-17s %d", "messages", s.Messages,
		"  ready", s.Ready, "  unacknowledged", s.Unacknowledged, "consumers", s.Consumers)
}

// warn tells of a queue that fills and that nobody empties.
func (c *queueStatusCmd) warn(t *tool, s *notify.Status) {
	if full := s.Full(); s.Consumers == 0 && full >= 0.5 {
		t.notice("%s is %.0f%% full and nobody consumes it: when it is full, what is published to it is refused.\n"+
			"Consume it, empty it by \"prismctl queue purge\", or see to it by \"prismctl queue unbind\" that it gets no more",
			words.Queue(c.Topic), 100*full)
	}
}

type queueBindCmd struct {
	connection
	Topic   string `arg:"" help:"The queue, made if it is not there; '' is the default queue."`
	Pattern string `arg:"" help:"Words with dots between; * is any one word, # any number of words."`
}

// Help teaches by example.
func (*queueBindCmd) Help() string {
	return `A published message goes to each queue that is bound to a pattern which its routing key matches.

    prismctl queue bind orders 'order.*'
    prismctl queue bind everything '#'`
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
	done := fmt.Sprintf("bound %s to %s", words.Queue(c.Topic), words.Shown(c.Pattern))
	return c.change(ctx, t, done, func(ctx context.Context, q *notify.Queues) error {
		err := q.Bind(ctx, c.Topic, c.Pattern)
		if err == nil && c.Topic != "" {
			c.warn(ctx, t, q)
		}
		return err
	})
}

// warn says that the default queue goes on getting its copies, beside the queue that
// was bound. Other platforms may not say what it is bound to.
func (c *queueBindCmd) warn(ctx context.Context, t *tool, q *notify.Queues) {
	patterns, err := q.Bindings(ctx, "")
	if err != nil || len(patterns) == 0 {
		return
	}
	if s, err := q.Status(ctx, ""); err == nil && s.Consumers == 0 {
		t.notice("the default queue is bound to %s, too, and nobody consumes it: it gets its copies until it is full, and then publishing is refused.\n"+
			"If it is not needed: prismctl queue unbind '' '%[1]s'", words.Shown(patterns[0]))
	}
}

type queueUnbindCmd struct {
	connection
	Topic   string `arg:"" help:"The queue; '' is the default queue."`
	Pattern string `arg:"" help:"The pattern as it was bound."`
}

// Help teaches by example.
func (*queueUnbindCmd) Help() string {
	return `What the queue holds stays. The default queue is bound to # from the beginning: unbind it when only other queues are consumed.

    prismctl queue unbind orders 'order.*'
    prismctl queue unbind '' '#'`
}

// Run undoes a bind.
func (c *queueUnbindCmd) Run(ctx context.Context, t *tool) error {
	done := fmt.Sprintf("unbound %s from %s", words.Queue(c.Topic), words.Shown(c.Pattern))
	return c.change(ctx, t, done, func(ctx context.Context, q *notify.Queues) error {
		return q.Unbind(ctx, c.Topic, c.Pattern)
	})
}

type queueReadCmd struct {
	connection
	aQueue
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
	err := c.queues(ctx, t, func(ctx context.Context, q *notify.Queues) (err error) {
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
