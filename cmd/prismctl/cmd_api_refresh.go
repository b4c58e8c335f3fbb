package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
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
	how := admin.Refresh{Force: c.Force, DryRun: c.DryRun}
	if c.File != "" {
		files, err := t.readServices(c.File)
		if err != nil {
			return exitIf(err)
		}
		if len(files) != 1 {
			return exit.Usagef("%s has several files: name one", words.Shown(c.File))
		}
		how.File = files[0].Text
	}
	done, err := c.refresh(ctx, t, how)
	var breaking *admin.BreakingChange
	if errors.As(err, &breaking) {
		t.noticeChanges(breaking.Changes)
		yes, asked := t.confirm(ctx, "Take it nevertheless? [y/N] ")
		switch {
		case !asked && ctx.Err() != nil:
			return ctx.Err()
		case !asked:
			return fmt.Errorf("%w\nTake it nevertheless: --force", err)
		case !yes:
			return exit.With(exit.Refused, errors.New("nothing was changed"))
		}
		how.Force = true
		done, err = c.refresh(ctx, t, how)
	}
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

// confirm asks a question on a terminal. asked is false where there is none, or when ctx
// has ended; then the read goes on until the process ends.
func (t *tool) confirm(ctx context.Context, question string) (yes, asked bool) {
	if _, ok := terminal(t.in); !ok {
		return false, false
	}
	fmt.Fprint(t.err, question)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(t.in).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case text := <-answer:
		return text == "y" || text == "yes", true
	case <-ctx.Done():
		fmt.Fprintln(t.err)
		return false, false
	}
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
