package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/wire"
)

// A Parked is a message that was put out of the way of the others in its queue, because
// it was tried as often as [QueueLimits].MaxAttempts says or by [Park]. It has no tag, and
// cannot be acknowledged.
type Parked struct {
	*Delivery
	Attempts int       // that have failed
	Reason   string    // of the last one
	By       string    // the consumer that had it last, in the platform's words
	Since    time.Time // in seconds; zero if unknown
}

// ParkedOptions says which messages [QueueClient.Parked] returns: those for which all that
// is set holds. The zero value is the first of all.
type ParkedOptions struct {
	After string // the ID behind whose place they begin; any message, also one that is gone
	N     int    // how many at most; 0 leaves that to the platform, and is 10 on this project's

	RoutingKey string        // a pattern that the routing key matches, as for Bind
	Older      time.Duration // parked so long ago or longer, in whole seconds; 0 is any time
	Reason     string        // a text that the reason contains
}

// Parked returns parked messages of a queue in its order, and changes nothing. To see what
// follows, give the ID of the last one as After. There may be fewer than N where they are
// large, and none means that there are no more. An unknown topic is [prism.ErrNotFound].
// Parked needs this project's platform.
func (q *QueueClient) Parked(ctx context.Context, topic string, o ParkedOptions) ([]Parked, error) {
	params, err := o.params(topic)
	if err != nil {
		return nil, err
	}
	var docs []parkedDoc
	if err := q.call(ctx, prism.Call{Method: "GET", Path: "platform/notify/queue/parked", Params: params, Repeatable: true}, &docs); err != nil {
		return nil, err
	}
	parked := make([]Parked, len(docs))
	for i, doc := range docs {
		parked[i] = Parked(doc)
	}
	return parked, nil
}

func (o *ParkedOptions) params(topic string) (prism.Params, error) {
	params := topicParam(topic)
	if o.Older < 0 {
		return nil, &prism.ParamError{Name: "older", Err: fmt.Errorf("it is %v, and must not be negative", o.Older)}
	}
	for name, text := range map[string]string{"after": o.After, "routing_key": o.RoutingKey, "reason": o.Reason} {
		if text != "" {
			params[name] = text
		}
	}
	if o.N != 0 {
		params["num"] = o.N
	}
	if o.Older > 0 {
		params["older"] = int64((o.Older + time.Second - 1) / time.Second)
	}
	return params, nil
}

// A parkedDoc is a Parked in the members of the platform's answer.
type parkedDoc Parked

// UnmarshalJSON reads the message as Peek does.
func (d *parkedDoc) UnmarshalJSON(text []byte) error {
	var message peekedDoc
	if err := message.UnmarshalJSON(text); err != nil {
		return err
	}
	var doc struct {
		Attempts    int    `json:"attempts"`
		Reason      string `json:"reason"`
		ParkedBy    string `json:"parked_by"`
		ParkedSince int64  `json:"parked_since"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		return err
	}
	*d = parkedDoc{Delivery: message.Delivery, Attempts: doc.Attempts, Reason: doc.Reason, By: doc.ParkedBy}
	if doc.ParkedSince != 0 {
		d.Since = time.Unix(doc.ParkedSince, 0)
	}
	return nil
}

// Park parks messages of a queue by their IDs, ready ones and those that any consumer
// holds, and returns how many that were; those that are not in the queue are ignored, and
// so are those that are parked. They no longer come, keep all that they have, and take none
// of the room of the others: the platform has a bound of its own for them, beyond which it
// drops the message that was parked first. Of reason it keeps 1,024 bytes.
//
// Park, [QueueClient.Unpark] and [QueueClient.Discard] need this project's platform. They
// take any number of IDs and make a call for each thousand: after an error the calls before
// are done, and the number is theirs. A call whose answer was lost is repeated, and does not
// count what it had done.
func (q *QueueClient) Park(ctx context.Context, topic, reason string, ids ...string) (int, error) {
	params := topicParam(topic)
	params["reason"] = wire.Reason(reason)
	return q.each(ctx, "platform/notify/queue/park", params, ids)
}

// Unpark puts parked messages back at their places in the queue, whatever its limits, and
// returns how many; others are ignored. Their attempts are counted on, so the queue parks
// them again when they have failed [QueueLimits].MaxAttempts times more. See
// [QueueClient.Park].
func (q *QueueClient) Unpark(ctx context.Context, topic string, ids ...string) (int, error) {
	return q.each(ctx, "platform/notify/queue/unpark", topicParam(topic), ids)
}

// Discard removes parked messages for good and returns how many; others are ignored. See
// [QueueClient.Park].
func (q *QueueClient) Discard(ctx context.Context, topic string, ids ...string) (int, error) {
	return q.each(ctx, "platform/notify/queue/discard", topicParam(topic), ids)
}

// mostIDs is how many messages one call names.
const mostIDs = 1000

// each makes a call for messages, and returns how many it has changed.
func (q *QueueClient) each(ctx context.Context, path string, params prism.Params, ids []string) (changed int, err error) {
	for _, id := range ids {
		if id == "" || strings.Contains(id, ",") {
			return 0, &prism.ParamError{Name: "id", Err: fmt.Errorf("%q is not the ID of a message", id)}
		}
	}
	for some := range slices.Chunk(ids, mostIDs) {
		params["id"] = strings.Join(some, ",")
		var doc struct{ Messages *int }
		err := q.call(ctx, prism.Call{Method: "POST", Path: path, Params: params, Repeatable: true}, &doc)
		if err != nil {
			return changed, err
		}
		if doc.Messages == nil {
			return changed, errors.New("notify: the answer of " + path + " has no member messages")
		}
		changed += *doc.Messages
	}
	return changed, nil
}
