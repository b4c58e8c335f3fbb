package main

import (
	"context"
	"encoding/json"

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
	err := c.queues(ctx, t, func(ctx context.Context, q *notify.QueueClient) (err error) {
		s, err = q.Status(ctx, c.Topic)
		return err
	})
	switch {
	case err != nil:
		return err
	case t.Output == asJSON:
		return t.printJSON(statusLine(s))
	}
	c.warn(t, &s)
	return t.println("%-17s %d\n%-17s %d\n%-17s %d\n%-17s %d", "messages", s.Messages,
		"  ready", s.Ready, "  unacknowledged", s.Unacknowledged, "consumers", s.Consumers)
}

// A statusLine is a Status in the members of the platform's answer.
type statusLine notify.Status

// MarshalJSON leaves out what the platform did not say.
func (s statusLine) MarshalJSON() ([]byte, error) {
	type stored struct{ Len int }
	return json.Marshal(struct {
		Messages       int
		Ready          int `json:"Messages_ready"`
		Unacknowledged int `json:"Messages_unacknowledged"`
		Consumers      int
		Stored         stored `json:"Backing_queue_status"`
		MessagesLimit  int    `json:"Messages_limit,omitempty"`
		Bytes          int64  `json:",omitempty"`
		BytesLimit     int64  `json:"Bytes_limit,omitempty"`
	}{s.Messages, s.Ready, s.Unacknowledged, s.Consumers, stored{s.Stored}, s.MessagesLimit, s.Bytes, s.BytesLimit})
}

// warn tells of a queue that fills and that nobody empties.
func (c *queueStatusCmd) warn(t *tool, s *notify.Status) {
	if full := s.Full(); s.Consumers == 0 && full >= 0.5 {
		t.notice("%s is %.0f%% full and nobody consumes it: when it is full, what is published to it is refused.\n"+
			"Consume it, empty it by \"prismctl queue purge\", or see to it by \"prismctl queue unbind\" that it gets no more",
			words.Queue(c.Topic), 100*full)
	}
}
