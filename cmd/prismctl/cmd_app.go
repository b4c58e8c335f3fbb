package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type appCmd struct {
	List    appListCmd    `cmd:"" help:"List the apps."`
	Create  appCreateCmd  `cmd:"" help:"Make an app."`
	Show    appShowCmd    `cmd:"" help:"Show an app, and what it may publish and listen to."`
	Delete  appDeleteCmd  `cmd:"" help:"Delete an app and its keys, with their connections and queues."`
	Disable appDisableCmd `cmd:"" help:"Refuse what the keys of an app do; their queues go on to get messages."`
	Enable  appEnableCmd  `cmd:"" help:"Let the keys of an app work again."`
	Publish appPublishCmd `cmd:"" help:"Say which routing keys an app may publish."`
	Listen  appListenCmd  `cmd:"" help:"Say which routing keys reach the queues of an app."`

	Redirect appRedirectCmd `cmd:"" help:"Say where a browser may be sent back to after a login."`
}

// Help teaches by example.
func (*appCmd) Help() string {
	return `An app is a product that calls APIs; its keys are where it is installed. These commands need an admin key, such as the one that "prismctl serve" makes at its first start.

    prismctl app create 'My shop' --id shop --publish 'order.#'
    prismctl app listen shop 'stock.#'
    prismctl key create shop --bind 'stock.#'`
}

// anApp is the argument of commands about one app.
type anApp struct {
	ID string `arg:"" names:"app" name:"app" help:"The ID of the app."`
}

// Validate is called for the argument.
func (a *anApp) Validate() error {
	if a.ID == "" {
		return errors.New("the ID of the app is empty: \"prismctl app list\" names them")
	}
	return nil
}

// An appLine is an app in JSON.
type appLine struct {
	ID       string           `json:"id"`
	Name     string           `json:"name"`
	Summary  string           `json:"summary"`
	Domain   string           `json:"domain"`
	Member   string           `json:"member,omitempty"` // whose key made it
	Created  time.Time        `json:"created"`
	Disabled bool             `json:"disabled,omitempty"`
	Keys     int              `json:"keys"`
	MaxKeys  int              `json:"max_keys"`
	Publish  admin.Permission `json:"publish"` // ["#"]: every routing key
	Listen   admin.Permission `json:"listen"`  // likewise
}

func (t *tool) printApp(a *admin.App) error {
	if t.Output == asJSON {
		return t.printJSON(appLine(*a))
	}
	return t.printTable([][]string{
		{"id", words.Shown(a.ID)},
		{"name", words.Shown(a.Name)},
		{"summary", textOr(a.Summary, "-")},
		{"domain", words.Shown(a.Domain)},
		{"created", timeOr(a.Created, "-")},
		{"state", appState(a)},
		{"keys", ofLimit(a.Keys, a.MaxKeys)},
		{"publishes", patternsFor(a.Publish)},
		{"listens to", patternsFor(a.Listen)},
	})
}

type appListCmd struct{ connection }

// Run prints one app a line.
func (c *appListCmd) Run(ctx context.Context, t *tool) error {
	var apps []*admin.App
	err := c.provision(ctx, t, func(ctx context.Context, a *admin.Client) (err error) {
		apps, err = a.Apps(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if t.Output == asJSON {
		return printEach(apps, t.printApp)
	}
	rows := [][]string{{"ID", "NAME", "KEYS", "CREATED"}}
	for _, a := range apps {
		rows = append(rows, []string{words.Shown(a.ID), words.Shown(a.Name), strconv.Itoa(a.Keys), timeOr(a.Created, "-")})
	}
	return t.printTable(rows)
}

type appShowCmd struct {
	connection
	anApp
}

// Run shows an app.
func (c *appShowCmd) Run(ctx context.Context, t *tool) error {
	return c.appOf(ctx, t, func(ctx context.Context, a *admin.Client) (*admin.App, error) { return a.App(ctx, c.ID) })
}

// appOf shows the app that is the result of a call.
func (c *connection) appOf(ctx context.Context, t *tool, call func(context.Context, *admin.Client) (*admin.App, error)) error {
	var app *admin.App
	err := c.provision(ctx, t, func(ctx context.Context, a *admin.Client) (err error) {
		app, err = call(ctx, a)
		return err
	})
	if err != nil {
		return err
	}
	return t.printApp(app)
}

type appDeleteCmd struct {
	connection
	anApp
	destructive
}

// Run deletes an app.
func (c *appDeleteCmd) Run(ctx context.Context, t *tool) error {
	return c.provisioned(ctx, t, "deleted app "+words.Shown(c.ID)+" and its keys", func(ctx context.Context, a *admin.Client) error {
		return a.DeleteApp(ctx, c.ID)
	})
}
