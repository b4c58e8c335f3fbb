package main

import (
	"context"

	"github.com/shopex/prism-go/admin"
)

type appCreateCmd struct {
	connection
	Name    string `arg:"" help:"The name of the app, for people."`
	ID      string `name:"id" placeholder:"ID" help:"Its ID, of letters, digits, - and _. Without it the platform chooses one."`
	Summary string `placeholder:"TEXT" help:"What it is, for people."`

	Publish []string `sep:"none" placeholder:"PATTERN" help:"What its keys may publish; '#' is every routing key. May be repeated. Without it, nothing."`
	Listen  []string `sep:"none" placeholder:"PATTERN" help:"What its queues may get, likewise."`
}

// Help teaches by example.
func (*appCreateCmd) Help() string {
	return `Until it is said, by these flags or by "prismctl app publish" and "prismctl app listen", the app may publish and listen to nothing.

    prismctl app create 'My shop' --id shop --publish 'order.#' --listen 'stock.#'
    prismctl app create 'The ERP' --id erp --listen '#'`
}

// Run makes an app and shows it.
func (c *appCreateCmd) Run(ctx context.Context, t *tool) error {
	return c.appOf(ctx, t, func(ctx context.Context, a *admin.Client) (*admin.App, error) {
		return a.CreateApp(ctx, admin.NewApp{ID: c.ID, Name: c.Name, Summary: c.Summary, Publish: c.Publish, Listen: c.Listen})
	})
}
