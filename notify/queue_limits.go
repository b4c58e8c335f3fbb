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
	// MaxAttempts is how often a message is tried before the platform parks it, see
	// [QueueClient.Park]. An attempt is counted when a consumer says that it failed, or
	// when a connection ends that may have ended because of the message: it was the oldest
	// that was not acknowledged, or older than one that was. 0: any number. Platforms other
	// than this project's count none.
	MaxAttempts int
}

// DefaultLimit as a number for [QueueClient.SetLimits] takes back what was set, so that
// the platform's own bound holds again. For MaxAttempts that is none.
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
// The holder of a key can only lower MaxMessages and MaxBytes of its queues, and cannot
// set [OverflowRefuse]: for that the client needs an admin key, or the error matches
// [prism.ErrForbidden]. SetLimits needs this project's platform. To one that counts no
// attempts MaxAttempts cannot be set: the error matches [errors.ErrUnsupported], and the
// rest is set.
func (q *QueueClient) SetLimits(ctx context.Context, topic string, l QueueLimits) (QueueLimits, error) {
	params := topicParam(topic)
	err := errors.Join(setLimit(params, "max_messages", int64(l.MaxMessages)), setLimit(params, "max_bytes", l.MaxBytes), setLimit(params, "max_attempts", int64(l.MaxAttempts)))
	if err != nil {
		return QueueLimits{}, err
	}
	if l.Overflow != "" {
		params["overflow"] = string(l.Overflow)
	}
	return q.limits(ctx, params)
}

// errNoAttempts is the error for MaxAttempts where the platform ignores it.
var errNoAttempts = fmt.Errorf("notify: the platform counts no attempts, so it parks no message; a newer one of this project does: %w", errors.ErrUnsupported)

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
	if _, asked := params["max_attempts"]; err == nil && asked && !doc.attempts {
		err = errNoAttempts
	}
	return doc.QueueLimits, err
}

func limitCall(params prism.Params) prism.Call {
	return prism.Call{Method: "POST", Path: "platform/notify/queue/limit", Params: params, Repeatable: true}
}

// A limitsDoc is QueueLimits in the members of the platform's answer.
type limitsDoc struct {
	QueueLimits
	attempts bool // the platform knows MaxAttempts
}

// UnmarshalJSON refuses what does not say the limits.
func (d *limitsDoc) UnmarshalJSON(text []byte) error {
	var said struct {
		MaxMessages *int     `json:"max_messages"`
		MaxBytes    *int64   `json:"max_bytes"`
		Overflow    Overflow `json:"overflow"`
		MaxAttempts *int     `json:"max_attempts"`
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return err
	}
	if said.MaxMessages == nil || said.MaxBytes == nil {
		return errors.New("limits with the members max_messages and max_bytes were expected")
	}
	d.QueueLimits = QueueLimits{MaxMessages: *said.MaxMessages, MaxBytes: *said.MaxBytes, Overflow: said.Overflow}
	if d.attempts = said.MaxAttempts != nil; d.attempts {
		d.MaxAttempts = *said.MaxAttempts
	}
	return nil
}
