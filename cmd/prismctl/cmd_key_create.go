package main

import (
	"context"
	"fmt"
	"time"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
)

type keyCreateCmd struct {
	connection
	anApp
	Notes   string   `placeholder:"TEXT" help:"What it is for, for people."`
	Meta    metaFlag `placeholder:"NAME=VALUE" help:"Something to keep with it. May be repeated."`
	Bind    []string `sep:"none" placeholder:"PATTERN" help:"Bind its default queue to this pattern, which its app must be allowed to listen to. May be repeated. Without it, what the settings of the platform say."`
	Expires string   `placeholder:"TIME|D" help:"When it is refused from: a date such as 2030-01-31, a time such as 2030-01-31T12:00:00Z, or a duration from now such as 720h. Without it, never."`

	ErrorCodes string `placeholder:"word|prism" help:"How errors of its calls are coded, whatever --error-codes of the platform says."`

	expires func(now time.Time) time.Time
}

// Help teaches by example.
func (*keyCreateCmd) Help() string {
	return `The secret is shown now and never again: "prismctl key rotate" gives the key a new one.

    prismctl key create shop
    prismctl key create shop --bind 'order.#' --bind stock.low
    prismctl key create shop --notes 'load test' --expires 24h
    prismctl key create shop --output json`
}

// AfterApply is called for the flags.
func (c *keyCreateCmd) AfterApply() (err error) {
	c.expires, err = parseExpires("--expires", c.Expires)
	return err
}

// parseExpires reads a time, or a duration that begins when the key is made.
func parseExpires(flag, text string) (func(now time.Time) time.Time, error) {
	at := func(fixed time.Time) func(time.Time) time.Time {
		return func(time.Time) time.Time { return fixed }
	}
	if text == "" {
		return at(time.Time{}), nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return func(now time.Time) time.Time { return now.Add(d) }, nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return at(day), nil
	}
	if moment, err := time.Parse(time.RFC3339, text); err == nil {
		return at(moment), nil
	}
	return nil, fmt.Errorf("%s: %q is no time: write 2030-01-31, 2030-01-31T12:00:00Z or 720h", flag, text)
}

// Run makes a key and shows it with its secret.
func (c *keyCreateCmd) Run(ctx context.Context, t *tool) error {
	now := time.Now()
	expires := c.expires(now)
	if !expires.IsZero() && !expires.After(now) {
		return exit.Usagef("--expires: %s has passed already, and a date is over as soon as its day begins", c.Expires)
	}
	return c.keyOf(ctx, t, func(ctx context.Context, a *admin.Client) (*admin.Key, error) {
		return a.CreateKey(ctx, c.ID, admin.NewKey{Notes: c.Notes, Meta: c.Meta, Expires: expires, Bindings: c.Bind, ErrorCodes: c.ErrorCodes})
	})
}
