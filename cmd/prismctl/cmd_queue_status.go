package main

import (
	"context"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
)

type queueStatusCmd struct {
	connection
	aQueue
}

// Run counts.
func (c *queueStatusCmd) Run(ctx context.Context, t *tool) error {
	var s notify.Status
	err := c.queues(ctx, t, func(ctx context.Context, q *notify.Queues) (err error) {
		s, err = q.Status(ctx, c.Topic)
		return err
	})
	switch {
	case err != nil:
		return err
	case t.Output == asJSON:
		return t.printJSON(s)
	}
	c.warn(t, &s)
	return t.println("%-17s %d\n%-17s %d\n%-17s %d\n%-17s %d", "messages", s.Messages,
		"  ready", s.Ready, "  unacknowledged", s.Unacknowledged, "consumers", s.Consumers)
}

// warn tells of a queue that fills and that nobody empties.
func (c *queueStatusCmd) warn(t *tool, s *notify.Status) {
	if full := s.Full(); s.Consumers == 0 && full >= 0.5 {
		t.notice("%s is %.0f%% full and nobody consumes it: when it is full, what is published to it is refused.\n"+
			"Consume it, empty it by \"prismctl queue purge\", or see to it by \"prismctl queue unbind\" that it gets no more",
			words.Queue(c.Topic), 100*full)
	}
}
