package notify

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/shopex/prism-go"
)

// A Receipt says what became of a message that the platform has stored.
type Receipt struct {
	ID     string // as in [Delivery]; empty if the platform does not say it
	Queues int    // how many queues have got the message; -1 if the platform does not say it
}

// Write puts data into one queue without routing it. Nil means that it is stored. After
// an error that is not a [*prism.Error] it may be stored too: the call is not repeated,
// unless it was surely not processed.
func (q *QueueClient) Write(ctx context.Context, topic string, data []byte) error {
	params := topicParam(topic)
	params["data"] = string(data)
	_, err := q.write(ctx, q.do, params)
	return err
}

// WriteReceipt is Write of m, with its content type and its routing key, which is only
// kept, and returns the receipt. With a routing key it needs a topic: without one the
// platform would route the message.
func (q *QueueClient) WriteReceipt(ctx context.Context, topic string, m Message) (Receipt, error) {
	if topic == "" && m.Key != "" {
		return Receipt{}, errors.New("notify: WriteReceipt of a message with a routing key needs the topic of a queue: without one the platform would route the message")
	}
	params, err := m.params()
	if err != nil {
		return Receipt{}, err
	}
	if topic != "" {
		params["topic"] = topic
	}
	return q.write(ctx, q.do, params)
}

// Forward writes d into the queue of a topic as it came, without routing it: with its
// routing key, content type and time, and with its publisher if that is the key of q, as
// on this project's platform it is. Use it to put a delivery aside, and to put it back.
// It gets another ID. On another platform the routing key and the time may be lost.
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
	_, err := q.write(ctx, q.do, params)
	return err
}

// Publish routes one message as text/plain; see [QueueClient.PublishMessage].
func (q *QueueClient) Publish(ctx context.Context, key string, body []byte) error {
	return q.PublishMessage(ctx, Message{Key: key, Body: body})
}

// PublishMessage routes m like [Publisher.PublishMessage], by a signed call of its
// own: slower than a Publisher, and simple. It needs this project's platform.
func (q *QueueClient) PublishMessage(ctx context.Context, m Message) error {
	_, err := q.PublishReceipt(ctx, m)
	return err
}

// PublishReceipt is PublishMessage, and returns the receipt: one that says 0 queues means
// that nobody listens.
func (q *QueueClient) PublishReceipt(ctx context.Context, m Message) (Receipt, error) {
	if m.Key == "" {
		return Receipt{}, errors.New("notify: the routing key is empty; a message needs one, such as order.new")
	}
	params, err := m.params()
	if err != nil {
		return Receipt{}, err
	}
	return q.write(ctx, q.send, params)
}

// params returns m as the parameters of a call.
func (m *Message) params() (prism.Params, error) {
	if err := m.checkLines(); err != nil {
		return nil, err
	}
	params := prism.Params{"data": string(m.Body)}
	if m.Key != "" {
		params["routing_key"] = m.Key
	}
	if m.ContentType != "" {
		params["content_type"] = m.ContentType
	}
	return params, nil
}

func (q *QueueClient) write(ctx context.Context, do func(context.Context, prism.Call) (*prism.Response, error), params prism.Params) (Receipt, error) {
	res, err := do(ctx, prism.Call{Method: "POST", Path: "platform/notify/write", Params: params})
	if err == nil {
		err = res.Result(nil)
	}
	if err != nil {
		return Receipt{}, err
	}
	return receiptOf(res.Body), nil
}

// receiptOf reads the receipt beside the result of an answer. Whatever it says, the
// message is stored.
func receiptOf(answer []byte) Receipt {
	var said struct {
		ID     any  `json:"id"`
		Queues *int `json:"queues"`
	}
	r := Receipt{Queues: -1}
	if json.Unmarshal(answer, &said) != nil {
		return r
	}
	r.ID, _ = said.ID.(string)
	if said.Queues != nil {
		r.Queues = *said.Queues
	}
	return r
}
