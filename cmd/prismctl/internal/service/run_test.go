package service

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/conns"
	"github.com/shopex/prism-go/cmd/prismctl/internal/engine"
	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// handshake opens a channel, whose peer will never answer.
func handshake(t *testing.T, url, key, secret string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/api"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET /api/platform/notify?client_id=%s&client_secret=%s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"+
		"Connection: Upgrade\r\nSec-WebSocket-Key: MTc5NTQ0NzA0Nw==\r\nSec-WebSocket-Version: 13\r\n\r\n", key, secret)
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "101") {
		t.Fatalf("the platform answered %q, %v", line, err)
	}
	return conn
}

// A peer that does not close its socket is waited for a while.
func TestPeersThatDoNotLeaveTakeNoTimeOfCalls(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	queues := &slowQueues{Queues: memory.New(memory.Config{}), asked: make(chan bool), goOn: make(chan bool)}
	store := new(memory.Store)
	key := platform.NewKey("shop")
	registry := platform.NewRegistry(store)
	if err := errors.Join(registry.SaveApp(t.Context(), platform.App{ID: "shop"}), registry.SaveKey(t.Context(), key)); err != nil {
		t.Fatal(err)
	}
	h, err := serveSecure(t.Context(), l, nil, conns.Limit{Total: mostConns, PerAddress: mostConns}, platform.Config{Store: store, Queues: queues, Logger: slog.New(slog.DiscardHandler)},
		func(p *platform.Platform) (http.Handler, error) { return p, nil })
	if err != nil {
		t.Fatal(err)
	}
	client, err := prism.New(prism.Config{Server: h.url, Key: key.ID, Secret: key.Secret})
	if err != nil {
		t.Fatal(err)
	}
	stubborn := handshake(t, h.url, key.ID, key.Secret)
	defer stubborn.Close()
	call := make(chan error, 1)
	go func() {
		_, err := notify.NewQueueClient(client).Status(t.Context(), "")
		call <- err
	}()
	<-queues.asked
	stopped := make(chan error, 1)
	go func() { stopped <- h.stop(t.Context()) }()
	<-h.ended // though the peer is still there
	close(queues.goOn)
	if err := <-call; err != nil {
		t.Errorf("the call that was under way: %v", err)
	}
	stubborn.Close()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// slowQueues answers a question when it may.
type slowQueues struct {
	platform.Queues
	asked, goOn chan bool
}

func (q *slowQueues) Status(ctx context.Context, owner, topic string) (platform.QueueStatus, error) {
	q.asked <- true
	<-q.goOn
	return q.Queues.Status(ctx, owner, topic)
}

func TestServeThatCannotAcceptAnyMoreEndsInOrder(t *testing.T) {
	announced := make(chan *Announcement, 1)
	s := &service{log: slog.New(slog.DiscardHandler), engine: engine.InMemory(platform.QueueBounds{}), Config: Config{
		Serve: &settings.Serve{Service: settings.Service{Listen: "127.0.0.1:0", Drain: time.Minute, SignWindow: time.Minute, SignWindowPast: time.Minute, ErrorCodes: "auto"}},
		Env:   func(string) string { return "" },
		Announce: func(a *Announcement) error {
			announced <- a
			return nil
		},
	}}
	done := make(chan error, 1)
	go func() { done <- s.run(t.Context(), platform.Key{}) }()
	first := <-announced
	peer := handshake(t, first.URL, first.Key, first.Secret)
	defer peer.Close()
	if err := s.listener.Close(); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(peer)
	if err != nil || !bytes.Contains(said, []byte("\x03\xe9the platform is shutting down")) {
		t.Errorf("the peer was told %q, %v", said, err)
	}
	if err := <-done; err == nil || !strings.Contains(err.Error(), "serving ended: ") {
		t.Errorf("it ended with %v", err)
	}
}
