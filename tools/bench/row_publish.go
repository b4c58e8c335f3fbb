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
	return publishing(publishAsync, bareSide(func(b *bare, n int) error { return b.publish(n, payload) }))
}

// openConfirmBare compares one caller who waits for each confirmation with a ping
// round trip.
func openConfirmBare() (*contest, error) {
	return publishing(publishEach, bareSide(func(b *bare, n int) error { return repeat(n, b.ping) }))
}

// openConfirm is openConfirmBare with a ping as programs make it, by a library
// with a goroutine that reads.
func openConfirm() (*contest, error) {
	return publishing(publishEach, func(s *rawServer) (func(int) error, func(), error) {
		c, _, err := websocket.Dial(context.Background(), "ws://"+s.address(), nil)
		if err != nil {
			return nil, nil, err
		}
		ctx := c.CloseRead(context.Background())
		ping := func() error { return c.Ping(ctx) }
		return func(n int) error { return repeat(n, ping) }, func() { c.CloseNow() }, nil
	})
}

// A side connects to a server and returns what does n operations.
type side func(*rawServer) (do func(n int) error, stop func(), err error)

func bareSide(do func(b *bare, n int) error) side {
	return func(s *rawServer) (func(int) error, func(), error) {
		b, err := dial(s.address(), "/api/platform/notify")
		if err != nil {
			return nil, nil, err
		}
		return func(n int) error { return do(b, n) }, func() { b.conn.Close() }, nil
	}
}

func publisherSide(publish func(*notify.Publisher, int) error) side {
	return func(s *rawServer) (func(int) error, func(), error) {
		p, stop, err := startPublisher(s.url())
		return func(n int) error { return publish(p, n) }, stop, err
	}
}

// publishing makes a contest of a publisher and its floor.
func publishing(publish func(*notify.Publisher, int) error, floor side) (*contest, error) {
	s, err := listen()
	if err != nil {
		return nil, err
	}
	c := &contest{close: s.close}
	if c.ours, err = c.join(s, publisherSide(publish)); err == nil {
		c.floor, err = c.join(s, floor)
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// join connects a side, which the contest stops when it closes.
func (c *contest) join(s *rawServer, connect side) (do func(n int) error, err error) {
	do, stop, err := connect(s)
	if err != nil {
		return nil, err
	}
	before := c.close
	c.close = func() { stop(); before() }
	_, err = s.next()
	return do, err
}

// startPublisher returns a publisher that has its connection.
func startPublisher(url string) (*notify.Publisher, func(), error) {
	client, err := newClient(url)
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

func publishAsync(p *notify.Publisher, n int) error {
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

// openCallers compares 64 callers who wait for each confirmation with one who does.
func openCallers() (*contest, error) {
	return publishing(func(p *notify.Publisher, n int) error {
		return together(64, n, func(n int) error { return publishEach(p, n) })
	}, publisherSide(publishEach))
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
