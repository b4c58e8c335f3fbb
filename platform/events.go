package platform

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// A platform publishes events about itself into the exchange of the domain that they
// concern (docs/events.md). What causes an event only notes it: a goroutine, which is there
// while events wait, publishes them in their order.

const (
	// mostEvents is how many events wait at most.
	mostEvents = 1000
	// eventsTogether is how many are published at once, and eventTime bounds how long that
	// takes.
	eventsTogether = 100
	eventTime      = 2 * time.Second
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

// publishAll publishes what waits until nothing does. What waits behind
// events that the engine does not take is lost, too.
func (e *events) publishAll(ctx context.Context, cancel context.CancelFunc, done chan struct{}) {
	defer close(done)
	defer cancel()
	for batch := e.next(); batch != nil; batch = e.next() {
		if err := withoutPanic(e.log, func() error { return e.publish(ctx, batch) }); err != nil {
			e.dropAll()
		}
	}
}

// next removes the events that have waited longest. When there are none it returns nil,
// and the goroutine must end: the next event begins another one.
func (e *events) next() []systemEvent {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := min(len(e.waiting), eventsTogether)
	if n == 0 {
		e.waiting, e.done = nil, nil
		return nil
	}
	batch := e.waiting[:n:n]
	e.waiting = e.waiting[n:]
	return batch
}

func (e *events) dropAll() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.count.eventsLost.Add(int64(len(e.waiting)))
	e.waiting = nil
}

// lose counts events that nobody will get.
func (e *events) lose(n int, err error) {
	e.count.eventsLost.Add(int64(n))
	e.log.Warn("system events are lost", slog.Int("events", n), slog.Any("error", err))
}

// publish publishes events. Its error means that the engine or the store does not work.
func (e *events) publish(ctx context.Context, batch []systemEvent) (err error) {
	ctx, cancel := context.WithTimeout(ctx, eventTime)
	defer cancel()
	located, lost := make(map[string][]systemEvent), 0
	for _, ev := range batch {
		exchange, unknown := ev.head().locate(ctx, e.registry)
		switch {
		case unknown == nil:
			located[exchange] = append(located[exchange], ev)
		case !errors.Is(unknown, ErrUnknownKey): // a key that is gone has no exchange
			lost, err = lost+1, unknown
		}
	}
	if lost > 0 {
		e.lose(lost, err)
	}
	for exchange, group := range located {
		err = cmp.Or(err, e.publishIn(ctx, exchange, group))
	}
	return err
}

// publishIn publishes events into an exchange, all at once: an engine that syncs takes as
// long for many as for one.
func (e *events) publishIn(ctx context.Context, exchange string, group []systemEvent) error {
	messages, err := e.messages(ctx, exchange, group)
	if err != nil {
		e.lose(len(group), err)
		return err
	}
	for len(messages) > 0 {
		routed, err := e.queues.Publish(ctx, exchange, messages...)
		e.count.events.Add(int64(len(routed)))
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, ErrQueueFull):
			e.lose(len(messages)-len(routed), err)
			return err
		}
		e.lose(1, err) // by a queue that is set to refuse
		messages = messages[len(routed)+1:]
	}
	return nil
}

// messages returns the messages of those events to which somebody listens.
func (e *events) messages(ctx context.Context, exchange string, group []systemEvent) (all []*Message, err error) {
	queues := make(map[string]int) // by the routing key
	for _, ev := range group {
		head := ev.head()
		m := &Message{Key: head.Event, ContentType: "application/json", Time: head.at}
		n, known := queues[m.Key]
		if !known {
			if n, err = e.queues.Route(ctx, exchange, m); err != nil {
				return nil, err
			}
			queues[m.Key] = n
		}
		if n == 0 {
			continue
		}
		if m.Body, err = json.Marshal(ev); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}
