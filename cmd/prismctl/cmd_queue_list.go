package main

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
)

type queueListCmd struct {
	queueOwner
	allQueues
}

// Help teaches by example.
func (*queueListCmd) Help() string {
	return `The default queue comes first; its topic is empty. HELD are those that a consumer has and has not acknowledged, PARKED those that nobody could handle.

    prismctl queue list
    prismctl queue list --output json
    prismctl queue list --all --attention`
}

// A queueLine is a queue in JSON.
type queueLine struct {
	Topic          string `json:"topic"`
	Messages       int    `json:"messages"`
	Ready          int    `json:"ready"`
	Unacknowledged int    `json:"unacknowledged"`
	Parked         int    `json:"parked"`
	Consumers      int    `json:"consumers"`
}

// Run prints one queue a line.
func (c *queueListCmd) Run(ctx context.Context, t *tool) error {
	if c.All {
		return c.allQueues.run(ctx, t, &c.connection)
	}
	var lines []queueLine
	err := c.queues(ctx, t, func(ctx context.Context, q *notify.QueueClient) error {
		topics, err := q.Topics(ctx)
		if err == nil {
			lines, err = countAll(ctx, q, append([]string{""}, topics...))
		}
		return err
	})
	if err != nil {
		return err
	}
	if t.Output == asJSON {
		return printEach(lines, func(l queueLine) error { return t.printJSON(l) })
	}
	rows := screenTable{{"READY", "HELD", "PARKED", "CONSUMERS", "QUEUE"}}
	for _, l := range lines {
		name := "(default)"
		if l.Topic != "" {
			name = words.Shown(l.Topic)
		}
		rows = append(rows, []string{strconv.Itoa(l.Ready), strconv.Itoa(l.Unacknowledged), strconv.Itoa(l.Parked), strconv.Itoa(l.Consumers), name})
	}
	return t.printTable(rows)
}

// countsAtOnce is how many queues are asked about at a time.
const countsAtOnce = 8

// countAll counts what is in queues. One that was dropped meanwhile is left out.
func countAll(ctx context.Context, q *notify.QueueClient, topics []string) ([]queueLine, error) {
	counts, errs := make([]notify.Status, len(topics)), make([]error, len(topics))
	var asking sync.WaitGroup
	room := make(chan struct{}, countsAtOnce)
	for i, topic := range topics {
		room <- struct{}{}
		asking.Go(func() {
			counts[i], errs[i] = q.Status(ctx, topic)
			<-room
		})
	}
	asking.Wait()
	lines := make([]queueLine, 0, len(topics))
	for i, topic := range topics {
		switch s := counts[i]; {
		case errors.Is(errs[i], prism.ErrNotFound):
		case errs[i] != nil:
			return nil, errs[i]
		default:
			lines = append(lines, queueLine{topic, s.Messages, s.Ready, s.Unacknowledged, s.Parked, s.Consumers})
		}
	}
	return lines, nil
}
