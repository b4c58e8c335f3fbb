package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type apiUnbindCmd struct {
	connection
	destructive
	aBinding
	Path *string `placeholder:"PATH|ID" help:"Only the binding to this API, as \"prismctl api bound\" names it; * is that to all APIs."`
}

// Validate is called for the flags.
func (c *apiUnbindCmd) Validate() error {
	if c.Path != nil && *c.Path == "" {
		return errors.New("--path is empty: name an API, or leave it out to take all bindings away")
	}
	return nil
}

// Help teaches by example.
func (*apiUnbindCmd) Help() string {
	return `It counts from the next call on. Without --path all bindings of the app to the service are taken away; with --path that one only, and what another one allows is allowed still.

    prismctl api unbind sysgoods shop
    prismctl api unbind sysgoods shop --path item.get`
}

// Run takes bindings away.
func (c *apiUnbindCmd) Run(ctx context.Context, t *tool) error {
	var taken []admin.Binding
	err := c.provision(ctx, t, func(ctx context.Context, a *admin.Client) (err error) {
		taken, err = c.take(ctx, a)
		return err
	})
	switch {
	case err != nil:
		return err
	case len(taken) == 0 && c.Path == nil:
		return fmt.Errorf("app %s is not bound to %s: \"prismctl api bound %[1]s\" lists what it may call", words.Shown(c.App), words.Shown(c.Service))
	case len(taken) == 0:
		return fmt.Errorf("app %s has no binding to %s: \"prismctl api bound %[1]s\" lists those that it has", words.Shown(c.App), c.what(*c.Path))
	case t.Output == asJSON:
		return printEach(taken, t.printBound)
	}
	return printEach(taken, func(b admin.Binding) error {
		return t.println("app %s is not bound to %s any more", words.Shown(c.App), c.what(b.Path))
	})
}

func (c *apiUnbindCmd) take(ctx context.Context, a *admin.Client) ([]admin.Binding, error) {
	if c.Path == nil {
		return a.UnbindService(ctx, c.App, c.Service)
	}
	return a.UnbindAPI(ctx, c.App, c.Service, *c.Path)
}
