package notify

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/wire"
)

// QueueClient manages the queues of a key over HTTP (protocol chapter 3). The empty
// topic is the key's default queue. A failure is a [*prism.Error].
type QueueClient struct{ client *prism.Client }

// NewQueueClient returns the queues of client's key. It sends nothing; a client that is
// nil shows at the first call, by an error that says so.
func NewQueueClient(client *prism.Client) *QueueClient { return &QueueClient{client} }

// Status is the state of a queue.
type Status struct {
	Messages       int // ready and unacknowledged
	Ready          int
	Unacknowledged int
	Consumers      int
	Stored         int // in the queue itself, as RabbitMQ counts them below a queue
	// The rest is 0 where the platform does not say it, or has no bound.
	MessagesLimit int   // at which publishing is refused
	Bytes         int64 // bodies, routing keys and content types
	BytesLimit    int64
}

// Full is how much of the queue's bound is used, from 0 to 1, in messages or bytes,
// whichever is more. It is 0 where there is no bound.
func (s *Status) Full() float64 {
	var full float64
	if s.MessagesLimit > 0 {
		full = float64(s.Messages) / float64(s.MessagesLimit)
	}
	if s.BytesLimit > 0 {
		full = max(full, float64(s.Bytes)/float64(s.BytesLimit))
	}
	return full
}

// Status returns the state of a queue; an unknown topic is [prism.ErrNotFound].
func (q *QueueClient) Status(ctx context.Context, topic string) (Status, error) {
	var doc statusDoc
	err := q.call(ctx, prism.Call{Method: "GET", Path: "platform/notify/status", Params: topicParam(topic), Repeatable: true}, &doc)
	return doc.status(), err
}

// A statusDoc is a Status in the members of the platform's answer.
type statusDoc struct {
	Messages       int `json:"Messages"`
	Ready          int `json:"Messages_ready"`
	Unacknowledged int `json:"Messages_unacknowledged"`
	Consumers      int
	Backing        struct{ Len int } `json:"Backing_queue_status"`

	MessagesLimit int `json:"Messages_limit"`
	Bytes         int64
	BytesLimit    int64 `json:"Bytes_limit"`
}

// UnmarshalJSON refuses what does not say how many messages there are.
func (d *statusDoc) UnmarshalJSON(text []byte) error {
	var said struct {
		Messages *int            `json:"Messages"`
		Backing  json.RawMessage `json:"Backing_queue_status"`
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return err
	}
	if said.Messages == nil && said.Backing == nil {
		return errors.New("the state of a queue with the member Messages was expected")
	}
	type plain statusDoc
	return json.Unmarshal(text, (*plain)(d))
}

func (d *statusDoc) status() Status {
	return Status{
		Messages: d.Messages, Ready: d.Ready, Unacknowledged: d.Unacknowledged, Consumers: d.Consumers, Stored: d.Backing.Len,
		MessagesLimit: d.MessagesLimit, Bytes: d.Bytes, BytesLimit: d.BytesLimit,
	}
}

// Write puts data into one queue without routing it. Nil means that it is stored. After
// an error that is not a [*prism.Error] it may be stored too: the call is not repeated,
// unless it was surely not processed.
func (q *QueueClient) Write(ctx context.Context, topic string, data []byte) error {
	params := topicParam(topic)
	params["data"] = string(data)
	return q.call(ctx, prism.Call{Method: "POST", Path: "platform/notify/write", Params: params}, nil)
}

// Forward writes d into the queue of a topic as it came, without routing it: with its
// routing key, content type and time, and with its publisher if that is the key of q, as
// on this project's platform it is. Use it to put a delivery aside, and to put it back.
// On another platform the routing key and the time may be lost.
// Errors are as with [QueueClient.Write].
func (q *QueueClient) Forward(ctx context.Context, topic string, d *Delivery) error {
	if topic == "" {
		return errors.New("notify: Forward needs the topic of a queue: without one the platform would route the message by its key")
	}
	params := prism.Params{"topic": topic, "data": string(d.Body)}
	if d.Key != "" {
		params["routing_key"] = d.Key
	}
	if d.ContentType != "" {
		params["content_type"] = d.ContentType
	}
	if !d.Time.IsZero() {
		params["time"] = d.Time.Unix()
	}
	return q.call(ctx, prism.Call{Method: "POST", Path: "platform/notify/write", Params: params}, nil)
}

// Publish routes one message as text/plain; see [QueueClient.PublishMessage].
func (q *QueueClient) Publish(ctx context.Context, key string, body []byte) error {
	return q.PublishMessage(ctx, Message{Key: key, Body: body})
}

// PublishMessage routes m like [Publisher.PublishMessage], by a signed call of its
// own: slower than a Publisher, and simple. It needs this project's platform.
func (q *QueueClient) PublishMessage(ctx context.Context, m Message) error {
	if m.Key == "" {
		return errors.New("notify: the routing key is empty; a message needs one, such as order.new")
	}
	if err := m.checkLines(); err != nil {
		return err
	}
	params := prism.Params{"data": string(m.Body), "routing_key": m.Key}
	if m.ContentType != "" {
		params["content_type"] = m.ContentType
	}
	return q.call(ctx, prism.Call{Method: "POST", Path: "platform/notify/write", Params: params}, nil)
}

// Read removes up to n messages from a queue and returns them, which may be
// none; it does not wait. This is at-most-once: when the answer is lost, so are
// the messages. Therefore the call is never repeated. Bytes that are not UTF-8
// arrive as U+FFFD, since the answer is JSON. A Consumer loses nothing.
func (q *QueueClient) Read(ctx context.Context, topic string, n int) ([]*Delivery, error) {
	params := topicParam(topic)
	params["num"] = n
	var messages []json.RawMessage
	if err := q.call(ctx, prism.Call{Method: "GET", Path: "platform/notify/read", Params: params}, &messages); err != nil {
		return nil, err
	}
	read := make([]*Delivery, len(messages))
	for i, m := range messages {
		d, err := wire.DecodeMessage(m)
		if err != nil {
			d = wire.Delivery{Body: m} // it was removed from the queue, so it must not get lost
		}
		read[i] = newDelivery(&d)
	}
	return read, nil
}

// Purge removes all messages that no consumer holds.
func (q *QueueClient) Purge(ctx context.Context, topic string) error {
	return q.call(ctx, prism.Call{Method: "POST", Path: "platform/notify/purge", Params: topicParam(topic)}, nil)
}

// Create makes the queue of a topic; it may exist.
func (q *QueueClient) Create(ctx context.Context, topic string) error {
	return q.call(ctx, prism.Call{Method: "GET", Path: "platform/notify/queue/create", Params: prism.Params{"topic": topic}, Repeatable: true}, nil)
}

// Drop removes the queue of a topic, with its messages and bindings.
func (q *QueueClient) Drop(ctx context.Context, topic string) error {
	return q.call(ctx, prism.Call{Method: "GET", Path: "platform/notify/queue/drop", Params: prism.Params{"topic": topic}}, nil)
}

// Topics lists the named queues.
func (q *QueueClient) Topics(ctx context.Context) ([]string, error) {
	var list []struct {
		Topic string `json:"topic"`
	}
	err := q.call(ctx, prism.Call{Method: "GET", Path: "platform/notify/queue/list", Repeatable: true}, &list)
	topics := make([]string, len(list))
	for i, t := range list {
		topics[i] = t.Topic
	}
	return topics, err
}

// Bind routes messages whose routing key matches pattern into the queue of a
// topic. In a pattern * stands for one word and # for any number of them.
func (q *QueueClient) Bind(ctx context.Context, topic, pattern string) error {
	params := prism.Params{"topic": topic, "routing_key": pattern}
	return q.call(ctx, prism.Call{Method: "POST", Path: "platform/notify/routing/set", Params: params, Repeatable: true}, nil)
}

// Unbind undoes [QueueClient.Bind]; what the queue holds stays. The default queue is
// bound to # from the beginning: unbind it where only named queues are consumed, or
// it gets a copy of each message until it is full, and then publishing is refused. A
// pattern that the queue is not bound to is [prism.ErrNotFound]. Unbind
// needs this project's platform.
func (q *QueueClient) Unbind(ctx context.Context, topic, pattern string) error {
	params := prism.Params{"topic": topic, "routing_key": pattern}
	return q.call(ctx, prism.Call{Method: "POST", Path: "platform/notify/routing/unset", Params: params}, nil)
}

// Bindings returns the patterns that a queue is bound to, sorted; an unknown topic is
// [prism.ErrNotFound]. It needs this project's platform.
func (q *QueueClient) Bindings(ctx context.Context, topic string) ([]string, error) {
	var list []struct {
		RoutingKey string `json:"routing_key"`
	}
	err := q.call(ctx, prism.Call{Method: "GET", Path: "platform/notify/routing/list", Params: topicParam(topic), Repeatable: true}, &list)
	patterns := make([]string, len(list))
	for i, b := range list {
		patterns[i] = b.RoutingKey
	}
	return patterns, err
}

func topicParam(topic string) prism.Params {
	params := prism.Params{}
	if topic != "" {
		params["topic"] = topic
	}
	return params
}

func (q *QueueClient) call(ctx context.Context, c prism.Call, result any) error {
	res, err := q.client.Do(ctx, c)
	if err != nil {
		return err
	}
	return res.Result(result)
}
