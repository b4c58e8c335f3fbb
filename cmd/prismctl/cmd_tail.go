package main

import (
	"context"
	"errors"
	"time"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type tailCmd struct {
	connection
	Client     string `placeholder:"CLIENT-ID" help:"Only what this key does, or gets."`
	RoutingKey string `name:"routing-key" placeholder:"PATTERN" help:"Only messages with a routing key that the pattern matches."`
	API        string `name:"api" placeholder:"API" help:"Only calls of this API: PREFIX/ID, PREFIX for a whole service, or a path such as platform/notify."`
	Failed     bool   `help:"Only what was refused or failed."`
	Count      *int   `short:"n" name:"count" placeholder:"N" help:"End after this many."`
	Rate       int    `default:"1000" placeholder:"N" help:"At most so many a second (${default}); of more, a sample is shown, and how many others there were."`
}

// Help teaches by example.
func (*tailCmd) Help() string {
	return `Calls, connections, publishes, deliveries, acks and refusals, as they happen: those of the key itself, for an admin key all of its domain, and for an admin key of the domain default all, in every process of a cluster. A call that is kept has the ID for prismctl calls show.

    prismctl tail
    prismctl tail --failed
    prismctl tail --client buwb2lii --routing-key 'order.#'
    prismctl tail --api goods --output json

A connection that was lost is made again, and what happened in between is not shown. With -n the exit status is 4 if --timeout came first. Without -n it is 0 when --timeout, Ctrl-C or SIGTERM ends it.`
}

// Validate is called for the flags.
func (c *tailCmd) Validate() error {
	switch {
	case c.Count != nil && *c.Count < 1:
		return errors.New("-n must be 1 or more")
	case c.Rate < 1 || c.Rate > 10_000:
		return errors.New("--rate must be 1 to 10000")
	}
	return nil
}

// A tailing is one run of the command.
type tailing struct {
	*tailCmd
	t       *tool
	admin   *admin.Client
	reached bool // there was a connection
	lost    bool // there is none at the moment, and that was said
	shown   int
}

// Run shows what happens.
func (c *tailCmd) Run(ctx context.Context, t *tool) error {
	client, err := c.client(ctx, t)
	if err != nil {
		return err
	}
	ctx, cancel := c.within(ctx)
	defer cancel()
	f := &tailing{tailCmd: c, t: t, admin: admin.New(client)}
	err = exit.Attempt(ctx, c.URL, f.follow)
	switch {
	case err != nil && ctx.Err() == nil, !f.reached, c.Count != nil && !f.enough():
		return err
	}
	return nil
}

func (f *tailing) enough() bool { return f.Count != nil && f.shown >= *f.Count }

// follow shows what happens until it is enough, ctx ends, or there is no use in connecting
// again.
func (f *tailing) follow(ctx context.Context) error {
	pause := tailPause
	for {
		began := time.Now()
		err := f.show(ctx)
		switch {
		case f.enough():
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !f.reached, !passes(err), errors.As(err, new(*exit.Error)): // such as output that cannot be written
			return err
		}
		if !f.lost {
			f.lost = true
			f.t.notice("the connection was lost (%s); connecting again", words.Plain(err))
		}
		if pause = min(2*pause, longestTailPause); time.Since(began) > longestTailPause {
			pause = tailPause
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// How long it waits before it connects again.
const (
	tailPause        = 250 * time.Millisecond
	longestTailPause = 5 * time.Second
)

// show shows what comes over one connection.
func (f *tailing) show(ctx context.Context) error {
	filter := admin.TailFilter{Key: f.Client, RoutingKey: f.RoutingKey, API: f.API, Failed: f.Failed, Rate: f.Rate}
	for a, err := range f.admin.Tail(ctx, filter) {
		if err != nil {
			return err
		}
		if a.Event == "begin" {
			f.began()
		}
		if err := f.t.printActivity(&a, !f.reached); err != nil {
			return err
		}
		if f.reached = true; a.Event != "begin" && a.Event != "missed" {
			f.shown++
		}
		if f.enough() {
			return nil
		}
	}
	return nil
}

func (f *tailing) began() {
	if f.lost {
		f.lost = false
		f.t.notice("connected again; what happened in between is missing here")
	}
}
