package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/shopex/prism-go"
)

// QueueLimits is what a queue holds at most, ready and unacknowledged, and what happens
// beyond that.
type QueueLimits struct {
	MaxMessages int   // 0: no bound
	MaxBytes    int64 // of bodies, routing keys and content types; 0: no bound
	Overflow    Overflow
}

// DefaultLimit as a number for [QueueClient.SetLimits] takes back what was set, so that
// the platform's own bound holds again.
const DefaultLimit = -1

// An Overflow says what a full queue does. Messages that a consumer holds are never
// dropped; if none is ready, the newcomer is. [Status] counts what is dropped.
type Overflow string

const (
	// OverflowDefault refuses what the queue's own key publishes or writes, and drops
	// the oldest message for one of another key.
	OverflowDefault Overflow = "default"
	// OverflowRefuse refuses the newcomer, for all queues that it would go to: it stops
	// publishers of other keys, so only an admin key may set it.
	OverflowRefuse Overflow = "refuse"
	// OverflowDropOldest drops the oldest ready messages.
	OverflowDropOldest Overflow = "drop-oldest"
	// OverflowDropNewest drops the newcomer.
	OverflowDropNewest Overflow = "drop-newest"
)

// Limits returns the limits of a queue that hold; an unknown topic is [prism.ErrNotFound].
// It needs this project's platform.
func (q *QueueClient) Limits(ctx context.Context, topic string) (QueueLimits, error) {
	return q.limits(ctx, topicParam(topic))
}

// SetLimits changes the limits of a queue and returns those that hold then. Zero leaves a
// field as it is; [DefaultLimit] and [OverflowDefault] take back what was set. What the
// queue holds stays.
//
// The holder of a key can only lower the numbers of its queues, and cannot set
// [OverflowRefuse]: for that the client needs an admin key, or the error matches
// [prism.ErrForbidden]. SetLimits needs this project's platform.
func (q *QueueClient) SetLimits(ctx context.Context, topic string, l QueueLimits) (QueueLimits, error) {
	params := topicParam(topic)
	err := errors.Join(setLimit(params, "max_messages", int64(l.MaxMessages)), setLimit(params, "max_bytes", l.MaxBytes))
	if err != nil {
		return QueueLimits{}, err
	}
	if l.Overflow != "" {
		params["overflow"] = string(l.Overflow)
	}
	return q.limits(ctx, params)
}

func setLimit(params prism.Params, name string, limit int64) error {
	switch {
	case limit > 0:
		params[name] = limit
	case limit == DefaultLimit:
		params[name] = 0
	case limit < 0:
		return &prism.ParamError{Name: name, Err: fmt.Errorf("it is %d; it must be positive, 0 to leave it as it is, or DefaultLimit", limit)}
	}
	return nil
}

func (q *QueueClient) limits(ctx context.Context, params prism.Params) (QueueLimits, error) {
	var doc limitsDoc
	err := q.call(ctx, limitCall(params), &doc)
	return QueueLimits(doc), err
}

func limitCall(params prism.Params) prism.Call {
	return prism.Call{Method: "POST", Path: "platform/notify/queue/limit", Params: params, Repeatable: true}
}

// A limitsDoc is QueueLimits in the members of the platform's answer.
type limitsDoc QueueLimits

// UnmarshalJSON refuses what does not say the limits.
func (d *limitsDoc) UnmarshalJSON(text []byte) error {
	var said struct {
		MaxMessages *int     `json:"max_messages"`
		MaxBytes    *int64   `json:"max_bytes"`
		Overflow    Overflow `json:"overflow"`
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return err
	}
	if said.MaxMessages == nil || said.MaxBytes == nil {
		return errors.New("limits with the members max_messages and max_bytes were expected")
	}
	*d = limitsDoc{MaxMessages: *said.MaxMessages, MaxBytes: *said.MaxBytes, Overflow: said.Overflow}
	return nil
}
