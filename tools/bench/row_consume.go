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

// otherKey is the key of a consumer that gets what benchKey publishes. Its secret is the
// same.
const otherKey = "z4knq7ma"

func newClient(url, key string) (*prism.Client, error) {
	return prism.New(prism.Config{Server: url, Key: key, Secret: benchSecret})
}

func accept(context.Context, *notify.Delivery) error { return nil }

// openConsume compares a consumer, whose handler does nothing, with a bare
// loop. Both are fed alike: what is measured ends with the last ack.
func openConsume(workers int) (*contest, error) {
	return contend(consuming(workers), bareSide(func(b *bare, p *peer) func(int) error {
		go b.consume() // until its connection ends
		return p.exchange
	}))
}

// openWorkers compares eight workers with one.
func openWorkers() (*contest, error) { return contend(consuming(8), consuming(1)) }

// consuming is the side of a consumer whose handler does nothing.
func consuming(workers int) side {
	return func(s *rawServer) (func(int) error, func(), error) {
		stop, err := startHandler(s.url(), benchKey, workers, accept)
		if err != nil {
			return nil, nil, err
		}
		p, err := s.next()
		if err == nil {
			err = p.frames.await(1) // the command to consume
		}
		return p.exchange, stop, err
	}
}

// startHandler runs a consumer with a key until stop is called, which waits for it.
func startHandler(url, key string, workers int, handle notify.Handler) (stop func(), err error) {
	client, err := newClient(url, key)
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
