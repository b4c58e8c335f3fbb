package main

import (
	"context"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
)

const (
	benchKey    = "buwb2lii"
	benchSecret = "ucr72ygfutspqeuu6s36"
)

func newClient(url string) (*prism.Client, error) {
	return prism.New(prism.Config{Server: url, Key: benchKey, Secret: benchSecret})
}

func accept(context.Context, *notify.Delivery) error { return nil }

// openConsume compares a consumer, whose handler does nothing, with a bare
// loop. Both are fed alike: what is measured ends with the last ack.
func openConsume(workers int, floor look) (*contest, error) {
	s, err := listen()
	if err != nil {
		return nil, err
	}
	ours, stop, err := consumeFrom(s, workers)
	if err != nil {
		s.close()
		return nil, err
	}
	bare, err := consumeBare(s, floor)
	if err != nil {
		stop()
		s.close()
		return nil, err
	}
	return &contest{ours: ours.exchange, floor: bare.exchange, close: func() { stop(); s.close() }}, nil
}

// openWorkers compares eight workers with one.
func openWorkers() (*contest, error) {
	s, err := listen()
	if err != nil {
		return nil, err
	}
	eight, stopEight, err := consumeFrom(s, 8)
	if err != nil {
		s.close()
		return nil, err
	}
	one, stopOne, err := consumeFrom(s, 1)
	if err != nil {
		stopEight()
		s.close()
		return nil, err
	}
	return &contest{ours: eight.exchange, floor: one.exchange, close: func() { stopEight(); stopOne(); s.close() }}, nil
}

// consumeFrom starts a consumer and returns the other end of its connection.
func consumeFrom(s *rawServer, workers int) (p *peer, stop func(), err error) {
	stop, err = startConsumer(s.url(), workers)
	if err != nil {
		return nil, nil, err
	}
	if p, err = s.next(); err == nil {
		err = p.frames.await(1) // the command to consume
	}
	if err != nil {
		stop()
	}
	return p, stop, err
}

// startConsumer runs a consumer that does nothing with what it gets.
func startConsumer(url string, workers int) (stop func(), err error) {
	return startHandler(url, workers, accept)
}

// startHandler runs a consumer until stop is called, which waits for it.
func startHandler(url string, workers int, handle notify.Handler) (stop func(), err error) {
	client, err := newClient(url)
	if err != nil {
		return nil, err
	}
	consumer, err := notify.NewConsumer(client, notify.ConsumerConfig{Workers: workers})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = consumer.Run(ctx, handle)
	}()
	return func() { cancel(); <-done }, nil
}

// consumeBare starts a bare consumer, which ends with the server.
func consumeBare(s *rawServer, l look) (*peer, error) {
	b, err := dial(s.address(), "/api/platform/notify")
	if err != nil {
		return nil, err
	}
	b.look = l
	s.conns.Go(func() {
		defer b.conn.Close()
		b.consume()
	})
	return s.next()
}
