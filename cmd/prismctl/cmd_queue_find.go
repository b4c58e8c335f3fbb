package main

import (
	"cmp"
	"context"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type queueFindCmd struct {
	connection
	ID string `arg:"" name:"id" help:"The ID of the message."`
}

// Run shows where a message is.
func (c *queueFindCmd) Run(ctx context.Context, t *tool) error {
	var m *admin.Message
	err := c.provision(ctx, t, func(ctx context.Context, a *admin.Client) (err error) {
		m, err = a.Message(ctx, c.ID)
		return err
	})
	if err != nil {
		return err
	}
	if t.Output == asJSON {
		return t.printJSON(m)
	}
	rows := screenTable{{"STATE", "APP", "KEY", "BY", "REASON", "QUEUE"}}
	for _, p := range m.Places {
		rows = append(rows, []string{words.Shown(p.State), words.Shown(p.App), words.Shown(p.Key), textOr(cmp.Or(p.HeldBy, p.ParkedBy), "-"), textOr(p.Reason, "-"), textOr(p.Topic, "(default)")})
	}
	if m.Searched < m.Queues {
		t.notice("%d of %d queues with messages were searched", m.Searched, m.Queues)
	}
	return t.printTable(rows)
}
