package notify

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/leak"
	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

func TestMain(m *testing.M) { leak.Main(m) }

const (
	testKey    = "buwb2lii"
	testSecret = "ucr72ygfutspqeuu6s36"
	exchange   = "default" // the domain of its app
)

// world is a platform, in the process or scripted, behind in-memory pipes, so
// that time may be virtual.
type world struct {
	t      *testing.T
	client *prism.Client
	queues *memory.Queues
	log    *safeBuffer

	mu    sync.Mutex
	conns map[net.Conn]bool
	down  bool
	hang  bool
	conn  chan net.Conn
	done  chan struct{}
	via   func(net.Conn) net.Conn // if any, makes the connection to the platform one that goes another way
}

// newWorld serves the real platform; change may adjust its configuration.
func newWorld(t *testing.T, limits memory.Config, change func(*platform.Config)) *world {
	queues := newQueues(t, limits)
	cfg := platform.Config{Store: storeOf(platform.Key{ID: testKey, Secret: testSecret, App: "test"}), Queues: queues}
	if change != nil {
		change(&cfg)
	}
	p, err := platform.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := serve(t, p)
	w.queues = queues
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = p.Shutdown(ctx)
	})
	return w
}

// newEarlierWorld is newWorld of a platform that counts no attempts.
func newEarlierWorld(t *testing.T, limits memory.Config) *world {
	return newWorld(t, limits, func(cfg *platform.Config) { cfg.Queues = uncounted{cfg.Queues} })
}

// uncounted is an engine that counts no attempts.
type uncounted struct{ platform.Queues }

func (q uncounted) Consume(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	c, err := q.Queues.Consume(ctx, owner, topic, name)
	return uncountedConsumer{c}, err
}

func (q uncounted) Resume(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	c, err := q.Queues.Resume(ctx, owner, topic, name)
	return uncountedConsumer{c}, err
}

type uncountedConsumer struct{ platform.Consumer }

func (c uncountedConsumer) Fetch(ctx context.Context, max, maxBytes int) ([]platform.Lease, error) {
	leases, err := c.Consumer.Fetch(ctx, max, maxBytes)
	for i := range leases {
		leases[i].Attempt = 0
	}
	return leases, err
}

// newQueues returns an engine in which the default queue of testKey gets everything.
func newQueues(t *testing.T, cfg memory.Config) *memory.Queues {
	queues := memory.New(cfg)
	owner := platform.Owner{Exchange: exchange, Bindings: []platform.Binding{{Pattern: "#"}}}
	if err := queues.Declare(t.Context(), testKey, owner); err != nil {
		t.Fatal(err)
	}
	return queues
}

// newPeer serves script on each connection, as a platform that misbehaves.
func newPeer(t *testing.T, script func(*socket.Conn)) *world {
	return newPongPeer(t, func(c *socket.Conn, _ <-chan struct{}) { script(c) })
}

// newPongPeer is newPeer for a script that wants to know of pongs.
func newPongPeer(t *testing.T, script func(c *socket.Conn, pong <-chan struct{})) *world {
	over := make(chan struct{})
	w := serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		pong := make(chan struct{}, 16)
		c, err := socket.Accept(rw, r, socket.Options{OnPong: func([]byte) { pong <- struct{}{} }})
		if err != nil {
			return
		}
		go func() {
			select {
			case <-over:
				c.CloseNow()
			case <-c.Done():
			}
		}()
		defer c.CloseNow()
		script(c, pong)
	}))
	t.Cleanup(func() { close(over) })
	return w
}

func serve(t *testing.T, h http.Handler) *world {
	w := &world{t: t, conns: map[net.Conn]bool{}, conn: make(chan net.Conn), done: make(chan struct{}), log: new(safeBuffer)}
	server := &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go server.Serve(w)
	transport := &http.Transport{DialContext: w.dial}
	client, err := prism.New(prism.Config{
		Server: "http://localhost/api", Key: testKey, Secret: testSecret,
		HTTPClient: &http.Client{Transport: transport},
		Logger:     slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.client = client
	t.Cleanup(func() {
		server.Close()
		w.cut()
		transport.CloseIdleConnections()
		for _, secret := range []string{testSecret, "sign="} {
			if strings.Contains(w.log.String(), secret) {
				t.Errorf("the log holds %q:\n%s", secret, w.log)
			}
		}
	})
	return w
}

func (w *world) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	w.mu.Lock()
	down, hang := w.down, w.hang
	w.mu.Unlock()
	if hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if down {
		return nil, fmt.Errorf("the network is down")
	}
	near, far := net.Pipe()
	if w.via != nil {
		near = w.via(near)
	}
	select {
	case w.conn <- far:
	case <-w.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	w.mu.Lock()
	w.conns[near] = true
	w.mu.Unlock()
	return near, nil
}

func (w *world) Accept() (net.Conn, error) {
	select {
	case c := <-w.conn:
		return c, nil
	case <-w.done:
		return nil, net.ErrClosed
	}
}
func (w *world) Close() error   { close(w.done); return nil }
func (w *world) Addr() net.Addr { return &net.IPAddr{} }

// cut ends all connections without a word.
func (w *world) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		c.Close()
	}
	clear(w.conns)
}

func (w *world) setDown(down bool) {
	w.mu.Lock()
	w.down = down
	w.mu.Unlock()
}

func (w *world) publisher(cfg PublisherConfig) *Publisher {
	p, err := NewPublisher(w.client, cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = p.Close(ctx)
	})
	return p
}

func (w *world) consumer(cfg ConsumerConfig) *Consumer {
	c, err := NewConsumer(w.client, cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// run starts Run, and returns how to end it and what it returned.
func (w *world) run(c *Consumer, handle Handler) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- c.Run(ctx, handle) }()
	stop = sync.OnceValue(func() error { cancel(); return <-result })
	w.t.Cleanup(func() { _ = stop() })
	return stop
}

func (w *world) publish(bodies ...string) {
	w.t.Helper()
	for _, body := range bodies {
		_, err := w.queues.Publish(context.Background(), exchange, &platform.Message{Key: "k", Body: []byte(body), ClientID: testKey})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) status() platform.QueueStatus {
	s, err := w.queues.Status(context.Background(), testKey, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// drainQueue returns the bodies in the queue and how often each is there.
func (w *world) drainQueue() map[string]int {
	messages, err := w.queues.Read(context.Background(), testKey, "", 1<<30)
	if err != nil {
		w.t.Fatal(err)
	}
	bodies := map[string]int{}
	for _, m := range messages {
		bodies[string(m.Body)]++
	}
	return bodies
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (w *world) http() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: w.dial}}
}

// storeOf returns a store that holds keys.
func storeOf(keys ...platform.Key) *memory.Store {
	s, err := memory.NewStore(keys...)
	if err != nil {
		panic(err)
	}
	return s
}
