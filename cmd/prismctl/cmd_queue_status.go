package main

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/shopex/prism-go/notify"
)

type queueStatusCmd struct {
	queueOwner
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
	return t.printTable(statusTable(&s))
}

// statusTable has what the platform says, and of what became of messages only what there
// is to say.
func statusTable(s *notify.Status) [][]string {
	within := func(n, limit int64) string {
		if limit == 0 {
			return strconv.FormatInt(n, 10)
		}
		return ofLimit(n, limit)
	}
	rows := [][]string{
		{"messages", within(int64(s.Messages), int64(s.MessagesLimit))},
		{"  ready", strconv.Itoa(s.Ready)},
		{"  unacknowledged", strconv.Itoa(s.Unacknowledged)},
		{"consumers", strconv.Itoa(s.Consumers)},
	}
	if s.Overflow != "" {
		rows = append(rows, []string{"bytes", within(s.Bytes, s.BytesLimit)}, []string{"when full", overflowText(s.Overflow)})
	}
	for _, count := range []struct {
		what string
		n    uint64
	}{{"dropped", s.Dropped}, {"parked", uint64(s.Parked)}, {"  dropped", s.ParkedDropped}, {"max attempts", uint64(s.MaxAttempts)}, {"published", s.Published}, {"  to no queue", s.Unrouted}} {
		if count.n > 0 {
			rows = append(rows, []string{count.what, strconv.FormatUint(count.n, 10)})
		}
	}
	return rows
}

// A statusLine is a Status in the members of the platform's answer.
type statusLine notify.Status

// told is a count that the platform says if it says an Overflow.
func (s statusLine) told(n uint64) *uint64 {
	if s.Overflow == "" {
		return nil
	}
	return &n
}

// bytes is nil where the platform does not count them. One of an earlier version has no
// Overflow, and a limit.
func (s statusLine) bytes() *int64 {
	if s.Overflow == "" && s.Bytes == 0 && s.BytesLimit == 0 {
		return nil
	}
	return &s.Bytes
}

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
		Bytes          *int64 `json:",omitempty"`
		BytesLimit     int64  `json:"Bytes_limit,omitempty"`

		Overflow  notify.Overflow `json:",omitempty"`
		Dropped   *uint64         `json:",omitempty"`
		Published *uint64         `json:",omitempty"`
		Unrouted  *uint64         `json:",omitempty"`

		Parked        *uint64 `json:"Messages_parked,omitempty"`
		ParkedDropped *uint64 `json:"Parked_dropped,omitempty"`
		MaxAttempts   int     `json:"Max_attempts,omitempty"`
	}{s.Messages, s.Ready, s.Unacknowledged, s.Consumers, stored{s.Stored}, s.MessagesLimit, s.bytes(), s.BytesLimit,
		s.Overflow, s.told(s.Dropped), s.told(s.Published), s.told(s.Unrouted),
		s.told(uint64(s.Parked)), s.told(s.ParkedDropped), s.MaxAttempts})
}

// warn tells of a queue that fills and that nobody empties.
func (c *queueStatusCmd) warn(t *tool, s *notify.Status) {
	if full := s.Full(); s.Consumers == 0 && full >= 0.5 {
		t.notice("%s is %.0f%% full and nobody consumes it: when it is full, %s.\n"+
			"Consume it, empty it by \"prismctl queue purge\", or see to it by \"prismctl queue unbind\" that it gets no more",
			c.named(c.Topic), 100*full, whenFull(s.Overflow))
	}
}

// whenFull says what a full queue does.
func whenFull(o notify.Overflow) string {
	switch o {
	case notify.OverflowDefault:
		return "what its own key publishes to it is refused, and for others it drops its oldest messages"
	case notify.OverflowDropOldest:
		return "it drops its oldest messages"
	case notify.OverflowDropNewest:
		return "it drops what comes"
	}
	return "what is published to it is refused"
}
