package main

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/lifeline"
	"github.com/shopex/prism-go/cmd/prismctl/internal/pipes"
	"github.com/shopex/prism-go/cmd/prismctl/internal/receipts"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
)

type consumeCmd struct {
	connection
	Topic string        `arg:"" optional:"" names:"queue" help:"The queue. Without it, the default queue of the key."`
	Count *int          `short:"n" name:"count" placeholder:"N" help:"End after this many deliveries."`
	NoAck bool          `name:"no-ack" help:"Only look: acknowledge nothing, so that it all comes again."`
	Ping  time.Duration `placeholder:"D" help:"Time between two pings (30s). A platform that answers none is given up after the same time, at most 10s."`
}

// Help teaches by example.
func (c *consumeCmd) Help() string {
	return `One JSON object a line, each written before it is acknowledged; into a pipe, on Linux, read by the other end:

    $ prismctl consume orders -n 1
    {"tag":1,"key":"order.new","type":"text/plain","time":1400568648,"body":"hello world"}

A body that is no UTF-8 is in the member body_base64. A lost connection is made again; what was not acknowledged by then comes twice.

    prismctl consume --output text
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

// print prints and acknowledges deliveries until there are enough, and returns
// how many that were. The connection outlives ctx until the reader of a pipe has
// taken what was printed.
func (c *consumeCmd) print(ctx context.Context, t *tool, consumer *notify.Consumer) (done int, err error) {
	connected, stop := context.WithCancel(context.WithoutCancel(ctx))
	out := pipes.Of(t.out)
	pipe := pipes.Count(connected, out)
	if pipe != nil {
		t.out = pipe
	}
	r := receipts.New(connected, stop, pipe)
	var watching sync.WaitGroup
	watching.Go(r.Watch)
	if out != nil {
		watching.Go(func() { r.WatchReader(ctx, out) })
	}
	defer context.AfterFunc(ctx, r.Finish)()
	err = c.printUntil(ctx, connected, t, consumer, r)
	stop()
	watching.Wait()
	done, lost := r.Outcome()
	if lost == pipes.ErrNoReader && c.Count != nil && done >= *c.Count {
		lost = nil // it had what it wanted
	}
	return done, cmp.Or(lost, err)
}

func (c *consumeCmd) printUntil(ctx, connected context.Context, t *tool, consumer *notify.Consumer, r *receipts.Receipts) error {
	for d, err := range consumer.Deliveries(connected) {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			<-connected.Done()
			return nil
		}
		if err := t.printDelivery(d); err != nil {
			if connected.Err() != nil {
				return nil // the reader stalls, and the command is at its end
			}
			r.Finish() // what the reader took before it went is acknowledged
			return err
		}
		if c.NoAck {
			r.Pass()
		} else {
			r.Add(d)
		}
		if c.Count != nil && r.Enough(*c.Count) {
			return nil
		}
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
