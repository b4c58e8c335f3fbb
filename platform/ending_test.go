package platform_test

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// spoiledConsumers hands out consumers whose Close panics.
type spoiledConsumers struct{ platform.Queues }

func (q spoiledConsumers) Consume(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	c, err := q.Queues.Consume(ctx, owner, topic, name)
	return spoiledConsumer{c}, err
}

type spoiledConsumer struct{ platform.Consumer }

func (spoiledConsumer) Close() error { panic("engine") }

// The connection slot and the socket come back, whatever panics.
func TestPanicsLeaveNoConnectionBehind(t *testing.T) {
	for name, cfg := range map[string]platform.Config{
		"Consumer.Close":   {Queues: spoiledConsumers{newQueues(memory.Config{})}},
		"Trace.Call":       {Trace: &platform.Trace{Call: func(platform.Call, platform.Outcome) { panic("hook") }}},
		"Trace.Connect":    {Trace: &platform.Trace{Connect: func(platform.Conn) { panic("hook") }}},
		"Trace.Disconnect": {Trace: &platform.Trace{Disconnect: func(platform.Conn, string) { panic("hook") }}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Limits.ConnectionsPerKey = 1
			e := newEnv(t, cfg)
			for range 3 {
				conn, in := e.rawChannel()
				conn.Write(rawFrame(0x82, 7, []byte{2}))
				conn.Write(rawFrame(0x88, 7, nil))
				if first, _ := rawServerFrame(t, in); first != 0x88 {
					t.Errorf("frame %#x, want a close frame", first)
				}
				wantEOF(t, in)
				conn.Close()
			}
		})
	}
}

// deafListener makes connections that cannot be written to.
type deafListener struct{ net.Listener }

func (l deafListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return deafConn{c}, err
}

type deafConn struct{ net.Conn }

func (deafConn) Write([]byte) (int, error) { return 0, errors.New("the peer has gone") }

func TestABrokenHandshakeIsRecordedAndNotAnswered(t *testing.T) {
	seen, trace := newEvents()
	p, err := platform.New(platform.Config{
		Store:  storeOf(platform.Key{ID: testKey, Secret: testSecret, App: "shop"}),
		Queues: newQueues(memory.Config{}), Trace: trace,
		Limits: platform.Limits{ConnectionsPerKey: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Shutdown(context.Background())
	var complaints lockedBuffer
	srv := httptest.NewUnstartedServer(p)
	srv.Listener = deafListener{srv.Listener}
	srv.Config.ErrorLog = log.New(&complaints, "", 0)
	srv.Start()
	defer srv.Close()
	for i := range 2 { // the slot is free again
		conn, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		req, _ := http.NewRequest("GET", "http://x"+notifyTarget(testKey, testSecret, "/api/notify"), nil)
		req.Header = socket.NewHandshake().Header()
		req.Write(conn)
		if c := await[callEvent](t, seen, i+1); c.Status != 499 || c.Code != "canceled" || c.Call.Key != testKey {
			t.Errorf("recorded %+v", c)
		}
	}
	if strings.Contains(complaints.String(), "hijacked") {
		t.Errorf("net/http complains: %s", complaints.String())
	}
}

// A peer may reconnect as soon as it hears of the end, and hooks may be slow.
func TestTheSlotIsFreeBeforeTheGoodbye(t *testing.T) {
	saying, said := make(chan bool, 1), make(chan bool)
	e := newEnv(t, platform.Config{
		Limits: platform.Limits{ConnectionsPerKey: 1},
		Trace: &platform.Trace{Disconnect: func(c platform.Conn, _ string) {
			if c.ID == 1 {
				saying <- true
				<-said
			}
		}},
	})
	conn, _ := e.rawChannel()
	defer conn.Close()
	conn.Write(rawFrame(0x88, 7, nil))
	defer close(said)
	awaited(t, "the end", saying)
	e.dial().close()
}

// lateQueues lets Consume return when its connection is already over.
type lateQueues struct {
	platform.Queues
	entered chan bool
}

func (q lateQueues) Consume(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	q.entered <- true
	<-ctx.Done()
	return q.Queues.Consume(ctx, owner, topic, name)
}

func TestAConsumeThatComesTooLateLeavesNoConsumer(t *testing.T) {
	q := lateQueues{newQueues(memory.Config{}), make(chan bool, 1)}
	e := newEnv(t, platform.Config{Queues: q})
	p := e.dial()
	p.consume("")
	awaited(t, "the Consume", q.entered)
	shut := make(chan error, 1)
	go func() { shut <- e.p.Shutdown(t.Context()) }()
	if c := p.closed(); c.Code != socket.GoingAway {
		t.Errorf("closed with %d", c.Code)
	}
	if err := awaited(t, "Shutdown", shut); err != nil {
		t.Fatal(err)
	}
	if s := e.status(""); s.Consumers != 0 {
		t.Errorf("%d consumers are left", s.Consumers)
	}
}
