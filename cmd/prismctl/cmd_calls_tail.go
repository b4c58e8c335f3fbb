package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/shopex/prism-go/admin"
)

type callsTailCmd struct {
	connection
	Follow  bool   `short:"f" help:"Go on with the calls that come, until Ctrl-C."`
	Count   int    `short:"n" name:"count" placeholder:"N" default:"20" help:"At most this many of the last ones (${default})."`
	Client  string `placeholder:"CLIENT-ID" names:"key" help:"Only calls of this key."`
	App     string `placeholder:"APP" names:"app" help:"Only calls of this app."`
	Service string `placeholder:"PREFIX" names:"service" help:"Only calls to this service."`
	API     string `name:"api" placeholder:"ID" help:"Only calls to this API."`
	Failed  bool   `help:"Only calls that were refused or failed."`
}

// Validate is called for the flags.
func (c *callsTailCmd) Validate() error {
	if c.Count < 1 || c.Count > 200 {
		return errors.New("-n must be 1 to 200")
	}
	return nil
}

// followEvery is how often it is asked for calls that came.
const followEvery = time.Second

// Run shows calls, the newest last.
func (c *callsTailCmd) Run(ctx context.Context, t *tool) error {
	filter := admin.CallFilter{Key: c.Client, App: c.App, Service: c.Service, API: c.API, Failed: c.Failed}
	return c.provision(ctx, t, func(ctx context.Context, a *admin.Client) error {
		calls, cursor, err := a.Calls(ctx, filter, c.Count)
		if err != nil {
			return err
		}
		slices.Reverse(calls)
		if err := t.printCalls(calls, true); err != nil || !c.Follow {
			return err
		}
		for {
			select {
			case <-time.After(followEvery):
			case <-ctx.Done():
				return ctx.Err()
			}
			if calls, cursor, err = a.CallsAfter(ctx, cursor, filter, 200); err != nil {
				return err
			}
			if err := t.printCalls(calls, false); err != nil {
				return err
			}
		}
	})
}
