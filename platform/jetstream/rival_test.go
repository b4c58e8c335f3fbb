package jetstream

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	busy "github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

func TestAConsumerIsToldThatAnotherProcessConsumesItsQueue(t *testing.T) {
	c := Config{URL: external(t)}
	one, other := open(t, c), open(t, c)
	told := make(chan struct{}, 9)
	consume(t, one, "orders").(platform.SharedConsumer).OnRival(func() { told <- struct{}{} })
	consume(t, one, "orders")  // of the same process
	consume(t, other, "stock") // another queue
	consume(t, other, "orders")
	select {
	case <-told:
	case <-time.After(busy.Of(30 * time.Second)):
		t.Fatal("it was not told")
	}
	consume(t, other, "orders")
	<-told
	if n := len(told); n > 0 {
		t.Errorf("told %d times too often", n)
	}
}

// blackHole is a connection that swallows everything once it is opened.
type blackHole struct {
	net.Conn
	open   *atomic.Bool
	closed chan struct{}
	once   sync.Once
}

func (h *blackHole) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	if h.open.Load() {
		<-h.closed
		return 0, net.ErrClosed
	}
	return n, err
}

func (h *blackHole) Write(p []byte) (int, error) {
	if h.open.Load() {
		return len(p), nil
	}
	return h.Conn.Write(p)
}

func (h *blackHole) Close() error {
	h.once.Do(func() { close(h.closed) })
	if h.open.Load() {
		return nil // the platform is told nothing
	}
	return h.Conn.Close()
}

// blackHoleClient returns a client whose first connection is lost in silence when the
// black hole opens.
func blackHoleClient(t *testing.T, urls func(first bool) string) (client *prism.Client, open *atomic.Bool) {
	open = new(atomic.Bool)
	var dialled atomic.Int32
	client, err := prism.New(prism.Config{
		Server: "http://platform.test/api", Key: shop, Secret: "secret",
		HTTPClient: &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				first := dialled.Add(1) == 1
				conn, err := new(net.Dialer).DialContext(ctx, network, urls(first))
				if err != nil || !first {
					return conn, err
				}
				t.Cleanup(func() { conn.Close() })
				return &blackHole{Conn: conn, open: open, closed: make(chan struct{})}, nil
			},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client, open
}

func servePlatform(t *testing.T, engine *Engine) (address string) {
	store, err := memory.NewStore(platform.Key{ID: shop, Secret: "secret", App: "a"})
	must(t, err)
	p, err := platform.New(platform.Config{Queues: engine, Store: store})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(p)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		p.Shutdown(ctx)
		s.Close()
	})
	return s.Listener.Addr().String()
}

// The consumer's connection dies without a word while messages come.
func TestADeadConnectionHoldsUpNothing(t *testing.T) {
	for name, c := range map[string]struct {
		engines func(t *testing.T) []*Engine
		inOrder bool
	}{
		"alone": {func(t *testing.T) []*Engine { return []*Engine{open(t, Config{Dir: t.TempDir()})} }, true},
		"to another process": {func(t *testing.T) []*Engine {
			c := Config{URL: external(t)}
			return []*Engine{open(t, c), open(t, c)}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			engines := c.engines(t)
			var addresses []string
			for _, e := range engines {
				addresses = append(addresses, servePlatform(t, e))
			}
			client, opened := blackHoleClient(t, func(first bool) string {
				if first {
					return addresses[0]
				}
				return addresses[len(addresses)-1]
			})
			consumer, err := notify.NewConsumer(client, notify.ConsumerConfig{
				Topic: "orders", PingInterval: 200 * time.Millisecond, PongTimeout: 400 * time.Millisecond,
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			got := make(chan string, 1000)
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				consumer.Run(ctx, func(_ context.Context, d *notify.Delivery) error { got <- string(d.Body); return nil })
			}()
			defer func() { stop(); <-ended }()
			const n = 60
			for i := range n {
				write(t, engines[0], "orders", fmt.Sprint(i))
				if i == 20 {
					opened.Store(true)
				}
				time.Sleep(20 * time.Millisecond)
			}
			seen := make(map[string]bool)
			for len(seen) < n {
				select {
				case body := <-got:
					if !seen[body] && c.inOrder && body != fmt.Sprint(len(seen)) {
						t.Fatalf("%s came first, want %d", body, len(seen))
					}
					seen[body] = true
				case <-time.After(30 * time.Second): // by pings alone it would be 40
					t.Fatalf("%d of %d came", len(seen), n)
				}
			}
		})
	}
}
