//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/notify"
)

// takeover is how long a message may take longest when the process that pushes is killed.
const takeover = 15 * time.Second

// A taker is a receiver that keeps what it was sent.
type taker struct {
	*httptest.Server
	mu      sync.Mutex
	times   map[string]int // by body
	changed chan struct{}
}

func newTaker(t *testing.T) *taker {
	r := &taker{times: make(map[string]int), changed: make(chan struct{})}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *taker) ServeHTTP(_ http.ResponseWriter, req *http.Request) {
	var doc struct{ Body string }
	_ = json.NewDecoder(req.Body).Decode(&doc)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.times[doc.Body]++
	close(r.changed)
	r.changed = make(chan struct{})
}

// wait waits until n different messages have come.
func (r *taker) wait(t *testing.T, n int, within time.Duration) {
	t.Helper()
	late := time.After(within)
	for {
		r.mu.Lock()
		have, changed := len(r.times), r.changed
		r.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("%d of %d messages within %v", have, n, within)
		}
	}
}

func TestAnotherProcessPushesOnWhenTheOneThatPushesIsKilled(t *testing.T) {
	url := jetStream(t)
	receiver := newTaker(t)
	one, env := serveProcess(t, "127.0.0.1:0", "PRISM_NATS="+url)
	two, envTwo := serveProcess(t, "127.0.0.1:0", "PRISM_NATS="+url)
	envTwo[2] = env[2] // only the first one shows the secret
	clients := []*prism.Client{clientOf(t, env), clientOf(t, envTwo)}
	processes := []*process{one, two}
	key := strings.TrimPrefix(env[1], "PRISM_KEY=")
	if _, err := admin.New(clients[0]).SetPush(t.Context(), key, receiver.URL, 4); err != nil {
		t.Fatal(err)
	}
	write(t, clients[0], 0, 1)
	receiver.wait(t, 1, patience.Of(takeover))
	pushes := whoPushes(t, clients)
	other := 1 - pushes

	const messages = 2000
	write(t, clients[other], 1, messages/2)
	receiver.wait(t, messages/10, patience.Of(takeover))
	processes[pushes].signal(syscall.SIGKILL)
	processes[pushes].wants(-int(syscall.SIGKILL))
	write(t, clients[other], messages/2, messages)
	receiver.wait(t, messages, patience.Of(2*takeover))
	if again := whoPushes(t, clients[other:other+1]); again != 0 {
		t.Error("the process that is left has delivered nothing")
	}
	processes[other].signal(syscall.SIGTERM)
	processes[other].wants(exitDone)
}

func clientOf(t *testing.T, env []string) *prism.Client {
	t.Helper()
	value := func(i int) string { _, v, _ := strings.Cut(env[i], "="); return v }
	c, err := prism.New(prism.Config{Server: value(0), Key: value(1), Secret: value(2)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func write(t *testing.T, c *prism.Client, from, to int) {
	t.Helper()
	p, err := notify.NewPublisher(c, notify.PublisherConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for i := from; i < to && err == nil; i++ {
		err = p.PublishAsync(t.Context(), notify.Message{Key: "order.new", Body: []byte(fmt.Sprint(i))}, nil)
	}
	if err = errors.Join(err, p.Flush(t.Context()), p.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// awaitPushes waits until the platform has delivered so many messages.
func awaitPushes(t *testing.T, c *prism.Client, n uint64, within time.Duration) {
	t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(20 * time.Millisecond) {
		s, err := notify.NewQueueClient(c).Status(t.Context(), "")
		if err == nil && s.Push != nil && s.Push.Delivered >= n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%+v, %v; %d messages were to be delivered", s.Push, err, n)
		}
	}
}

// whoPushes returns which platform has delivered a message to the receiver.
func whoPushes(t *testing.T, clients []*prism.Client) int {
	t.Helper()
	for deadline := time.Now().Add(patience.Of(takeover)); ; time.Sleep(20 * time.Millisecond) {
		for i, c := range clients {
			s, err := notify.NewQueueClient(c).Status(t.Context(), "")
			if err == nil && s.Push != nil && s.Push.Delivered > 0 {
				return i
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("no platform has delivered anything")
		}
	}
}
