package main

import (
	"context"
	"fmt"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/apifile"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type apiImportCmd struct {
	connection
	Source string `is:"file" arg:"" name:"file|url|dir" help:"An api.json; an api.txt, which is a list of such; a directory, of which its api.txt is taken, or each file that ends in .json; an address of a file or a list, which the platform fetches; or - for an api.json on standard input."`
	App    string `placeholder:"APP" names:"app" help:"Bind this app to all of its APIs."`
	Online bool   `help:"Bring it on line, too."`
	Force  bool   `help:"Take a file also if that breaks callers of its service, without asking."`
}

// Help teaches by example.
func (*apiImportCmd) Help() string {
	return `A service that is new is off line until "prismctl api online", so that its values can be set before. What was imported from the same address, and of files what has the same prefix, is refreshed, and what changes is shown; a change that breaks callers is asked about on a terminal, and refused elsewhere unless --force is given. A list on this machine names files below its directory, and addresses, which the platform fetches.

    prismctl api import api.json --app shop --online
    prismctl api import https://backend.example/api.txt
    prismctl api import ./services`
}

// Run imports services.
func (c *apiImportCmd) Run(ctx context.Context, t *tool) error {
	sources, err := t.readServices(ctx, c.Source)
	if err != nil {
		return err
	}
	client, err := c.client(ctx, t)
	if err != nil {
		return err
	}
	for _, source := range sources {
		if err := c.bring(ctx, t, admin.New(client), source); err != nil {
			return t.explainImport(err)
		}
	}
	return nil
}

// bring imports a file, or what is at an address, and says what was imported.
func (c *apiImportCmd) bring(ctx context.Context, t *tool, a *admin.Client, source apifile.Found) error {
	from := admin.Import{File: source.Text}
	if source.Err != nil {
		from.URL = source.Name
	}
	var done *admin.Imported
	shown := false
	err := t.agreed(ctx, func(force bool) error {
		from.Force, shown = force || c.Force, force
		return c.attempt(ctx, func(ctx context.Context) (err error) {
			if done, err = a.Import(ctx, from); err != nil {
				return err
			}
			for _, s := range done.Services {
				if err := c.offer(ctx, a, s); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("%s: %w", words.Shown(source.Name), err)
	}
	if !shown {
		t.noticeChanges(done.Changes)
	}
	return printEach(done.Services, t.printImported)
}

// offer brings a service on line, and binds the app, as the flags say.
func (c *apiImportCmd) offer(ctx context.Context, a *admin.Client, s *admin.Service) error {
	if c.Online && !s.Online {
		if err := a.SetOnline(ctx, s.ID, true); err != nil {
			return err
		}
		s.Online = true
	}
	if c.App == "" {
		return nil
	}
	return a.BindAPI(ctx, c.App, admin.Binding{Service: s.ID, Path: "*"})
}

func (t *tool) printImported(s *admin.Service) error {
	if t.Output == asJSON {
		return t.printJSON(lineOf(s))
	}
	for _, v := range s.Config {
		if !v.Set {
			t.notice("%s has no value %s yet: prismctl api config %[1]s %s=@FILE", words.Shown(s.Prefix), words.Shown(v.Name), words.Shown(v.Name))
		}
	}
	return t.println("%s has %s and is %s", words.Shown(s.Prefix), words.Counted(s.APIs, "API", "APIs"), onLine(s.Online))
}
