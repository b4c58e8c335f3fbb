package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// aBinding is what commands about one binding take.
type aBinding struct {
	aService
	App  string `arg:"" name:"app" help:"The ID of the app."`
	Path string `default:"*" placeholder:"PATH|ID" help:"One API, by its path below the prefix or its method ID, instead of all."`
}

// what is bound, in words.
func (b *aBinding) what() string {
	if b.Path == "*" {
		return "all APIs of " + words.Shown(b.Service)
	}
	return words.Shown(b.Path) + " of " + words.Shown(b.Service)
}

type apiBindCmd struct {
	connection
	aBinding
	Limit callLimit `placeholder:"N/D" help:"How many calls a key of the app may make of each API in a time, such as 1000/60s, instead of what the api.json says."`
}

// Help teaches by example.
func (*apiBindCmd) Help() string {
	return `It counts from the next call on. A binding of the same app, service and path is replaced; without --limit the limits of the api.json count.

    prismctl api bind sysgoods shop
    prismctl api bind sysgoods shop --path item.get --limit 1000/60s`
}

// Run binds an app.
func (c *apiBindCmd) Run(ctx context.Context, t *tool) error {
	done := "app " + words.Shown(c.App) + " may call " + c.what() + c.Limit.text()
	return c.provisioned(ctx, t, done, func(ctx context.Context, a *admin.Client) error {
		return a.BindAPI(ctx, c.App, admin.Binding{Service: c.Service, Path: c.Path, Count: c.Limit.Count, Per: c.Limit.Per})
	})
}

type apiUnbindCmd struct {
	connection
	aBinding
}

// Help teaches by example.
func (*apiUnbindCmd) Help() string {
	return `It counts from the next call on. A binding to all APIs is not taken away by one with --path.

    prismctl api unbind sysgoods shop
    prismctl api unbind sysgoods shop --path item.get`
}

// Run takes a binding away.
func (c *apiUnbindCmd) Run(ctx context.Context, t *tool) error {
	done := "app " + words.Shown(c.App) + " is not bound to " + c.what()
	return c.provisioned(ctx, t, done, func(ctx context.Context, a *admin.Client) error {
		return a.UnbindAPI(ctx, c.App, c.Service, c.Path)
	})
}

type apiBoundCmd struct {
	connection
	anApp
}

// A boundLine is what an app may call, in JSON.
type boundLine struct {
	Service string `json:"service"`
	Prefix  string `json:"prefix"`
	Path    string `json:"path"`
	Count   int    `json:"limit_count"` // 0: the limits of the api.json
	Seconds int64  `json:"limit_seconds"`
}

// Run prints one binding a line.
func (c *apiBoundCmd) Run(ctx context.Context, t *tool) error {
	var bindings []admin.Binding
	err := c.provision(ctx, t, func(ctx context.Context, a *admin.Client) (err error) {
		bindings, err = a.BoundAPIs(ctx, c.ID)
		return err
	})
	if err != nil {
		return err
	}
	if t.Output == asJSON {
		return printEach(bindings, func(b admin.Binding) error {
			return t.printJSON(boundLine{b.Service, b.Prefix, b.Path, b.Count, int64(b.Per / time.Second)})
		})
	}
	rows := [][]string{{"PREFIX", "PATH", "LIMIT"}}
	for _, b := range bindings {
		limit := "of the api.json"
		if b.Count > 0 {
			limit = fmt.Sprintf("%d/%ds", b.Count, b.Per/time.Second)
		}
		rows = append(rows, []string{words.Shown(b.Prefix), words.Shown(b.Path), limit})
	}
	return t.printTable(rows)
}

// A callLimit is so many calls in a time.
type callLimit struct {
	Count int
	Per   time.Duration
}

// UnmarshalText is called for the flag.
func (l *callLimit) UnmarshalText(text []byte) error {
	count, per, ok := strings.Cut(string(text), "/")
	n, err := strconv.Atoi(count)
	if _, bare := strconv.Atoi(per); bare == nil {
		per += "s"
	}
	d, wrong := time.ParseDuration(per)
	if !ok || err != nil || wrong != nil || n < 1 || d < time.Second || d%time.Second != 0 {
		return fmt.Errorf("%q is no limit: write calls and whole seconds, such as 1000/60s", text)
	}
	*l = callLimit{n, d}
	return nil
}

func (l callLimit) text() string {
	if l.Count == 0 {
		return ""
	}
	return fmt.Sprintf(", each %s in %d s", words.Counted(l.Count, "time", "times"), l.Per/time.Second)
}
