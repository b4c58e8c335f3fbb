package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/platform"
)

// openPush compares pushing to a receiver on loopback, from the queue to the
// acknowledgement, with POSTs of the same bytes by net/http alone, as many at a time.
func openPush(open func() (*engine, error), workers int) (*contest, error) {
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	s, err := openPushing(open, receiver.URL, workers)
	if err != nil {
		receiver.Close()
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = workers
	plain := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	body := wire.AppendMessage(nil, &wire.Delivery{ID: "00000001-1", Attempt: 1, Type: "text/plain", ClientID: benchKey, Body: pushBody})
	return &contest{
		ours:  s.push,
		floor: func(n int) error { return post(plain, receiver.URL, body, n, workers) },
		close: func() {
			s.close()
			transport.CloseIdleConnections()
			receiver.Close()
		},
	}, nil
}

var pushBody = bytes.Repeat([]byte("x"), 256)

// A pushing is a platform that pushes.
type pushing struct {
	engine   *engine
	platform *platform.Platform
	ended    chan struct{}
	pushed   counter
}

func openPushing(open func() (*engine, error), address string, workers int) (*pushing, error) {
	e, err := open()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s := &pushing{engine: e, ended: make(chan struct{})}
	_, err = platform.NewRegistry(e.store).SetPush(ctx, benchKey, address, workers)
	if err == nil {
		s.platform, err = platform.New(platform.Config{
			Store: e.store, Queues: e.queues, PushLoopback: true,
			Trace: &platform.Trace{Push: func(e platform.PushEvent) {
				if e.Err == nil {
					s.pushed.add(1)
				}
			}},
		})
	}
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	go func() {
		defer close(s.ended)
		s.platform.Push(context.Background())
	}()
	return s, nil
}

// push writes n messages, and returns when all are delivered.
func (s *pushing) push(n int) error {
	before := s.pushed.now()
	for range n {
		m := &platform.Message{Body: pushBody, ContentType: "text/plain", ClientID: benchKey}
		if err := s.engine.queues.Write(context.Background(), benchKey, "", m); err != nil {
			return err
		}
	}
	return s.pushed.await(before + n)
}

func (s *pushing) close() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = s.platform.Shutdown(ctx)
	<-s.ended
	_ = s.engine.close()
}

// post makes n POSTs, this many at a time.
func post(client *http.Client, address string, body []byte, n, workers int) error {
	var group sync.WaitGroup
	failed := make(chan error, workers)
	for i := range workers {
		group.Go(func() {
			for range (n + i) / workers {
				resp, err := client.Post(address, "application/json", bytes.NewReader(body))
				if err == nil {
					_, err = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
				if err == nil && resp.StatusCode != http.StatusOK {
					err = fmt.Errorf("answered %s", resp.Status)
				}
				if err != nil {
					failed <- err
					return
				}
			}
		})
	}
	group.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}
