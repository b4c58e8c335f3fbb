package main

import (
	"context"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type appDisableCmd struct {
	connection
	anApp
	destructive
}

// Run disables an app.
func (c *appDisableCmd) Run(ctx context.Context, t *tool) error {
	return c.provisioned(ctx, t, "disabled app "+words.Shown(c.ID)+": its keys are refused, and its queues go on to get messages", func(ctx context.Context, a *admin.Client) error {
		return a.DisableApp(ctx, c.ID)
	})
}

type appEnableCmd struct {
	connection
	anApp
}

// Run enables an app.
func (c *appEnableCmd) Run(ctx context.Context, t *tool) error {
	return c.provisioned(ctx, t, "enabled app "+words.Shown(c.ID), func(ctx context.Context, a *admin.Client) error {
		return a.EnableApp(ctx, c.ID)
	})
}

func appState(a *admin.App) string {
	if a.Disabled {
		return "disabled"
	}
	return "enabled"
}
