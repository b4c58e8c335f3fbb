package main

import (
	"context"
	"errors"
	"net/http/httptest"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// A station is a platform in memory behind loopback TCP.
type station struct {
	platform *platform.Platform
	server   *httptest.Server
	acks     counter
}

func openStation(connections int) (*station, error) {
	s := &station{}
	var err error
	s.platform, err = platform.New(platform.Config{
		Store:  memory.NewStore(platform.Key{ID: benchKey, Secret: benchSecret, App: "shop"}),
		Queues: memory.New(memory.Config{}),
		Limits: platform.Limits{ConnectionsPerKey: connections},
		Trace:  &platform.Trace{Ack: func(platform.AckEvent) { s.acks.add(1) }},
	})
	if err != nil {
		return nil, err
	}
	s.server = httptest.NewServer(s.platform)
	return s, nil
}

func (s *station) url() string { return s.server.URL + "/api" }

func (s *station) close() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = s.platform.Shutdown(ctx)
	s.server.Close()
}

// openPath compares the whole way, publisher to platform to consumer and the
// ack back, with two bare loops for the same frames that run at the same time.
func openPath() (*contest, error) {
	s, err := openStation(10)
	if err != nil {
		return nil, err
	}
	publisher, stopPublisher, err := startPublisher(s.url())
	if err != nil {
		s.close()
		return nil, err
	}
	stopConsumer, err := startConsumer(s.url(), 1)
	if err == nil {
		err = s.acks.await(1) // of the first message of startPublisher
	}
	stop := func() { stopPublisher(); stopConsumer(); s.close() }
	if err != nil {
		stop()
		return nil, err
	}
	floor, stopFloor, err := bothLoops()
	if err != nil {
		stop()
		return nil, err
	}
	ours := func(n int) error {
		target := s.acks.now() + n
		if err := publishAsync(publisher, n); err != nil {
			return err
		}
		return s.acks.await(target)
	}
	return &contest{ours: ours, floor: floor, close: func() { stopFloor(); stop() }}, nil
}

// bothLoops publishes and consumes n messages over bare connections.
func bothLoops() (loops func(n int) error, stop func(), err error) {
	publish, err := openPublish()
	if err != nil {
		return nil, nil, err
	}
	consume, err := openConsume(1)
	if err != nil {
		publish.close()
		return nil, nil, err
	}
	loops = func(n int) error {
		published := make(chan error, 1)
		go func() { published <- publish.floor(n) }()
		return errors.Join(consume.floor(n), <-published)
	}
	return loops, func() { publish.close(); consume.close() }, nil
}
