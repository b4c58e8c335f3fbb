package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type callsTailCmd struct {
	connection
	Follow  bool   `short:"f" help:"Go on with the calls that come, until Ctrl-C, also while the platform is away for a while."`
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

// followEvery is how often it is asked for calls that came, and callsAtOnce how many an
// answer may have.
const (
	followEvery = time.Second
	callsAtOnce = 200
)

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
		return t.followCalls(ctx, a, filter, cursor)
	})
}

// followCalls prints calls as they come. It waits for a platform that is away for a while.
func (t *tool) followCalls(ctx context.Context, a *admin.Client, filter admin.CallFilter, cursor string) error {
	away, pause := false, followEvery
	for {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		calls, next, err := a.CallsAfter(ctx, cursor, filter, callsAtOnce)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !passes(err):
			return err
		case err != nil && !away:
			t.notice("%s\nIt is asked again until it answers, or until Ctrl-C.", words.Plain(err))
		case err == nil && away:
			t.notice("the platform answers again")
		}
		if pause = followEvery; len(calls) == callsAtOnce {
			pause = 0 // there are more
		}
		if away = err != nil; away {
			continue
		}
		cursor = next
		if err := t.printCalls(calls, false); err != nil {
			return err
		}
	}
}

// passes reports whether the cause of an error may be gone in a while: the platform is not
// reached, is starting, or is asked too often.
func passes(err error) bool {
	var refused *prism.Error
	return !errors.As(err, &refused) || refused.Status >= 500 || refused.Status == http.StatusTooManyRequests
}
