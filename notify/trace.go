package notify

import (
	"context"
	"time"
)

// Trace is a set of functions that a [Publisher] or a [Consumer] calls, as
// [net/http/httptrace] has them for a request. Any of them may be nil.
// PublisherConfig.Trace and ConsumerConfig.Trace set it; one Trace may serve any number
// of both. The handshakes of connections are seen by [prism.Trace].
//
// They are called synchronously, with no lock held: what called them goes on when they
// return. Several may run at the same time. They must not panic, and must not call the
// publisher or the consumer that called them. A context that one of them returns must be
// derived from the one it got. The error that they get shows no secret of ours; that of a
// handler is the handler's.
type Trace struct {
	// Connected is called by the goroutine that makes connections when one
	// works, after OnConnect, and Disconnected when it has ended: with nil if this
	// side ended it. Reconnect is called before the wait that follows, also where no connection
	// could be made.
	Connected    func()
	Disconnected func(err error)
	Reconnect    func(ReconnectInfo)

	// PublishStart is called by PublishMessage and PublishAsync on the goroutine of their caller. It
	// may change the message, which is a copy, but not the bytes of its Body.
	PublishStart func(ctx context.Context, m *Message) context.Context
	// PublishDone is called with the context of PublishStart when the outcome of
	// the message is known; nil means confirmed. For PublishMessage it is called
	// on the goroutine of the caller, for PublishAsync on that which called done, and
	// after it.
	PublishDone func(ctx context.Context, m Message, err error)
	// Resend is called when so many messages will be sent again over a new
	// connection, by the goroutine that makes connections.
	Resend func(messages int)

	// Received is called for each delivery that was read, by the goroutine that
	// reads the connection.
	Received func(d *Delivery)
	// HandleStart is called before the first attempt at a delivery, by the
	// goroutine that calls the handler, which gets the context. It may change Body and
	// ContentType. For the loop of Deliveries this goroutine is another than
	// that of the loop, which does not see the context.
	HandleStart func(ctx context.Context, d *Delivery) context.Context
	// AttemptDone is called after each call of the handler, with the context of
	// HandleStart.
	AttemptDone func(ctx context.Context, d *Delivery, info AttemptDoneInfo)
	// HandleDone is called on the same goroutine when no further attempt will be
	// made, after the acknowledgement unless that is the handler's, and after OnGiveUp if the delivery was given
	// up. It is not called when the handler has ended its goroutine.
	HandleDone func(ctx context.Context, d *Delivery, info HandleDoneInfo)
	// Acked is called when an acknowledgement was queued on the connection, or
	// could not be, by the goroutine that called Ack or the handler.
	Acked func(d *Delivery, err error)
	// Returned is called when the platform was told that an attempt at a
	// message has failed, by the goroutine that makes connections or that called the
	// handler. The reason is what the platform was told.
	Returned func(tag uint64, reason string)
}

// ReconnectInfo is what Trace.Reconnect gets.
type ReconnectInfo struct {
	Err  error         // why there is no connection; nil if this side ended it
	Wait time.Duration // before the next is made
}

// AttemptDoneInfo is what Trace.AttemptDone gets.
type AttemptDoneInfo struct {
	Attempt int   // at this delivery, from 1
	Err     error // of the handler; a [*PanicError] if it panicked
}

// HandleDoneInfo is what Trace.HandleDone gets.
type HandleDoneInfo struct {
	Attempts int   // calls of the handler
	Err      error // of the last; nil if it was handled
	GivenUp  bool  // after the last attempt that was allowed
	PutAside bool  // moreover, OnGiveUp returned nil
}

func (t *Trace) connected() {
	if t != nil && t.Connected != nil {
		t.Connected()
	}
}

func (t *Trace) disconnected(err error) {
	if t != nil && t.Disconnected != nil {
		t.Disconnected(err)
	}
}

func (t *Trace) reconnect(err error, wait time.Duration) {
	if t != nil && t.Reconnect != nil {
		t.Reconnect(ReconnectInfo{err, wait})
	}
}

// publishStart returns what to publish, and what to call with the outcome, or nil.
func (t *Trace) publishStart(ctx context.Context, m Message) (context.Context, Message, func(error)) {
	if t == nil {
		return ctx, m, nil
	}
	if t.PublishStart != nil {
		traced := m // only here it is on the heap
		ctx = t.PublishStart(ctx, &traced)
		m = traced
	}
	return ctx, m, t.publishDone(ctx, m)
}

func (t *Trace) publishDone(ctx context.Context, m Message) func(error) {
	if t.PublishDone == nil {
		return nil
	}
	return func(err error) { t.PublishDone(ctx, m, err) }
}

func (t *Trace) resend(messages int) {
	if t != nil && t.Resend != nil && messages > 0 {
		t.Resend(messages)
	}
}

func (t *Trace) received(deliveries []*Delivery) {
	if t == nil || t.Received == nil {
		return
	}
	for _, d := range deliveries {
		t.Received(d)
	}
}

func (t *Trace) handleStart(ctx context.Context, d *Delivery) context.Context {
	if t == nil || t.HandleStart == nil {
		return ctx
	}
	return t.HandleStart(ctx, d)
}

func (t *Trace) attemptDone(ctx context.Context, d *Delivery, attempt int, err error) {
	if t != nil && t.AttemptDone != nil {
		t.AttemptDone(ctx, d, AttemptDoneInfo{attempt, err})
	}
}

func (t *Trace) handleDone(ctx context.Context, d *Delivery, info HandleDoneInfo) {
	if t != nil && t.HandleDone != nil {
		t.HandleDone(ctx, d, info)
	}
}

func (t *Trace) acked(d *Delivery, err error) {
	if t != nil && t.Acked != nil {
		t.Acked(d, err)
	}
}

func (t *Trace) returned(f failure) {
	if t != nil && t.Returned != nil {
		t.Returned(f.tag, f.reason)
	}
}
