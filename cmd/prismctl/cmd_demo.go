package main

import (
	"context"
	"log/slog"

	"github.com/alecthomas/kong"

	"github.com/shopex/prism-go/cmd/prismctl/internal/engine"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/internal/tour"
	"github.com/shopex/prism-go/platform"
)

type demoCmd struct{ settings.Storage }

// Help says what it shows.
func (*demoCmd) Help() string {
	return `Starts a platform on a free port of this machine and talks to it with the public packages over TCP: signed calls, the login of a user, an API that is offered, limited and taken back, publishing, consuming, acknowledging, a handler that fails, a connection that is cut and heals, a refused signature, a graceful end. Each step is checked, and the whole fits a terminal of 80 columns and 24 lines; with --output json each says more. The exit status is 0 only if all of it held. It takes a second or two, needs nothing, and leaves nothing behind but, with --data or --nats, an empty queue.

    prismctl demo
    prismctl demo --data ./data`
}

// AfterApply is called for the flags; the environment does not count.
func (c *demoCmd) AfterApply(k *kong.Context) error {
	return c.SettleFlags(k)
}

// Run goes on the tour. It uses no environment, so that it shows the same
// everywhere.
func (c *demoCmd) Run(ctx context.Context, t *tool) error {
	story := tour.Config{Open: c.open}
	if t.Output == asJSON {
		story.Step = func(s tour.Step) error { return t.printJSON(s) }
	} else {
		story.Line = func(text string) error { return t.println("%s", text) }
	}
	err := tour.Run(ctx, story)
	if err == nil || ctx.Err() != nil {
		return err
	}
	return exit.With(exit.Refused, err)
}

// open opens the engine that the flags describe.
func (c *demoCmd) open(ctx context.Context) (tour.Engine, error) {
	e, err := engine.Open(ctx, &c.Storage, 0, platform.QueueBounds{}, slog.New(slog.DiscardHandler))
	if err != nil {
		return tour.Engine{}, err
	}
	return tour.Engine{Store: e.Store, Queues: e.Queues, Close: e.Close}, nil
}
