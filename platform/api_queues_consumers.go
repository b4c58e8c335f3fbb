package platform

import (
	"context"
	"slices"
	"time"
)

// A consumerDoc is a connection that consumes a queue, of the result of queues/consumers.
type consumerDoc struct {
	Conn           uint64 `json:"conn"`
	ConsumerID     string `json:"consumer_id,omitempty"`
	RemoteAddr     string `json:"remote_addr"`
	UserAgent      string `json:"user_agent"`
	Connected      string `json:"connected"`      // RFC 3339 with milliseconds
	Window         int    `json:"window"`         // how many messages it may hold, of all its queues
	Unacknowledged int    `json:"unacknowledged"` // of this queue
}

// queueConsumers returns the connections to this process that consume a queue, the oldest
// first.
func (p *Platform) queueConsumers(ctx context.Context, c *call, of *holder) (any, error) {
	topic, err := p.topic(c)
	if err != nil {
		return nil, err
	}
	if _, err := p.cfg.Queues.Status(ctx, of.key.ID, topic); err != nil { // there is no such queue
		return nil, err
	}
	docs := []consumerDoc{}
	for _, ch := range p.keyStates.channelsOf(of.key.ID) {
		if doc, ok := ch.consumerOf(topic); ok {
			docs = append(docs, doc)
		}
	}
	slices.SortFunc(docs, func(a, b consumerDoc) int { return int(a.Conn) - int(b.Conn) })
	return docs, nil
}

// consumerOf returns what the channel is to a queue, if it consumes it.
func (c *channel) consumerOf(topic string) (consumerDoc, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	queue := c.consumers[topic]
	if queue == nil || c.ended {
		return consumerDoc{}, false
	}
	doc := consumerDoc{
		Conn: c.info.ID, ConsumerID: c.name.id, RemoteAddr: c.info.RemoteAddr, UserAgent: shorten(c.info.UserAgent, loggedBytes),
		Connected: c.info.Since.UTC().Truncate(time.Millisecond).Format(createdLayout), Window: c.window,
	}
	for _, h := range c.held {
		if h.queue == queue {
			doc.Unacknowledged++
		}
	}
	return doc, true
}
