package platform

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// A platform publishes events about itself into the exchange of the domain that they
// concern (docs/events.md). What causes an event only notes it: a goroutine, which is there
// while events wait, publishes them one after the other.

const (
	// mostEvents is how many events wait at most.
	mostEvents = 1000
	// eventTime bounds the publishing of one event.
	eventTime = 2 * time.Second
)

// A systemEvent is an event that waits to be published. Its JSON is the message's body.
type systemEvent interface{ head() *eventHead }

// events has the events that wait to be published.
type events struct {
	queues   Queues
	registry *Registry
	log      *slog.Logger
	count    *counters
	rates    eventRates

	mu      sync.Mutex // guards what follows
	waiting []systemEvent
	closed  bool
	cancel  context.CancelFunc // ends what the goroutine does
	done    chan struct{}      // closed when the goroutine has ended; nil if there is none
}

func (e *events) init(queues Queues, r *Registry, log *slog.Logger, count *counters) {
	e.queues, e.registry, e.log, e.count = queues, r, log, count
	e.rates.init(&count.eventsLost)
}

// add notes an event to be published, unless too many wait already. It does not wait.
func (e *events) add(ev systemEvent) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed || len(e.waiting) >= mostEvents {
		e.count.eventsLost.Add(1)
		return
	}
	e.waiting = append(e.waiting, ev)
	if e.done == nil {
		var ctx context.Context
		ctx, e.cancel = context.WithCancel(context.Background())
		e.done = make(chan struct{})
		go e.publishAll(ctx, e.cancel, e.done)
	}
}

// close lets no further event in, and returns when those that wait are published. When ctx
// ends first, they are lost.
func (e *events) close(ctx context.Context) error {
	e.mu.Lock()
	e.closed = true
	cancel, done := e.cancel, e.done
	e.mu.Unlock()
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	cancel()
	return ctx.Err()
}

// publishAll publishes what waits until nothing does.
func (e *events) publishAll(ctx context.Context, cancel context.CancelFunc, done chan struct{}) {
	defer close(done)
	defer cancel()
	for ev := e.next(); ev != nil; ev = e.next() {
		n, err := e.publish(ctx, ev)
		switch {
		case err == nil && n > 0:
			e.count.events.Add(1)
		case err != nil:
			e.count.eventsLost.Add(1)
			e.log.Warn("a system event is lost", slog.String("event", ev.head().Event), slog.Any("error", err))
		}
		if ctx.Err() != nil || errors.Is(err, ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
			e.dropAll()
		}
	}
}

// next removes the event that has waited longest. When there is none it returns nil, and
// the goroutine must end: the next event begins another one.
func (e *events) next() systemEvent {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.waiting) == 0 {
		e.waiting, e.done = nil, nil
		return nil
	}
	ev := e.waiting[0]
	e.waiting[0] = nil
	e.waiting = e.waiting[1:]
	return ev
}

// dropAll drops what waits, as the engine does not take it now.
func (e *events) dropAll() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.count.eventsLost.Add(int64(len(e.waiting)))
	e.waiting = nil
}

// publish publishes an event, and returns to how many queues. Nothing is made for an
// exchange where nobody listens to it. The event of a key that was deleted has no exchange.
func (e *events) publish(ctx context.Context, ev systemEvent) (queues int, err error) {
	defer func() {
		if v := recover(); v != nil {
			e.log.Error("panic", slog.Any("value", v), slog.String("stack", string(debug.Stack())))
			err = errPanicked
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, eventTime)
	defer cancel()
	head := ev.head()
	exchange, err := head.locate(ctx, e.registry)
	if err != nil {
		return 0, unless(err, ErrUnknownKey)
	}
	m := &Message{Key: head.Event, ContentType: "application/json", Time: head.at}
	if queues, err = e.queues.Route(ctx, exchange, m); queues == 0 || err != nil {
		return 0, err
	}
	if m.Body, err = json.Marshal(ev); err != nil {
		return 0, err
	}
	routed, err := e.queues.Publish(ctx, exchange, m)
	if len(routed) > 0 {
		queues = routed[0]
	}
	return queues, err
}
