package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type apiCmd struct {
	Check   apiCheckCmd   `cmd:"" help:"Say what is wrong in api.json files, and where."`
	Fmt     apiFmtCmd     `cmd:"" help:"Write an api.json as it should be."`
	Diff    apiDiffCmd    `cmd:"" help:"Say what a newer api.json changes, and what of it breaks."`
	Openapi apiOpenapiCmd `cmd:"" help:"Write an api.json as an OpenAPI document."`

	List    apiListCmd    `cmd:"" help:"List the services."`
	Import  apiImportCmd  `cmd:"" help:"Bring the APIs of an api.json to the platform."`
	Refresh apiRefreshCmd `cmd:"" help:"Read the api.json of a service anew, and show what changes."`
	Restore apiRestoreCmd `cmd:"" help:"Put the api.json back that the last refresh has replaced."`
	Online  apiOnlineCmd  `cmd:"" help:"Let a service get calls."`
	Offline apiOfflineCmd `cmd:"" help:"Let a service get no calls."`
	Delete  apiDeleteCmd  `cmd:"" help:"Delete a service, and what apps are bound to of it."`
	Config  apiConfigCmd  `cmd:"" help:"Set values of a service, such as the secret that signs its calls, or list them."`
	Node    apiNodeCmd    `cmd:"" help:"Make a node of a service: other values, and another address, for calls with its node_id."`
	Bind    apiBindCmd    `cmd:"" help:"Let an app call the APIs of a service."`
	Unbind  apiUnbindCmd  `cmd:"" help:"Let an app call them no more."`
	Bound   apiBoundCmd   `cmd:"" help:"List what an app may call."`
	Gen     apiGenCmd     `cmd:"" help:"Write a Go package that calls the APIs of a service."`
}

// Help teaches by example.
func (*apiCmd) Help() string {
	return `A service is a group of APIs that a backend has, and that its provider describes in an api.json. The platform passes calls on to it, below the prefix of the service, from the keys of the apps that are bound to it.

    prismctl api import api.json
    prismctl api config sysgoods token=@token.txt
    prismctl api online sysgoods
    prismctl api bind sysgoods shop --limit 1000/60s`
}

// aService is the argument of commands about one service.
type aService struct {
	Service string `arg:"" names:"service" name:"prefix" help:"The prefix of the service, or its ID."`
}

// Validate is called for the argument.
func (s *aService) Validate() error {
	if s.Service == "" {
		return errors.New("the prefix is empty: \"prismctl api list\" names the services")
	}
	return nil
}

// A serviceLine is a service in JSON.
type serviceLine struct {
	ID       string    `json:"id"`
	Prefix   string    `json:"prefix"`
	Summary  string    `json:"summary"`
	Domain   string    `json:"domain"`
	Source   string    `json:"source"` // empty if it was given as text
	Mode     string    `json:"mode"`
	APIs     int       `json:"apis"`
	Backend  string    `json:"backend"`
	Sandbox  string    `json:"sandbox"`
	Online   bool      `json:"online"`
	Trusted  bool      `json:"trusted"`
	Previous bool      `json:"previous"` // restore has something to put back
	Nodes    []string  `json:"nodes"`
	Created  time.Time `json:"created"`
	Changed  time.Time `json:"changed"`
}

func lineOf(s *admin.Service) serviceLine {
	return serviceLine{
		ID: s.ID, Prefix: s.Prefix, Summary: s.Summary, Domain: s.Domain, Source: s.Source, Mode: s.Mode, APIs: s.APIs,
		Backend: s.Backend, Sandbox: s.Sandbox, Online: s.Online, Trusted: s.Trusted, Previous: s.Previous,
		Nodes: append([]string{}, s.Nodes...), Created: s.Created, Changed: s.Changed,
	}
}

// onLine is whether a service gets calls, in words.
func onLine(online bool) string {
	if online {
		return "on line"
	}
	return "off line"
}

type apiListCmd struct{ connection }

// Run prints one service a line.
func (c *apiListCmd) Run(ctx context.Context, t *tool) error {
	var services []*admin.Service
	err := c.provision(ctx, t, func(ctx context.Context, a *admin.Client) (err error) {
		services, err = a.Services(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if t.Output == asJSON {
		return printEach(services, func(s *admin.Service) error { return t.printJSON(lineOf(s)) })
	}
	rows := screenTable{{"PREFIX", "STATE", "APIS", "SUMMARY", "BACKEND"}}
	for _, s := range services {
		rows = append(rows, []string{words.Shown(s.Prefix), onLine(s.Online), strconv.Itoa(s.APIs), textOr(s.Summary, "-"), textOr(s.Backend, "-")})
	}
	rows.fit(3, 24)
	return t.printTable(rows)
}

type apiOnlineCmd struct {
	connection
	aService
}

// Run lets a service get calls.
func (c *apiOnlineCmd) Run(ctx context.Context, t *tool) error {
	return c.provisioned(ctx, t, words.Shown(c.Service)+" is on line", func(ctx context.Context, a *admin.Client) error {
		return a.SetOnline(ctx, c.Service, true)
	})
}

type apiOfflineCmd struct {
	connection
	aService
}

// Run lets a service get no calls.
func (c *apiOfflineCmd) Run(ctx context.Context, t *tool) error {
	return c.provisioned(ctx, t, words.Shown(c.Service)+" is off line", func(ctx context.Context, a *admin.Client) error {
		return a.SetOnline(ctx, c.Service, false)
	})
}

type apiDeleteCmd struct {
	connection
	aService
	destructive
}

// Run deletes a service.
func (c *apiDeleteCmd) Run(ctx context.Context, t *tool) error {
	return c.provisioned(ctx, t, "deleted service "+words.Shown(c.Service), func(ctx context.Context, a *admin.Client) error {
		return a.DeleteService(ctx, c.Service)
	})
}
