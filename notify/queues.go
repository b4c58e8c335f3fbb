package notify

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/wire"
)

// Queues manages the queues of a key over HTTP (protocol chapter 3). The empty
// topic is the key's default queue. A failure is a [*prism.Error].
type Queues struct{ client *prism.Client }

// NewQueues returns the queues of client's key. It sends nothing; a client that is
// nil shows at the first call, by an error that says so.
func NewQueues(client *prism.Client) *Queues { return &Queues{client} }

// Status is the state of a queue. Its JSON is the platform's.
type Status struct {
	Messages       int `json:"Messages"` // ready and unacknowledged
	Ready          int `json:"Messages_ready"`
	Unacknowledged int `json:"Messages_unacknowledged"`
	Consumers      int `json:"Consumers"`
	Backing        struct {
		Len int `json:"Len"` // messages in the queue itself
	} `json:"Backing_queue_status"`
	// The rest is 0 where the platform does not say it, or has no bound.
	MessagesLimit int   `json:"Messages_limit,omitempty"` // at which publishing is refused
	Bytes         int64 `json:"Bytes,omitempty"`          // bodies, routing keys and content types
	BytesLimit    int64 `json:"Bytes_limit,omitempty"`
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
func (q *Queues) Status(ctx context.Context, topic string) (Status, error) {
	var doc statusDoc
	err := q.call(ctx, prism.Call{Method: "GET", Path: "platform/notify/status", Params: topicParam(topic), Repeatable: true}, &doc)
	return doc.Status, err
}

// A statusDoc is a Status in an answer, which has to say how many messages there are.
type statusDoc struct{ Status }

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
	return json.Unmarshal(text, &d.Status)
}

// Write puts data into one queue, past all routing. Nil means that it is there.
// After an error that is no [*prism.Error] it may be there too: the call is not
// repeated, unless it was surely not processed.
func (q *Queues) Write(ctx context.Context, topic string, data []byte) error {
	params := topicParam(topic)
	params["data"] = string(data)
	return q.call(ctx, prism.Call{Method: "POST", Path: "platform/notify/write", Params: params}, nil)
}

// Forward writes d into the queue of a topic as it came, past all routing: its
// routing key, content type and time go along, and its publisher, as long as that is
// the key of q, as on this project's platform it is. It is for a delivery that is put
// aside, and for the way back. On another platform the key and the time may be lost.
// Errors are as with [Queues.Write].
func (q *Queues) Forward(ctx context.Context, topic string, d *Delivery) error {
	if topic == "" {
		return errors.New("notify: Forward needs the topic of a queue: without one the platform would route the message by its key")
	}
	params := prism.Params{"topic": topic, "data": string(d.Body)}
	if d.Key != "" {
		params["routing_key"] = d.Key
	}
	if d.Type != "" {
		params["content_type"] = d.Type
	}
	if !d.Time.IsZero() {
		params["time"] = d.Time.Unix()
	}
	return q.call(ctx, prism.Call{Method: "POST", Path: "platform/notify/write", Params: params}, nil)
}

// Publish routes m like [Publisher.Publish], by a signed call of its own: slower
// than a Publisher, and simple. It needs this project's platform.
func (q *Queues) Publish(ctx context.Context, m Message) error {
	if m.Key == "" {
		return errors.New("notify: the routing key is empty; a message needs one, such as order.new")
	}
	if err := m.checkLines(); err != nil {
		return err
	}
	params := prism.Params{"data": string(m.Body), "routing_key": m.Key}
	if m.Type != "" {
		params["content_type"] = m.Type
	}
	return q.call(ctx, prism.Call{Method: "POST", Path: "platform/notify/write", Params: params}, nil)
}

// Read removes up to n messages from a queue and returns them, which may be
// none; it does not wait. This is at-most-once: when the answer is lost, so are
// the messages. Therefore the call is never repeated. Bytes that are not UTF-8
// arrive as U+FFFD, since the answer is JSON. A Consumer loses nothing.
func (q *Queues) Read(ctx context.Context, topic string, n int) ([]*Delivery, error) {
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
			d = wire.Delivery{Body: m} // it is gone from the queue: better as it is than lost
		}
		read[i] = newDelivery(&d)
	}
	return read, nil
}

// Purge removes all messages that no consumer holds.
func (q *Queues) Purge(ctx context.Context, topic string) error {
	return q.call(ctx, prism.Call{Method: "POST", Path: "platform/notify/purge", Params: topicParam(topic)}, nil)
}

// Create makes the queue of a topic; it may exist.
func (q *Queues) Create(ctx context.Context, topic string) error {
	return q.call(ctx, prism.Call{Method: "GET", Path: "platform/notify/queue/create", Params: prism.Params{"topic": topic}, Repeatable: true}, nil)
}

// Drop removes the queue of a topic, with its messages and bindings.
func (q *Queues) Drop(ctx context.Context, topic string) error {
	return q.call(ctx, prism.Call{Method: "GET", Path: "platform/notify/queue/drop", Params: prism.Params{"topic": topic}}, nil)
}

// Topics lists the named queues.
func (q *Queues) Topics(ctx context.Context) ([]string, error) {
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
func (q *Queues) Bind(ctx context.Context, topic, pattern string) error {
	params := prism.Params{"topic": topic, "routing_key": pattern}
	return q.call(ctx, prism.Call{Method: "POST", Path: "platform/notify/routing/set", Params: params, Repeatable: true}, nil)
}

// Unbind undoes [Queues.Bind]; what the queue holds stays. The default queue is
// bound to # from the beginning: unbind it where only named queues are consumed, or
// it gets a copy of each message until it is full, and then publishing is refused. A
// pattern that the queue is not bound to is [prism.ErrNotFound]. Unbind
// needs this project's platform.
func (q *Queues) Unbind(ctx context.Context, topic, pattern string) error {
	params := prism.Params{"topic": topic, "routing_key": pattern}
	return q.call(ctx, prism.Call{Method: "POST", Path: "platform/notify/routing/unset", Params: params}, nil)
}

// Bindings returns the patterns that a queue is bound to, sorted; an unknown topic is
// [prism.ErrNotFound]. It needs this project's platform.
func (q *Queues) Bindings(ctx context.Context, topic string) ([]string, error) {
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

func (q *Queues) call(ctx context.Context, c prism.Call, result any) error {
	res, err := q.client.Do(ctx, c)
	if err != nil {
		return err
	}
	return res.Result(result)
}
