package prismtest

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/console"
)

// TB is what a [Server] needs of a test. [*testing.T] and [*testing.B] have it.
// Fatalf must not return to its caller.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// A Server is a Prism platform of its own, for one test. Make one with
// [NewServer] or [NewServerConfig].
//
// Its methods may be called by any number of goroutines. Those that can fail
// do so by Fatalf of the test, which is for the test's own goroutine only.
type Server struct {
	t        TB
	key      platform.Key
	bindings []platform.Binding // that a key begins with; nil: those of the engine
	registry *platform.Registry
	cfg      platform.Config // for platform.New, except that Trace is the test's own
	log      *slog.Logger
	patience time.Duration

	seen     *recorder
	scripted *script
	queues   *queues
	clock    clock

	current    atomic.Pointer[platform.Platform]
	console    atomic.Pointer[console.Console] // of current; nil until Console is called
	restarting chan struct{}                   // a lock of Restart, which guards earlier
	earlier    uint64                          // how many connections the earlier platforms had

	mu        sync.Mutex        // guards passwords, and the making of apps
	passwords map[string]string // of the users of AddUser, by login

	pushing sync.WaitGroup // the platforms that push

	http   http.Server
	served chan struct{} // closed when http.Serve has returned
	net    *network
	piped  bool
	pipes  *pipeNet // nil over TCP
	client *http.Client
	url    string
}

// NewServer starts a platform in memory on a random TCP port of the loopback
// interface, with one random key. It is closed when the test ends.
func NewServer(t TB) *Server {
	t.Helper()
	return NewServerConfig(t, Config{})
}

// NewServerConfig is [NewServer] with settings. A wrong one fails the test.
func NewServerConfig(t TB, cfg Config) *Server {
	t.Helper()
	cfg = cfg.withDefaults()
	s := &Server{
		t:        t,
		bindings: cfg.bindings(),
		registry: platform.NewRegistry(cfg.Platform.Store),
		cfg:      cfg.Platform,
		log:      cfg.Logger,
		patience: cfg.Patience,
		seen:     newRecorder(),
		scripted: newScript(cfg.Platform.Override),
		queues:   &queues{Queues: cfg.Platform.Queues},
		clock:    clock{base: cfg.Platform.Now},
		served:   make(chan struct{}),

		restarting: make(chan struct{}, 1),
		passwords:  make(map[string]string),
	}
	s.cfg.Queues, s.cfg.Override, s.cfg.Now = s.queues, s.scripted.next, s.clock.now
	if cfg.Patience < 0 {
		t.Fatalf("prismtest: Config.Patience is %v, it must not be negative", cfg.Patience)
	}
	s.addFirst(platform.Key{ID: cfg.Key, Secret: cfg.Secret, App: cfg.App, Admin: true})
	s.piped = cfg.Pipe
	if err := s.begin(0); err != nil {
		t.Fatalf("prismtest: Config.Platform is wrong: %v", err)
	}
	s.reconcile()
	if err := s.listen(cfg.Pipe); err != nil {
		t.Fatalf("prismtest: there is no port to listen on: %v", err)
	}
	t.Cleanup(s.close)
	return s
}

// addFirst makes key the first key, or the one with its ID that the store has already.
func (s *Server) addFirst(key platform.Key) {
	s.t.Helper()
	if old, err := s.registry.Key(context.Background(), key.ID); err == nil && old.Secret == key.Secret {
		s.key = old
		return
	}
	s.key = key
	s.AddKey(key)
}

// begin replaces the platform by a new one, which numbers its connections after the
// earlier ones.
func (s *Server) begin(earlier uint64) error {
	cfg := s.cfg
	cfg.Trace = s.seen.trace(earlier, s.cfg.Trace)
	p, err := platform.New(cfg)
	if err == nil {
		s.current.Store(p)
		if s.console.Load() != nil {
			s.openConsole(p)
		}
	}
	if err == nil && !s.piped { // in a bubble no receiver can be reached
		s.pushing.Go(func() { p.Push(context.Background()) })
	}
	return err
}

// listen starts the HTTP server, over TCP or in memory.
func (s *Server) listen(pipe bool) error {
	var inner net.Listener
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	if pipe {
		s.pipes = newPipeNet()
		inner, transport.DialContext = s.pipes.listen(), s.pipes.dial
	} else {
		var err error
		if inner, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
	}
	s.net = newNetwork(inner)
	s.url = "http://" + inner.Addr().String() + basePath(s.cfg.BasePath)
	s.client = &http.Client{Transport: transport}
	s.http.Handler = http.HandlerFunc(s.serve)
	s.http.ErrorLog = slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)
	go func() {
		defer close(s.served)
		s.http.Serve(s.net)
	}()
	return nil
}

// basePath returns the base path as the platform uses it.
func basePath(base string) string {
	if base == "" {
		return "/api"
	}
	return strings.TrimRight("/"+strings.Trim(base, "/"), "/")
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.seen.enter()
	defer s.seen.leave()
	s.handler().ServeHTTP(w, r)
}

const (
	partingTime = time.Second            // for the closing handshakes of the channel
	servingTime = 500 * time.Millisecond // for calls that are being answered
)

// close ends the platform, then the HTTP server, and waits for both. Clients
// may still be at work, so each step has its time.
func (s *Server) close() {
	s.t.Helper()
	s.net.cutStalled() // no closing handshake is possible over them
	s.shutdown()
	s.pushing.Wait()
	s.end(&s.http)
	s.net.cut()
	<-s.served
	if !s.seen.await(servingTime, func() bool { return s.seen.serving() == 0 }) {
		s.t.Fatalf("prismtest: a call is still being answered at the end of the test: its handler must return when the context of the request ends")
	}
}

// shutdown ends the channel of the current platform.
func (s *Server) shutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), partingTime)
	defer cancel()
	s.current.Load().Shutdown(ctx)
}
