package notify

import (
	"context"
	"encoding/json"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/wire"
)

// PeekOptions says which messages [QueueClient.Peek] returns. The zero value is those at
// the head of the queue.
type PeekOptions struct {
	After string // the ID behind whose place they begin; the message may be gone
	N     int    // how many at most; 0 leaves that to the platform, and is 10 on this project's
}

// A Peeked is a message that is in a queue. It has no tag, and cannot be acknowledged.
type Peeked struct {
	*Delivery
	Held      bool      // by a consumer, until that acknowledges or returns it
	HeldBy    string    // the consumer's connection, in the platform's words
	HeldSince time.Time // in seconds; zero if unknown
}

// Peek returns messages of a queue in their order, and changes nothing. To see what
// follows, give the ID of the last one as After. There may be fewer than N where they
// are large, and none means the end of the queue. Messages that consumers hold are among
// them. An unknown topic is [prism.ErrNotFound], and an ID that the platform never gave
// [ErrUnknownMessage]. Peek needs this project's platform.
func (q *QueueClient) Peek(ctx context.Context, topic string, o PeekOptions) ([]Peeked, error) {
	params := topicParam(topic)
	if o.After != "" {
		params["after"] = o.After
	}
	if o.N != 0 {
		params["num"] = o.N
	}
	var docs []peekedDoc
	if err := q.call(ctx, prism.Call{Method: "GET", Path: "platform/notify/peek", Params: params, Repeatable: true}, &docs); err != nil {
		return nil, err
	}
	peeked := make([]Peeked, len(docs))
	for i, doc := range docs {
		peeked[i] = Peeked(doc)
	}
	return peeked, nil
}

// A peekedDoc is a Peeked in the members of the platform's answer.
type peekedDoc Peeked

// UnmarshalJSON reads the message as in a delivery. A body that is no text comes in
// base64, too.
func (d *peekedDoc) UnmarshalJSON(text []byte) error {
	message, err := wire.DecodeMessage(text)
	if err != nil {
		return err
	}
	var doc struct {
		Body      []byte `json:"body_base64"`
		State     string `json:"state"`
		HeldBy    string `json:"held_by"`
		HeldSince int64  `json:"held_since"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return err
	}
	if doc.Body != nil {
		message.Body = doc.Body
	}
	*d = peekedDoc{Delivery: newDelivery(&message), Held: doc.State == "held", HeldBy: doc.HeldBy}
	if doc.HeldSince != 0 {
		d.HeldSince = time.Unix(doc.HeldSince, 0)
	}
	return nil
}
