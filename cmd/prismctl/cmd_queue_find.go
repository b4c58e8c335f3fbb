package main

import (
	"cmp"
	"context"
	"strconv"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type queueFindCmd struct {
	connection
	ID string `arg:"" name:"id" help:"The ID of the message."`
}

// Run shows where a message is, and what has happened to it.
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
	if err := t.printPlaces(m); err != nil {
		return err
	}
	return t.printLife(m)
}

func (t *tool) printPlaces(m *admin.Message) error {
	if m.Searched < m.Queues {
		t.notice("%d of %d queues with messages were searched", m.Searched, m.Queues)
	}
	if len(m.Places) == 0 {
		t.notice("no queue that was searched has it any more")
		return nil
	}
	rows := screenTable{{"STATE", "APP", "KEY", "BY", "REASON", "QUEUE"}}
	for _, p := range m.Places {
		rows = append(rows, []string{words.Shown(p.State), words.Shown(p.App), words.Shown(p.Key), textOr(cmp.Or(p.HeldBy, p.ParkedBy), "-"), textOr(p.Reason, "-"), textOr(p.Topic, "(default)")})
	}
	return t.printTable(rows)
}

// printLife prints what has happened to a message, as far as the platform remembers.
func (t *tool) printLife(m *admin.Message) error {
	if len(m.Events) == 0 {
		t.notice("the process that answered remembers nothing of what happened to it")
		return nil
	}
	if len(m.Places) > 0 {
		if err := t.println(""); err != nil {
			return err
		}
	}
	rows := screenTable{{"TIME", "EVENT", "KEY", "TRY", "QUEUE", "DETAILS"}}
	missed := m.Missed
	for i := range m.Events {
		e := &m.Events[i]
		missed += e.Missed
		rows = append(rows, []string{
			e.Time.Local().Format("2006-01-02 15:04:05.000"), words.Shown(e.Event), words.Shown(e.Key),
			numberOr(int64(e.Attempt), "-"), eventQueue(e), eventText(e),
		})
	}
	if err := t.printTable(rows); err != nil {
		return err
	}
	if missed > 0 {
		t.notice("%d events of any messages since the first of these are not remembered, as too many came at a time; --output json says between which they were", missed)
	}
	return nil
}

// eventQueue is the queue in which something happened. A publish has one only if it was
// written there.
func eventQueue(e *admin.MessageEvent) string {
	if e.Event == "publish" {
		return textOr(e.Topic, "-")
	}
	return textOr(e.Topic, "(default)")
}

func eventText(e *admin.MessageEvent) string {
	var about []string
	if e.Queues != nil {
		about = append(about, "to "+words.Counted(*e.Queues, "queue", "queues"))
	}
	if e.Status != 0 {
		about = append(about, strconv.Itoa(e.Status))
	}
	if e.Conn != 0 {
		about = append(about, "#"+strconv.FormatUint(e.Conn, 10))
	}
	return textOr(joined(append(about, e.Code, e.Reason, e.ConsumerID, e.RemoteAddr)...), "-")
}
