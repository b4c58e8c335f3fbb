package notify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// link is one TCP connection through the proxy.
type link struct{ near, far *net.TCPConn }

// proxy is a network on which anything may happen to a connection.
type proxy struct {
	net.Listener
	target string
	all    sync.WaitGroup

	mu    sync.Mutex
	links map[link]chan struct{} // closed when it is cut
	stuck map[link]bool
	delay time.Duration
}

func newProxy(t *testing.T, target string) *proxy {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: ln, target: target, links: map[link]chan struct{}{}, stuck: map[link]bool{}}
	p.all.Go(p.serve)
	t.Cleanup(func() { ln.Close(); p.each(p.cut); p.all.Wait() })
	return p
}

func (p *proxy) serve() {
	for {
		near, err := p.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", p.target)
		if err != nil {
			near.Close()
			continue
		}
		l := link{near.(*net.TCPConn), far.(*net.TCPConn)}
		p.mu.Lock()
		p.links[l] = make(chan struct{})
		p.mu.Unlock()
		p.all.Go(func() { p.copy(l, l.near, l.far) })
		p.all.Go(func() { p.copy(l, l.far, l.near) })
	}
}

func (p *proxy) copy(l link, dst, src *net.TCPConn) {
	buf := make([]byte, 4096)
	for {
		n, err := src.Read(buf)
		p.hold(l)
		if _, failed := dst.Write(buf[:n]); failed != nil {
			p.cut(l)
			return
		}
		switch {
		case err == io.EOF:
			_ = dst.CloseWrite()
			return
		case err != nil:
			p.cut(l)
			return
		}
	}
}

// hold delays what l carries, for as long as l lasts if it is stuck.
func (p *proxy) hold(l link) {
	p.mu.Lock()
	cut, stuck, delay := p.links[l], p.stuck[l], p.delay
	p.mu.Unlock()
	switch {
	case cut == nil:
	case stuck:
		<-cut
	default:
		time.Sleep(delay)
	}
}

func (p *proxy) cut(l link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if cut := p.links[l]; cut != nil {
		close(cut)
		delete(p.links, l)
		delete(p.stuck, l)
	}
	l.near.Close()
	l.far.Close()
}

func (p *proxy) each(do func(link)) {
	p.mu.Lock()
	links := make([]link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	p.mu.Unlock()
	for _, l := range links {
		do(l)
	}
}

func (p *proxy) harm(l link, how int) {
	switch how {
	case 0:
		_ = l.near.SetLinger(0) // reset
		p.cut(l)
	case 1:
		p.cut(l)
	case 2:
		_ = l.near.CloseWrite()
	case 3:
		_ = l.far.CloseWrite()
	case 4:
		p.mu.Lock()
		p.stuck[l] = p.links[l] != nil
		p.mu.Unlock()
	}
}

// outcomes is what became of each message.
type outcomes struct {
	sync.Mutex
	callers         int
	stored, handled map[string]int
	outcome         map[string]error
}

// Connections are reset, cut, half closed, stuck and slow while messages flow,
// from many callers or a lone one, and some of them the platform refuses. Every
// outcome is what it says.
func TestEveryOutcomeIsTrueOnABadNetwork(t *testing.T) {
	for _, seed := range []uint64{1, rand.Uint64()} {
		for _, callers := range []int{1, 6} {
			for _, failUnconfirmed := range []bool{false, true} {
				t.Run(fmt.Sprint("seed ", seed, " callers ", callers, " FailUnconfirmed ", failUnconfirmed), func(t *testing.T) {
					chaos(t, rand.New(rand.NewPCG(seed, 0)), callers, failUnconfirmed)
				})
			}
		}
	}
}

func chaos(t *testing.T, r *rand.Rand, callers int, failUnconfirmed bool) {
	book := &outcomes{callers: callers, stored: map[string]int{}, handled: map[string]int{}, outcome: map[string]error{}}
	cfg := platform.Config{
		Store:  storeOf(platform.Key{ID: testKey, Secret: testSecret, App: "test"}),
		Queues: newQueues(t, memory.Config{}), Limits: platform.Limits{MaxBody: 1000, ConnectionsPerKey: 1000},
		Trace: &platform.Trace{Publish: func(e platform.PublishEvent) {
			book.Lock()
			defer book.Unlock()
			if e.Err == nil {
				book.stored[string(e.Message.Body)]++
			}
		}},
	}
	client, network := unreliable(t, cfg)
	retry := Reconnect{Delay: 3 * time.Millisecond}
	pub, err := NewPublisher(client, PublisherConfig{
		Reconnect: retry, FailUnconfirmed: failUnconfirmed, MaxUnconfirmed: 1 + r.IntN(300),
		PingInterval: 100 * time.Millisecond, PongTimeout: 300 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := NewConsumer(client, ConsumerConfig{
		Reconnect: retry, Window: 1 + r.IntN(300), AttemptDelay: time.Millisecond,
		PingInterval: 100 * time.Millisecond, PongTimeout: 300 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ran := make(chan error, 1)
	go func() { ran <- consumer.Run(ctx, book.handle) }()
	publishing, seed := make(chan struct{}), r.Uint64()
	go func() { book.publish(pub, seed); close(publishing) }()
	trouble(network, r, publishing)
	<-publishing
	closing, done := context.WithTimeout(t.Context(), 20*time.Second)
	defer done()
	_ = pub.Close(closing)
	awaitEmpty(t, cfg.Queues)
	began := time.Now()
	cancel()
	if err := <-ran; !errors.Is(err, context.Canceled) || time.Since(began) > time.Second {
		t.Errorf("Run returned %v after %v", err, time.Since(began))
	}
	book.check(t, failUnconfirmed)
}

// unreliable is a platform behind a proxy.
func unreliable(t *testing.T, cfg platform.Config) (*prism.Client, *proxy) {
	pl, err := platform.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(pl)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = pl.Shutdown(ctx)
		server.Close()
	})
	network := newProxy(t, server.Listener.Addr().String())
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := prism.New(prism.Config{
		Server: "http://" + network.Addr().String() + "/api", Key: testKey, Secret: testSecret,
		HTTPClient: &http.Client{Transport: transport}, Timeout: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return client, network
}

// trouble harms connections for a second, at most as long as it is published.
func trouble(network *proxy, r *rand.Rand, publishing <-chan struct{}) {
	limit := time.After(time.Second)
	for {
		select {
		case <-publishing:
		case <-limit:
		case <-time.After(time.Duration(r.IntN(50)) * time.Millisecond):
			network.mu.Lock()
			network.delay = time.Duration(r.IntN(5)) * time.Millisecond
			network.mu.Unlock()
			network.each(func(l link) { network.harm(l, r.IntN(8)) })
			continue
		}
		network.each(network.cut)
		return
	}
}

func (b *outcomes) handle(_ context.Context, d *Delivery) error {
	b.Lock()
	defer b.Unlock()
	b.handled[string(d.Body)]++
	return nil
}

const messages = 300 // of each caller

// publish waits for room and, of every second message, for its outcome; some
// callers are impatient, and some messages too large for the platform.
func (b *outcomes) publish(p *Publisher, seed uint64) {
	var all sync.WaitGroup
	for g := range b.callers {
		r := rand.New(rand.NewPCG(seed, uint64(g)))
		all.Go(func() {
			for i := range messages {
				body := fmt.Sprint(g, "-", i)
				if r.IntN(50) == 0 {
					body += strings.Repeat("x", 1000)
				}
				note := func(err error) { b.Lock(); b.outcome[body] = err; b.Unlock() }
				ctx, cancel := context.Background(), context.CancelFunc(func() {})
				if r.IntN(3) == 0 {
					ctx, cancel = context.WithTimeout(ctx, time.Duration(r.IntN(20))*time.Millisecond)
				}
				if r.IntN(2) == 0 {
					note(p.Publish(ctx, "k", []byte(body)))
				} else if err := p.PublishAsync(ctx, Message{Key: "k", Body: []byte(body)}, note); err != nil {
					note(err)
				}
				cancel()
			}
		})
	}
	all.Wait()
}

func awaitEmpty(t *testing.T, queues platform.Queues) {
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		s, err := queues.Status(t.Context(), testKey, "")
		if err == nil && s.Ready+s.Unacknowledged == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("still in the queue: %+v, %v", s, err)
			return
		}
	}
}

func (b *outcomes) check(t *testing.T, failUnconfirmed bool) {
	b.Lock()
	defer b.Unlock()
	if len(b.outcome) != b.callers*messages {
		t.Errorf("%d outcomes", len(b.outcome))
	}
	for body, err := range b.outcome {
		var refused *RefusedError
		stored, wrong := b.stored[body], false
		switch {
		case err == nil:
			wrong = stored == 0 || b.handled[body] == 0
		case errors.As(err, &refused):
			wrong = len(body) < 1000
		case errors.Is(err, ErrOutcomeUnknown):
		default:
			wrong = !errors.Is(err, context.DeadlineExceeded) || stored > 0
		}
		if wrong || failUnconfirmed && stored > 1 {
			t.Errorf("%.8s: stored %d times, handled %d times: %v", body, stored, b.handled[body], err)
		}
	}
}
