package main

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// allQueues are the flags of a list of the queues of all keys.
type allQueues struct {
	All       bool   `help:"The queues of all keys of the domain, those that need attention first. That needs an admin key."`
	Search    string `placeholder:"TEXT" help:"With --all, only queues with this in their key or topic."`
	App       string `placeholder:"APP" names:"app" help:"With --all, only queues of this app."`
	Attention bool   `help:"With --all, only queues that need attention."`
	Sort      string `placeholder:"BY" help:"With --all, by attention, messages, parked, dropped or name (attention)."`
	Count     int    `short:"n" placeholder:"N" help:"With --all, at most this many (100)."`
	Page      int    `placeholder:"N" help:"With --all, which part of them, from 1 (1)."`
}

// Validate is called for the flags.
func (c *allQueues) Validate() error {
	if !c.All && *c != (allQueues{}) {
		return errors.New("--search, --app, --attention, --sort, -n and --page are for --all")
	}
	return nil
}

func (c *allQueues) run(ctx context.Context, t *tool, conn *connection) error {
	var queues []admin.Queue
	total := 0
	err := conn.provision(ctx, t, func(ctx context.Context, a *admin.Client) (err error) {
		queues, total, err = a.Queues(ctx, admin.QueueQuery{Search: c.Search, App: c.App, Attention: c.Attention, Sort: c.Sort, Limit: c.Count, Page: c.Page})
		return err
	})
	if err != nil {
		return err
	}
	if t.Output == asJSON {
		return printEach(queues, func(q admin.Queue) error { return t.printJSON(q) })
	}
	rows := screenTable{{"READY", "HELD", "PARKED", "DROPPED", "CONSUMERS", "KEY", "ATTENTION", "QUEUE"}}
	for i := range queues {
		q := &queues[i]
		why := words.Shown(cmp.Or(strings.Join(q.Attention, ","), "-"))
		rows = append(rows, []string{strconv.Itoa(q.Ready), strconv.Itoa(q.Unacknowledged), strconv.Itoa(q.Parked), strconv.FormatUint(q.Dropped, 10),
			strconv.Itoa(q.Consumers), words.Shown(q.Key), why, textOr(q.Topic, "(default)")})
	}
	if len(queues) < total {
		t.notice("%d of %d: --page shows others", len(queues), total)
	}
	return t.printTable(rows)
}

type queueRoutesCmd struct {
	connection
	RoutingKey string `arg:"" help:"The routing key."`
}

// Run shows where a routing key goes.
func (c *queueRoutesCmd) Run(ctx context.Context, t *tool) error {
	var routes []admin.Route
	err := c.provision(ctx, t, func(ctx context.Context, a *admin.Client) (err error) {
		routes, err = a.Routes(ctx, c.RoutingKey)
		return err
	})
	if err != nil {
		return err
	}
	if t.Output == asJSON {
		return printEach(routes, func(r admin.Route) error { return t.printJSON(r) })
	}
	rows := screenTable{{"GETS IT", "APP", "KEY", "BINDINGS", "QUEUE"}}
	for _, r := range routes {
		gets := "yes"
		if !r.Gets {
			gets = "no: " + words.Shown(strings.ReplaceAll(r.Why, "_", " "))
		}
		rows = append(rows, []string{gets, words.Shown(r.App), words.Shown(r.Key), patternsFor(r.Patterns), textOr(r.Topic, "(default)")})
	}
	return t.printTable(rows)
}

type queueConsumersCmd struct {
	queueOwner
	aQueue
}

// Run shows who consumes.
func (c *queueConsumersCmd) Run(ctx context.Context, t *tool) error {
	var consumers []admin.Consumer
	err := c.provision(ctx, t, func(ctx context.Context, a *admin.Client) (err error) {
		consumers, err = a.Consumers(ctx, string(c.Of), c.Topic)
		return err
	})
	if err != nil {
		return err
	}
	if t.Output == asJSON {
		return printEach(consumers, func(one admin.Consumer) error { return t.printJSON(one) })
	}
	rows := screenTable{{"HELD", "WINDOW", "SINCE", "ADDRESS", "CLIENT"}}
	for _, one := range consumers {
		rows = append(rows, []string{strconv.Itoa(one.Unacknowledged), strconv.Itoa(one.Window), timeOr(one.Connected, "-"), words.Shown(one.RemoteAddr), textOr(one.UserAgent, "-")})
	}
	return t.printTable(rows)
}
