package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/lifeline"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/notify"
)

type consumeCmd struct {
	connection
	Topic  string        `arg:"" optional:"" names:"queue" help:"The queue. Without it, the default queue of the key."`
	Create bool          `help:"Make the queue, if it is not there. It gets messages once it is bound."`
	Count  *int          `short:"n" name:"count" placeholder:"N" help:"End after this many deliveries."`
	NoAck  bool          `name:"no-ack" help:"Only look: acknowledge nothing, so that it all comes again."`
	Ping   time.Duration `placeholder:"D" help:"Time between two pings (30s). A platform that answers none is given up after the same time, at most 10s."`
}

// Help teaches by example.
func (c *consumeCmd) Help() string {
	return `One JSON object a line, each written before it is acknowledged; into a pipe, on Linux, read by the other end:

    $ prismctl consume orders -n 1
    {"tag":1,"key":"order.new","type":"text/plain","time":1400568648,"body":"hello world"}

A body that is no UTF-8 is in the member body_base64. A lost connection is made again; what was not acknowledged by then comes twice.

    prismctl consume --output text
    prismctl consume orders --create
    prismctl consume orders -n 10 --timeout 30s || echo "fewer than 10 came"
    prismctl consume orders --no-ack --timeout 1s

With -n the exit status is 4 if --timeout came first. Without -n it is 0 when --timeout, Ctrl-C or SIGTERM ends it. With --no-ack the platform stops delivering at its window (256).`
}

// Validate is called for the flags.
func (c *consumeCmd) Validate() error {
	switch {
	case c.Count != nil && *c.Count < 1:
		return errors.New("-n must be 1 or more")
	case c.Ping < 0:
		return errors.New("--ping must not be negative")
	}
	return nil
}

// Run prints deliveries.
func (c *consumeCmd) Run(ctx context.Context, t *tool) error {
	client, err := c.client(ctx, t)
	if err != nil {
		return err
	}
	ctx, cancel := c.within(ctx)
	defer cancel()
	if err := c.ensureQueue(ctx, client); err != nil {
		return err
	}
	ctx, line := lifeline.New(ctx, c.URL, t.notice)
	consumer, err := notify.NewConsumer(client, notify.ConsumerConfig{
		Topic: c.Topic, PingInterval: c.Ping, PongTimeout: min(c.Ping, 10*time.Second),
		OnConnect: line.OnConnect, OnDisconnect: line.OnDisconnect, OnError: line.OnError,
	})
	if err != nil {
		return err
	}
	done, err := c.print(ctx, t, consumer)
	if err != nil {
		return lifeline.Verdict(ctx, exit.With(exit.Refused, err))
	}
	return lifeline.Verdict(ctx, c.shortfall(ctx, done, line))
}

// ensureQueue says so if the queue is not there, which consuming would make without a word,
// or makes it. What else is wrong with the platform the connection tells.
func (c *consumeCmd) ensureQueue(ctx context.Context, client *prism.Client) error {
	if c.Topic == "" {
		return nil
	}
	queues := notify.NewQueueClient(client)
	if c.Create {
		return c.attempt(ctx, func(ctx context.Context) error { return queues.Create(ctx, c.Topic) })
	}
	ctx, cancel := context.WithTimeout(ctx, hintTime)
	defer cancel()
	var failure *prism.Error
	if _, err := queues.Status(ctx, c.Topic); errors.As(err, &failure) && failure.Code == code.UnknownTopic {
		return exit.With(exit.Refused, fmt.Errorf("there is no %s: --create makes it, \"prismctl queue list\" names the queues", words.Queue(c.Topic)))
	}
	return nil
}

// shortfall is the error for an end before it was enough.
func (c *consumeCmd) shortfall(ctx context.Context, done int, line *lifeline.Line) error {
	timedOut := errors.Is(ctx.Err(), context.DeadlineExceeded)
	switch {
	case timedOut && !line.Reached():
		return exit.With(exit.Timeout, errors.New("no connection to the platform within --timeout"))
	case c.Count == nil || done == *c.Count:
		return nil
	case timedOut:
		return exit.With(exit.Timeout, errors.New(words.Counted(done, "delivery", "deliveries")+" within --timeout, fewer than -n asks for"))
	}
	return ctx.Err()
}
