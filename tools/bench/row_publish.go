package main

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/coder/websocket"

	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/notify"
)

var message = notify.Message{Key: "order.new", Body: bytes.Repeat([]byte("x"), 100)}

// openPublish compares asynchronous publishing with a bare loop; both end
// with the proof that all was read.
func openPublish() (*contest, error) {
	payload, _ := wire.AppendPublish(nil, message.Key, message.Body, "text/plain")
	return contend(publishing(publishAsync), bareSide(func(b *bare, _ *peer) func(int) error {
		return func(n int) error { return b.publish(n, payload) }
	}))
}

// openConfirm compares one caller that waits for each confirmation with a ping as
// programs make it, by a library with a goroutine that reads.
func openConfirm() (*contest, error) {
	return contend(publishing(publishEach), func(s *rawServer) (func(int) error, func(), error) {
		c, _, err := websocket.Dial(context.Background(), "ws://"+s.address(), nil)
		if err != nil {
			return nil, nil, err
		}
		ctx := c.CloseRead(context.Background())
		ping := func() error { return c.Ping(ctx) }
		_, err = s.next()
		return func(n int) error { return repeat(n, ping) }, func() { c.CloseNow() }, err
	})
}

// publishing is the side of a publisher.
func publishing(publish func(*notify.Publisher, int) error) side {
	return func(s *rawServer) (func(int) error, func(), error) {
		p, stop, err := startPublisher(s.url())
		if err != nil {
			return nil, nil, err
		}
		_, err = s.next()
		return func(n int) error { return publish(p, n) }, stop, err
	}
}

// startPublisher returns a publisher that has its connection.
func startPublisher(url string) (*notify.Publisher, func(), error) {
	client, err := newClient(url, benchKey)
	if err != nil {
		return nil, nil, err
	}
	p, err := notify.NewPublisher(client, notify.PublisherConfig{})
	if err != nil {
		return nil, nil, err
	}
	stop := func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = p.Close(ctx)
	}
	if err := publishEach(p, 1); err != nil {
		stop()
		return nil, nil, err
	}
	return p, stop, nil
}

func publishAsync(p *notify.Publisher, n int) error { return publishAll(p, message, n) }

// publishAll publishes a message n times and returns when all are confirmed.
func publishAll(p *notify.Publisher, message notify.Message, n int) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for range n {
		if err := p.PublishAsync(ctx, message, nil); err != nil {
			return err
		}
	}
	return p.Flush(ctx)
}

func publishEach(p *notify.Publisher, n int) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for range n {
		if err := p.PublishMessage(ctx, message); err != nil {
			return err
		}
	}
	return nil
}

// openCallers compares 64 callers that wait for each confirmation with one that does.
func openCallers() (*contest, error) {
	return contend(publishing(func(p *notify.Publisher, n int) error {
		return together(64, n, func(n int) error { return publishEach(p, n) })
	}), publishing(publishEach))
}

// together divides n operations among goroutines.
func together(goroutines, n int, do func(n int) error) error {
	errs := make([]error, goroutines)
	var all sync.WaitGroup
	for i := range goroutines {
		all.Go(func() { errs[i] = do(n*(i+1)/goroutines - n*i/goroutines) })
	}
	all.Wait()
	return errors.Join(errs...)
}
