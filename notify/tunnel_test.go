package notify

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
	"github.com/shopex/prism-go/tools/forward"
)

// behindProxy is a platform on loopback, and a client that reaches it by a proxy.
func behindProxy(t *testing.T) (*prism.Client, *forward.Proxy, *safeBuffer) {
	p, err := platform.New(platform.Config{
		Store:  storeOf(platform.Key{ID: testKey, Secret: testSecret, App: "test"}),
		Queues: newQueues(t, memory.Config{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = p.Shutdown(ctx)
		server.Close()
	})
	proxy := forward.New(t)
	proxy.User = url.UserPassword("me", "pass-word")
	proxy.Start()
	log := new(safeBuffer)
	transport := &http.Transport{Proxy: http.ProxyURL(proxy.URL())}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := prism.New(prism.Config{
		Server: server.URL + "/api", Key: testKey, Secret: testSecret, HTTPClient: &http.Client{Transport: transport},
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return client, proxy, log
}

func TestMessagesPassAProxyThatDiesAndComesBack(t *testing.T) {
	client, proxy, log := behindProxy(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience.Of(30*time.Second))
	defer cancel()
	lost := make(chan error, 99)
	consumer, err := NewConsumer(client, ConsumerConfig{OnDisconnect: func(err error) { lost <- err }})
	if err != nil {
		t.Fatal(err)
	}
	got, ran := make(chan string, 9), make(chan error)
	running, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		ran <- consumer.Run(running, func(_ context.Context, d *Delivery) error { got <- string(d.Body); return nil })
	}()
	publisher, err := NewPublisher(client, PublisherConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := publisher.Publish(ctx, "k", []byte("before")); err != nil {
		t.Fatal(err)
	}
	wantDelivery(t, ctx, got, "before")
	proxy.Stop()
	select {
	case <-lost:
	case <-ctx.Done():
		t.Fatal("the consumer does not notice")
	}
	published := make(chan error)
	go func() { published <- publisher.Publish(ctx, "k", []byte("after")) }()
	proxy.Start()
	if err := <-published; err != nil {
		t.Fatal(err)
	}
	wantDelivery(t, ctx, got, "after")
	stop()
	if err := <-ran; !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	if err := publisher.Close(ctx); err != nil {
		t.Error(err)
	}
	for _, asked := range proxy.Asked() {
		if !strings.HasPrefix(asked, http.MethodConnect) {
			t.Errorf("the proxy was asked for %q", asked)
		}
	}
	if n := len(proxy.Asked()); n < 4 {
		t.Errorf("the proxy was asked for %d tunnels, want two for each of two", n)
	}
	if strings.Contains(log.String(), "pass-word") {
		t.Errorf("the log holds the proxy's password: %s", log)
	}
}

// wantDelivery waits for body; another may be a duplicate.
func wantDelivery(t *testing.T, ctx context.Context, got <-chan string, body string) {
	t.Helper()
	for {
		select {
		case one := <-got:
			if one == body {
				return
			}
		case <-ctx.Done():
			t.Fatalf("%q does not come", body)
		}
	}
}
