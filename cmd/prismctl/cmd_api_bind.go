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

// aBinding is what commands about bindings of an app to a service take.
type aBinding struct {
	aService
	App string `arg:"" names:"app" name:"app" help:"The ID of the app."`
}

// what is bound by a path, in words.
func (b *aBinding) what(path string) string {
	if path == "*" {
		return "all APIs of " + words.Shown(b.Service)
	}
	return words.Shown(path) + " of " + words.Shown(b.Service)
}

type apiBindCmd struct {
	connection
	aBinding
	Path  string    `default:"*" placeholder:"PATH|ID" help:"One API, by its path below the prefix or its method ID, instead of all."`
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
	done := "app " + words.Shown(c.App) + " may call " + c.what(c.Path) + c.Limit.text()
	return c.provisioned(ctx, t, done, func(ctx context.Context, a *admin.Client) error {
		return a.BindAPI(ctx, c.App, admin.Binding{Service: c.Service, Path: c.Path, Count: c.Limit.Count, Per: c.Limit.Per})
	})
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
