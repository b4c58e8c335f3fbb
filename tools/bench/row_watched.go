package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
)

// watchedRate is how many records a second the live page of the console asks for.
const watchedRate = 24

// openWatchedCalls compares calls through the gateway of a platform that somebody watches
// with those of one that nobody does.
func openWatchedCalls() (*contest, error) {
	b := openBackend()
	watched, err := b.behindGateway(10)
	var alone *calling
	if err == nil {
		alone, err = b.behindGateway(10)
	}
	var v *viewer
	if err == nil {
		v, err = watch(watched.server)
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return &contest{
		ours:  v.during(func(n int) error { return repeat(n, watched.order) }),
		floor: func(n int) error { return repeat(n, alone.order) },
		close: func() { v.close(); b.close() },
	}, nil
}

// openWatchedPath compares messages likewise, from the publisher to the consumer's ack.
func openWatchedPath(engine func() (*engine, error)) (*contest, error) {
	watched, err := openWay(engine, 0, accept)
	if err != nil {
		return nil, err
	}
	alone, err := openWay(engine, 0, accept)
	if err != nil {
		watched.close()
		return nil, err
	}
	v, err := watch(watched.url())
	if err != nil {
		watched.close()
		alone.close()
		return nil, err
	}
	return &contest{
		ours:  v.during(watched.pass),
		floor: alone.pass,
		close: func() { v.close(); watched.close(); alone.close() },
	}, nil
}

// A viewer reads platform/activity/tail, as the live page does.
type viewer struct {
	body io.ReadCloser
	read atomic.Int64 // bytes
	over chan struct{}
}

// watch returns when the platform counts the viewer among those who watch: the header of
// the answer comes after that.
func watch(server string) (*viewer, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true
	resp, err := (&http.Client{Transport: transport}).Get(strings.TrimSuffix(server, "/api") + signed("GET", "/api/platform/activity/tail", "rate", strconv.Itoa(watchedRate)))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("watching was answered with %s", resp.Status), resp.Body.Close())
	}
	v := &viewer{body: resp.Body, over: make(chan struct{})}
	go func() {
		defer close(v.over)
		_, _ = io.Copy(v, resp.Body)
	}()
	return v, nil
}

func (v *viewer) Write(b []byte) (int, error) {
	v.read.Add(int64(len(b)))
	return len(b), nil
}

// during returns do, which fails if the viewer does not watch any more.
func (v *viewer) during(do func(n int) error) func(n int) error {
	return func(n int) error {
		err := do(n)
		select {
		case <-v.over:
			err = errors.Join(err, fmt.Errorf("the viewer's answer ended after %d bytes", v.read.Load()))
		default:
		}
		return err
	}
}

func (v *viewer) close() {
	v.body.Close()
	<-v.over
}
