package main

import (
	"context"
	"errors"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// allowed is what an app is allowed.
type allowed struct {
	anApp
	Patterns []string `arg:"" optional:"" name:"pattern" help:"Words with dots between; * is any one word, # any number of words. They stand in place of what was allowed before; '#' alone allows every routing key."`
	None     bool     `help:"Allow none, instead of patterns."`
}

// Validate is called for the arguments. That of what is embedded is called too.
func (a *allowed) Validate() error {
	switch {
	case a.None && len(a.Patterns) > 0:
		return errors.New("--none and patterns exclude each other")
	case !a.None && len(a.Patterns) == 0:
		return errors.New("there is no pattern: give one such as 'order.#', '#' for every routing key, or --none")
	}
	return a.anApp.Validate()
}

type appPublishCmd struct {
	connection
	allowed
}

// Help teaches by example.
func (*appPublishCmd) Help() string {
	return `It counts at once, also for connections that are open. A message that is not allowed is refused.

    prismctl app publish shop 'order.#' stock.changed
    prismctl app publish shop --none`
}

// Run says what an app may publish.
func (c *appPublishCmd) Run(ctx context.Context, t *tool) error {
	done := "app " + words.Shown(c.ID) + " may publish: " + patternsFor(append([]string{}, c.Patterns...))
	return c.provisioned(ctx, t, done, func(ctx context.Context, a *admin.Client) error {
		return a.AllowPublish(ctx, c.ID, admin.Matching(c.Patterns...))
	})
}

type appListenCmd struct {
	connection
	allowed
}

// Help teaches by example.
func (*appListenCmd) Help() string {
	return `It counts at once. A message that is not allowed does not reach a queue of the app; what is in a queue stays there.

    prismctl app listen shop 'order.*'
    prismctl app listen shop '#'`
}

// Run says what an app may listen to.
func (c *appListenCmd) Run(ctx context.Context, t *tool) error {
	done := "app " + words.Shown(c.ID) + " listens to: " + patternsFor(append([]string{}, c.Patterns...))
	return c.provisioned(ctx, t, done, func(ctx context.Context, a *admin.Client) error {
		return a.AllowListen(ctx, c.ID, admin.Matching(c.Patterns...))
	})
}
