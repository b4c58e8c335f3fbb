package main

import (
	"context"
	"errors"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/platform"
)

// A station is a platform behind loopback TCP.
type station struct {
	platform *platform.Platform
	server   *httptest.Server
	engine   *engine
	acks     counter
}

func openStation(open func() (*engine, error), connections int) (*station, error) {
	e, err := open()
	if err != nil {
		return nil, err
	}
	s := &station{engine: e}
	s.platform, err = platform.New(platform.Config{
		Store:        e.store,
		Queues:       e.queues,
		Limits:       platform.Limits{ConnectionsPerKey: connections},
		PingInterval: time.Hour, // a bare client does not answer
		Trace:        &platform.Trace{Ack: func(platform.AckEvent) { s.acks.add(1) }},
	})
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	s.server = httptest.NewServer(s.platform)
	return s, nil
}

// bind lets only the queue of consumer get what is published.
func (s *station) bind(consumer string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	none := platform.Owner{Exchange: exchange, Bindings: []platform.Binding{}}
	all := platform.Owner{Exchange: exchange, Bindings: []platform.Binding{{Pattern: "#"}}}
	if consumer != benchKey {
		if err := s.engine.queues.Declare(ctx, benchKey, none); err != nil {
			return err
		}
	}
	return s.engine.queues.Declare(ctx, consumer, all)
}

func (s *station) url() string { return s.server.URL + "/api" }

func (s *station) close() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = s.platform.Shutdown(ctx)
	s.server.Close()
	_ = s.engine.close()
}

// A way is a station with a publisher and a consumer, all in this process.
type way struct {
	*station
	publisher *notify.Publisher
	stop      func()
	let       func(n int) // nil, or lets the handler handle so many more

	topics atomic.Int64 // that bindMany has bound

	// Of a way on which one thing grows.
	set func(n int) error // until there are n
	end func()            // nil, or comes before closing
}

// openWay opens a station for this many connections beside its own two. Its key
// publishes and consumes.
func openWay(open func() (*engine, error), connections int, handle notify.Handler) (*way, error) {
	return openWayTo(benchKey, open, connections, handle)
}

// openWayTo is openWay with the key that consumes.
func openWayTo(consumer string, open func() (*engine, error), connections int, handle notify.Handler) (*way, error) {
	s, err := openStation(open, connections+2)
	if err != nil {
		return nil, err
	}
	if err := s.bind(consumer); err != nil {
		s.close()
		return nil, err
	}
	publisher, stopPublisher, err := startPublisher(s.url())
	if err != nil {
		s.close()
		return nil, err
	}
	stopConsumer, err := startHandler(s.url(), consumer, 1, handle)
	if err == nil {
		if err = s.acks.await(1); err != nil { // of the first message of startPublisher
			stopConsumer()
		}
	}
	if err != nil {
		stopPublisher()
		s.close()
		return nil, err
	}
	return &way{station: s, publisher: publisher, stop: func() { stopPublisher(); stopConsumer() }}, nil
}

func (w *way) close() {
	if w.end != nil {
		w.end()
	}
	w.stop()
	w.station.close()
}

// pass publishes n messages and returns when the last one is acknowledged.
func (w *way) pass(n int) error {
	target := w.acks.now() + n
	if w.let != nil {
		w.let(n) // not before: messages that were there already are handled at once
	}
	if err := publishAsync(w.publisher, n); err != nil {
		return err
	}
	return w.acks.await(target)
}
