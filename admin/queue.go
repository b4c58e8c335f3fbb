package admin

import (
	"context"
	"time"

	"github.com/shopex/prism-go"
)

// A Queue is a queue of the domain, with what is in it.
type Queue struct {
	Key            string `json:"key"`
	App            string `json:"app_id"` // empty if the key is gone
	Topic          string `json:"topic"`  // empty for the default queue of the key
	Messages       int    `json:"messages"`
	Ready          int    `json:"ready"`
	Unacknowledged int    `json:"unacknowledged"`
	Bytes          int64  `json:"bytes"`
	FullPercent    int    `json:"full_percent"` // of its limits
	Consumers      int    `json:"consumers"`
	Parked         int    `json:"parked"`
	Dropped        uint64 `json:"dropped"` // ever
	// Attention says why the queue needs some, the most urgent first: full, no_consumer,
	// filling, parked, dropped. Later platforms may have further reasons.
	Attention []string `json:"attention"`

	// The following is as far as the process knows that answers.

	Since           int64  `json:"since"`            // when the first reason of Attention began, in seconds since 1970; 0 if it is not known
	DroppedRecently uint64 `json:"dropped_recently"` // within the last day
	// How many messages came and left in a second, within the last minute.
	PublishedPerSecond float64 `json:"published_per_second"`
	RemovedPerSecond   float64 `json:"removed_per_second"`
}

// A QueueQuery says which queues are wanted. The zero value wants the first 100 of all,
// those that need attention first.
type QueueQuery struct {
	Search    string // a part of the key or topic, in capital or small letters
	App       string
	Attention bool   // only those that need some
	Sort      string // attention, messages, parked, dropped or name
	Limit     int    // at most 1000; 0 is 100
	Page      int    // from 1; 0 is 1
}

// Queues returns the queues of the domain that are wanted, and how many there are on all
// pages.
func (c *Client) Queues(ctx context.Context, q QueueQuery) (queues []Queue, total int, err error) {
	params := prism.Params{}
	setText(params, "search", q.Search)
	setText(params, "app_id", q.App)
	setText(params, "sort", q.Sort)
	for name, n := range map[string]int{"limit": q.Limit, "page": q.Page} {
		if n != 0 {
			params[name] = n
		}
	}
	if q.Attention {
		params["attention"] = 1
	}
	var doc struct {
		Queues []Queue
		Total  int
	}
	err = c.get(ctx, "platform/queues/list", params, &doc)
	return doc.Queues, doc.Total, err
}

// A Route is a queue with a binding that matches a routing key.
type Route struct {
	Key      string   `json:"key"`
	App      string   `json:"app_id"`
	Topic    string   `json:"topic"`
	Patterns []string `json:"patterns"` // of the bindings that match
	Gets     bool     `json:"gets"`     // a message of that routing key
	// Why it does not get it: may_not_listen, for its app; or not_its_own, for a binding that
	// brings only what its key publishes.
	Why string `json:"why,omitempty"`
}

// Routes returns which queues of the domain are bound to a routing key, at most 1,000.
func (c *Client) Routes(ctx context.Context, routingKey string) ([]Route, error) {
	var doc struct{ Queues []Route }
	err := c.get(ctx, "platform/queues/routes", prism.Params{"routing_key": routingKey}, &doc)
	return doc.Queues, err
}

// A Message is one that queues of the domain have, or that the platform remembers.
type Message struct {
	ID       string  `json:"id"`
	Time     int64   `json:"time"` // when it was published, in seconds since 1970
	Key      string  `json:"key"`  // routing key
	Type     string  `json:"type"`
	App      string  `json:"app"` // of the publisher, as ClientID
	ClientID string  `json:"client_id"`
	Bytes    int     `json:"bytes"` // of the body
	Places   []Place `json:"places"`
	Searched int     `json:"searched"` // how many queues were searched
	Queues   int     `json:"queues"`   // how many of the domain have messages
	// Events are what has happened to it, in their order, as far as the process of the
	// platform remembers that answers.
	Events []MessageEvent `json:"events"`
	// Missed is how many events, about whatever message, it does not remember since the last
	// of Events; EventsSince is when the oldest was that it does remember, nil without any.
	Missed      int64      `json:"missed,omitempty"`
	EventsSince *time.Time `json:"events_since,omitempty"`
}

// A MessageEvent is something that has happened to a message. What is zero is not known, or
// has no meaning for its Event.
type MessageEvent struct {
	Time time.Time `json:"time"`
	// Event is publish, deliver, ack, fail, park, unpark, discard (of a parked message), read
	// (by a call) or push. Later platforms may have further ones.
	Event      string `json:"event"`
	Key        string `json:"key"` // that published it, or whose queue it is
	App        string `json:"app_id"`
	Topic      string `json:"topic"`
	Queues     *int   `json:"queues,omitempty"` // to how many it was published; else nil
	Conn       uint64 `json:"conn,omitempty"`   // the number of the connection
	ConsumerID string `json:"consumer_id,omitempty"`
	RemoteAddr string `json:"remote_addr,omitempty"` // of a push, the host of the receiver
	Attempt    int    `json:"attempt,omitempty"`
	Failed     bool   `json:"failed,omitempty"`
	Status     int    `json:"status,omitempty"` // of the answer to a push
	Code       string `json:"code,omitempty"`
	Reason     string `json:"reason,omitempty"`
	// Missed is how many events, about whatever message, are not remembered between the one
	// before this and this one.
	Missed int64 `json:"missed,omitempty"`
}

// A Place is a queue that has a message.
type Place struct {
	Key         string `json:"key"`
	App         string `json:"app_id"`
	Topic       string `json:"topic"`
	State       string `json:"state"` // ready, held or parked
	HeldBy      string `json:"held_by,omitempty"`
	HeldSince   int64  `json:"held_since,omitempty"` // in seconds since 1970, as ParkedSince
	Attempts    int    `json:"attempts,omitempty"`   // of a parked one
	Reason      string `json:"reason,omitempty"`
	ParkedBy    string `json:"parked_by,omitempty"`
	ParkedSince int64  `json:"parked_since,omitempty"`
}

// Message returns which queues of the domain have the message with this ID, and what has
// happened to it. The error matches [prism.ErrNotFound] if none of the up to 1,000 queues has
// it that are searched, and nothing is remembered of it.
func (c *Client) Message(ctx context.Context, id string) (*Message, error) {
	var m Message
	if err := c.get(ctx, "platform/queues/message", prism.Params{"id": id}, &m); err != nil {
		return nil, err
	}
	return &m, nil
}

// A Consumer is a connection that consumes a queue.
type Consumer struct {
	Conn           uint64    `json:"conn"`
	ConsumerID     string    `json:"consumer_id,omitempty"`
	RemoteAddr     string    `json:"remote_addr"`
	UserAgent      string    `json:"user_agent"` // says which SDK it is
	Connected      time.Time `json:"connected"`
	Window         int       `json:"window"`         // how many messages it may hold, of all its queues
	Unacknowledged int       `json:"unacknowledged"` // of this queue
}

// Consumers returns the connections that consume the queue of a key, of those to the process
// that answers. An empty key is the client's own.
func (c *Client) Consumers(ctx context.Context, key, topic string) ([]Consumer, error) {
	params := prism.Params{}
	setText(params, "of", key)
	setText(params, "topic", topic)
	var consumers []Consumer
	err := c.get(ctx, "platform/queues/consumers", params, &consumers)
	return consumers, err
}

// QueueStats are how a queue did, or all queues of a domain.
type QueueStats struct {
	Key         string `json:"key"` // empty for all queues of the domain
	Topic       string `json:"topic"`
	StepSeconds int    `json:"step_seconds"` // the length of the part that a point is of
	// Other says that the queue is none of the 200 busiest, or the domain none of 20, so
	// that nothing is known of it.
	Other  bool         `json:"other"`
	Points []QueuePoint `json:"points"` // the oldest first, without those in which nothing was counted
}

// A QueuePoint is what was counted of queues in a minute or an hour. Above 2,047 a number
// may be wrong by 0.05 %.
type QueuePoint struct {
	Start          int64  `json:"start"` // in seconds since 1970
	Ready          uint64 `json:"ready"` // when it ended, as what is up to Bytes
	Unacknowledged uint64 `json:"unacknowledged"`
	Parked         uint64 `json:"parked"`
	Consumers      uint64 `json:"consumers"`
	Bytes          uint64 `json:"bytes"`
	Most           uint64 `json:"most"`      // the most messages at a time, ready and unacknowledged
	Published      uint64 `json:"published"` // messages that came, with those that were dropped at once
	Removed        uint64 `json:"removed"`   // that were acknowledged, read, purged or discarded, or too old
	Dropped        uint64 `json:"dropped"`   // of full queues
}

// A QueueStatsQuery says of which time statistics are wanted.
type QueueStatsQuery struct {
	Hours bool // of 30 days; otherwise minutes of the last hour
	// From and To are when the time begins and ends. The zero values are the longest time
	// that is known, until now.
	From, To time.Time
}

// QueueStats returns how the queue of a key did. An empty key is the client's own.
func (c *Client) QueueStats(ctx context.Context, key, topic string, q QueueStatsQuery) (*QueueStats, error) {
	params := prism.Params{"topic": topic}
	setText(params, "of", key)
	return c.queueStats(ctx, params, q)
}

// DomainQueueStats returns how all queues of the domain together did.
func (c *Client) DomainQueueStats(ctx context.Context, q QueueStatsQuery) (*QueueStats, error) {
	return c.queueStats(ctx, prism.Params{}, q)
}

func (c *Client) queueStats(ctx context.Context, params prism.Params, q QueueStatsQuery) (*QueueStats, error) {
	if q.Hours {
		params["bucket"] = "hour"
	}
	for name, at := range map[string]time.Time{"from": q.From, "to": q.To} {
		if !at.IsZero() {
			params[name] = at.Unix()
		}
	}
	var stats QueueStats
	if err := c.get(ctx, "platform/queues/stats", params, &stats); err != nil {
		return nil, err
	}
	return &stats, nil
}
