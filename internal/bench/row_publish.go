package main

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/notify"
)

var message = notify.Message{Key: "order.new", Body: bytes.Repeat([]byte("x"), 100)}

// openPublish compares asynchronous publishing with a bare loop; both end
// with the proof that all was read.
func openPublish() (*contest, error) {
	return publishing(publishAsync, func(b *bare) func(int) error {
		payload, _ := wire.AppendPublish(nil, message.Key, message.Body, "text/plain")
		return func(n int) error { return b.publish(n, payload) }
	})
}

// openConfirm compares one caller who waits for each confirmation with a ping
// round trip.
func openConfirm() (*contest, error) {
	return publishing(publishEach, func(b *bare) func(int) error {
		return func(n int) error {
			for range n {
				if err := b.ping(); err != nil {
					return err
				}
			}
			return nil
		}
	})
}

// publishing makes a contest of a publisher and a bare client.
func publishing(publish func(*notify.Publisher, int) error, floor func(*bare) func(int) error) (*contest, error) {
	s, err := listen()
	if err != nil {
		return nil, err
	}
	p, stop, err := startPublisher(s.url())
	if err == nil {
		_, err = s.next()
	}
	if err != nil {
		s.close()
		return nil, err
	}
	b, err := dial(s.address(), "/api/platform/notify")
	if err == nil {
		_, err = s.next()
	}
	if err != nil {
		stop()
		s.close()
		return nil, err
	}
	return &contest{
		ours:  func(n int) error { return publish(p, n) },
		floor: floor(b),
		close: func() { stop(); b.conn.Close(); s.close() },
	}, nil
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

// openCallers compares 64 callers who wait for each confirmation with one who
// does not.
func openCallers() (*contest, error) {
	s, err := listen()
	if err != nil {
		return nil, err
	}
	callers, stopCallers, err := startPublisher(s.url())
	if err == nil {
		_, err = s.next()
	}
	if err != nil {
		s.close()
		return nil, err
	}
	async, stopAsync, err := startPublisher(s.url())
	if err == nil {
		_, err = s.next()
	}
	if err != nil {
		stopCallers()
		s.close()
		return nil, err
	}
	return &contest{
		ours:  func(n int) error { return together(64, n, func(n int) error { return publishEach(callers, n) }) },
		floor: func(n int) error { return publishAsync(async, n) },
		close: func() { stopCallers(); stopAsync(); s.close() },
	}, nil
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
