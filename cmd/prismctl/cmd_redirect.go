package main

import (
	"context"
	"errors"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type appRedirectCmd struct {
	List   redirectListCmd   `cmd:"" help:"List the addresses of an app, one a line."`
	Add    redirectAddCmd    `cmd:"" help:"Register an address of an app."`
	Remove redirectRemoveCmd `cmd:"" help:"Take an address away."`
}

// Help teaches by example.
func (*appRedirectCmd) Help() string {
	return `A browser is sent back to an app only at an address that is registered, exactly as it is; only the port of 127.0.0.1, [::1] and localhost is free. That is redirect_uri, both after a login and after a logout. It counts at once, and stays so at the next start of "prismctl serve" as long as its settings do not change.

    prismctl app redirect add shop https://shop.example/callback`
}

type redirectListCmd struct {
	connection
	anApp
}

// Run lists the addresses.
func (c *redirectListCmd) Run(ctx context.Context, t *tool) error {
	var uris []string
	err := c.provision(ctx, t, func(ctx context.Context, a *admin.Client) (err error) {
		uris, err = a.Redirects(ctx, c.ID)
		return err
	})
	if err != nil {
		return err
	}
	if t.Output == asJSON {
		return t.printJSON(uris)
	}
	rows := make([][]string, len(uris))
	for i, uri := range uris {
		rows[i] = []string{words.Shown(uri)}
	}
	return t.printTable(rows)
}

// aRedirect is an address of an app.
type aRedirect struct {
	anApp
	Address string `arg:"" name:"url" help:"The address, such as https://shop.example/callback."`
}

// Validate is called for the arguments.
func (a *aRedirect) Validate() error {
	if a.Address == "" {
		return errors.New("the address is empty: give one such as https://shop.example/callback")
	}
	return a.anApp.Validate()
}

type redirectAddCmd struct {
	connection
	aRedirect
}

// Run registers an address.
func (c *redirectAddCmd) Run(ctx context.Context, t *tool) error {
	return c.provisioned(ctx, t, "app "+words.Shown(c.ID)+" may be returned to at "+words.Shown(c.Address), func(ctx context.Context, a *admin.Client) error {
		return a.AddRedirect(ctx, c.ID, c.Address)
	})
}

type redirectRemoveCmd struct {
	connection
	aRedirect
	destructive
}

// Run takes an address away.
func (c *redirectRemoveCmd) Run(ctx context.Context, t *tool) error {
	return c.provisioned(ctx, t, "app "+words.Shown(c.ID)+" may no longer be returned to at "+words.Shown(c.Address), func(ctx context.Context, a *admin.Client) error {
		return a.RemoveRedirect(ctx, c.ID, c.Address)
	})
}
