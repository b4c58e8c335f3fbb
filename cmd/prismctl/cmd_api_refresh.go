package main

import (
	"context"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type apiRefreshCmd struct {
	connection
	aService
	File   string `is:"file" arg:"" optional:"" help:"The new api.json, or - for standard input; without it the platform fetches it where it was imported from."`
	Force  bool   `help:"Take it also if that breaks callers, without asking."`
	DryRun bool   `help:"Show what would change, and change nothing."`
}

// Help teaches by example.
func (*apiRefreshCmd) Help() string {
	return `A change that breaks callers, such as an API that is gone or a new required parameter, is asked about on a terminal, and refused elsewhere unless --force is given. The earlier api.json is kept: "prismctl api restore" puts it back.

    prismctl api refresh sysgoods
    prismctl api refresh sysgoods api.json --dry-run`
}

// Run refreshes a service.
func (c *apiRefreshCmd) Run(ctx context.Context, t *tool) error {
	how := admin.Refresh{DryRun: c.DryRun}
	if c.File != "" {
		file, err := t.readOne(ctx, c.File)
		if err != nil {
			return err
		}
		how.File = file.Text
	}
	var done *admin.Refreshed
	err := t.agreed(ctx, func(force bool) (err error) {
		how.Force = force || c.Force
		done, err = c.refresh(ctx, t, how)
		return err
	})
	if err != nil {
		return t.explainImport(err)
	}
	return c.print(t, done)
}

func (c *apiRefreshCmd) refresh(ctx context.Context, t *tool, how admin.Refresh) (done *admin.Refreshed, err error) {
	err = c.provision(ctx, t, func(ctx context.Context, a *admin.Client) (err error) {
		done, err = a.RefreshService(ctx, c.Service, how)
		return err
	})
	return done, err
}

func (c *apiRefreshCmd) print(t *tool, done *admin.Refreshed) error {
	if t.Output == asJSON {
		return printEach(done.Changes, func(ch admin.Change) error { return t.printJSON(ch) })
	}
	for _, change := range done.Changes {
		mark := "  "
		if change.Breaking {
			mark = "! "
		}
		if err := t.println("%s%s", mark, changeText(change)); err != nil {
			return err
		}
	}
	name := words.Shown(done.Service.Prefix)
	switch {
	case len(done.Changes) == 0:
		return t.println("%s is as it was", name)
	case c.DryRun:
		return t.println("%s would have %s", name, words.Counted(len(done.Changes), "change", "changes"))
	}
	return t.println("%s has %s", name, words.Counted(len(done.Changes), "change", "changes"))
}

type apiRestoreCmd struct {
	connection
	aService
}

// Run puts the api.json of before back.
func (c *apiRestoreCmd) Run(ctx context.Context, t *tool) error {
	return c.provisioned(ctx, t, words.Shown(c.Service)+" has its api.json of before", func(ctx context.Context, a *admin.Client) error {
		_, err := a.RestoreService(ctx, c.Service)
		return err
	})
}
