package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync/atomic"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/internal/wire"
)

// QueueClient manages the queues of a key over HTTP (protocol chapter 3). The empty
// topic is the key's default queue. A failure is a [*prism.Error]; it matches
// [errors.ErrUnsupported] if the platform does not have the call, as platforms other
// than this project's have not all of them. All methods may be called from any number
// of goroutines.
type QueueClient struct {
	client *prism.Client
	of     string      // the key of the queues, if it is not that of client
	heeded atomic.Bool // the platform is known to heed of
}

// NewQueueClient returns the queues of client's key. It sends nothing; a client that is
// nil shows at the first call, by an error that says so.
func NewQueueClient(client *prism.Client) *QueueClient { return &QueueClient{client: client} }

// Of returns the queues of another key of the same domain, by its client_id, for a
// client whose key is an admin key. For any other the calls return an error that matches
// [prism.ErrForbidden]; a key that is not there, or is of another domain, is
// [prism.ErrNotFound]. What is published, or asked by RoutedTo, still is so by the
// client's own key. The empty key is that of the client.
//
// Of needs this project's platform: another one might change the queues of the client's
// key instead, so before the first call, one that changes nothing makes sure of it.
func (q *QueueClient) Of(key string) *QueueClient { return &QueueClient{client: q.client, of: key} }

// Status is the state of a queue.
type Status struct {
	Messages       int // ready and unacknowledged
	Ready          int
	Unacknowledged int
	Consumers      int
	Stored         int // in the queue itself, as RabbitMQ counts them below a queue
	// The rest is 0 where the platform does not say it, or has no bound.
	MessagesLimit int   // beyond which Overflow says what happens
	Bytes         int64 // bodies, routing keys and content types
	BytesLimit    int64
	Overflow      Overflow // empty where the platform does not say it
	Dropped       uint64   // messages that found the queue full, or made room there, ever
	// Parked messages are none of the others. MaxAttempts is after how many attempts a
	// message is parked, and ParkedDropped counts parked messages that made room for
	// others, ever.
	Parked, MaxAttempts int
	ParkedDropped       uint64
	// Published counts the messages that the key has published and the process that
	// answered has stored, and Unrouted those of them that went to no queue.
	Published, Unrouted uint64
	// Push is nil unless the queue is the default queue of a key with a push address.
	Push *PushStatus
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

	Overflow            Overflow
	Dropped             uint64
	Published, Unrouted uint64

	Parked        int    `json:"Messages_parked"`
	MaxAttempts   int    `json:"Max_attempts"`
	ParkedDropped uint64 `json:"Parked_dropped"`

	Push *pushDoc
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
		Overflow: d.Overflow, Dropped: d.Dropped, Published: d.Published, Unrouted: d.Unrouted,
		Parked: d.Parked, MaxAttempts: d.MaxAttempts, ParkedDropped: d.ParkedDropped,
		Push: d.Push.status(),
	}
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

// Purge removes all messages that no consumer holds. Those that are parked stay; see
// [QueueClient.Discard].
func (q *QueueClient) Purge(ctx context.Context, topic string) error {
	return q.call(ctx, prism.Call{Method: "POST", Path: "platform/notify/purge", Params: topicParam(topic)}, nil)
}

// PurgeAll is Purge, and discards what is parked. It needs this project's platform.
func (q *QueueClient) PurgeAll(ctx context.Context, topic string) error {
	params := topicParam(topic)
	params["parked"] = 1
	return q.call(ctx, prism.Call{Method: "POST", Path: "platform/notify/purge", Params: params}, nil)
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
	err := q.call(ctx, prism.Call{Method: "GET", Path: "platform/notify/queue/list", Params: prism.Params{}, Repeatable: true}, &list)
	topics := make([]string, len(list))
	for i, t := range list {
		topics[i] = t.Topic
	}
	return topics, err
}

func topicParam(topic string) prism.Params {
	params := prism.Params{}
	if topic != "" {
		params["topic"] = topic
	}
	return params
}

// call makes a call about the queues of q.
func (q *QueueClient) call(ctx context.Context, c prism.Call, result any) error {
	res, err := q.do(ctx, c)
	if err != nil {
		return err
	}
	return res.Result(result)
}

// do is call for a caller that reads more than the result.
func (q *QueueClient) do(ctx context.Context, c prism.Call) (*prism.Response, error) {
	if q.of != "" {
		if err := q.checkOf(ctx); err != nil {
			return nil, err
		}
		c.Params = maps.Clone(c.Params)
		c.Params["of"] = q.of
	}
	return q.send(ctx, c)
}

// checkOf makes sure, once, that the platform heeds the parameter of. Another platform
// would make the call about the queues of the client's own key, and remove what is in
// them.
func (q *QueueClient) checkOf(ctx context.Context) error {
	if q.heeded.Load() {
		return nil
	}
	_, err := q.send(ctx, limitCall(prism.Params{"of": q.of})) // came together with of
	q.heeded.Store(err == nil)
	return err
}

// send makes a call of the client's own key.
func (q *QueueClient) send(ctx context.Context, c prism.Call) (*prism.Response, error) {
	res, err := q.client.Do(ctx, c)
	var refused *prism.Error
	switch {
	case !errors.As(err, &refused):
		return res, err
	case refused.Code == code.UnknownMessage:
		return res, fmt.Errorf("%w: %w", ErrUnknownMessage, err)
	case isUnknownCall(refused.Code):
		return res, fmt.Errorf("notify: the platform does not have this call, a newer one of this project does: %w: %w", errors.ErrUnsupported, err)
	}
	return res, err
}

// isUnknownCall reports whether a code means that there is no such call.
func isUnknownCall(c string) bool {
	meaning, _ := code.Numbered(c)
	return c == code.UnknownAPI || meaning == code.NotFound
}
