package main

import (
	"context"
	"fmt"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/apisource"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type apiImportCmd struct {
	connection
	Source string `is:"file" arg:"" name:"file|url|dir" help:"An api.json; a directory, of which each file that ends in .json is one; an address, of an api.json or of a list of such, which the platform fetches; or - for an api.json on standard input."`
	App    string `placeholder:"APP" help:"Bind this app to all of its APIs."`
	Online bool   `help:"Bring it on line, too."`
}

// Help teaches by example.
func (*apiImportCmd) Help() string {
	return `A service that is new is off line until "prismctl api online", so that its values can be set before. One that is there already is refreshed, and not if a change would break its callers: "prismctl api refresh" shows it and asks.

    prismctl api import api.json --app shop --online
    prismctl api import https://backend.example/api.txt
    prismctl api import ./services`
}

// Run imports services.
func (c *apiImportCmd) Run(ctx context.Context, t *tool) error {
	files, err := c.files(t)
	if err != nil {
		return err
	}
	var services []*admin.Service
	err = c.provision(ctx, t, func(ctx context.Context, a *admin.Client) (err error) {
		services, err = c.bring(ctx, a, files)
		return err
	})
	for _, s := range services {
		if wrong := t.printImported(s); wrong != nil {
			return wrong
		}
	}
	return t.explainImport(err)
}

// files reads what the platform cannot; it returns none for an address.
func (c *apiImportCmd) files(t *tool) ([]apisource.File, error) {
	if apisource.IsURL(c.Source) {
		return nil, nil
	}
	files, err := t.readServices(c.Source)
	return files, exitIf(err)
}

// bring imports the files, or what is at the address, and returns what was imported.
func (c *apiImportCmd) bring(ctx context.Context, a *admin.Client, files []apisource.File) (done []*admin.Service, err error) {
	var services []*admin.Service
	if len(files) == 0 {
		if services, err = a.ImportService(ctx, c.Source); err != nil {
			return nil, err
		}
	}
	for _, file := range files {
		s, err := a.ImportFile(ctx, file.Text)
		if err != nil {
			return done, fmt.Errorf("%s: %w", words.Shown(file.Name), err)
		}
		if err := c.offer(ctx, a, s); err != nil {
			return done, err
		}
		done = append(done, s)
	}
	for _, s := range services {
		if err := c.offer(ctx, a, s); err != nil {
			return done, err
		}
		done = append(done, s)
	}
	return done, nil
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
