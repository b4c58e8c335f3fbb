package platform_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// bubble runs test with a platform over pipes, in virtual time.
func bubble(t *testing.T, cfg platform.Config, test func(t *testing.T, p *platform.Platform, dial func() net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		if cfg.Store == nil {
			cfg.Store = storeOf(platform.Key{ID: testKey, Secret: testSecret, App: "shop"})
		}
		if cfg.Queues == nil {
			cfg.Queues = newQueues(memory.Config{})
		}
		p, err := platform.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		l := newPipeListener()
		srv := &http.Server{Handler: p}
		go srv.Serve(l)
		test(t, p, l.dial)
		p.Shutdown(context.Background())
		srv.Close()
	})
}

// Java drops a connection on any ping, so a peer that never sent one gets
// none, and lives as long as it likes.
func TestPeerThatNeverPingedIsNeverPinged(t *testing.T) {
	bubble(t, platform.Config{}, func(t *testing.T, p *platform.Platform, dial func() net.Conn) {
		peer := dialOver(t, dial(), notifyTarget(testKey, testSecret, "/api/platform/notify"))
		ctx, cancel := context.WithTimeout(context.Background(), 24*time.Hour)
		defer cancel()
		if _, _, err := peer.conn.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Read: %v", err)
		}
		if n := peer.pings.Load(); n > 0 {
			t.Errorf("%d pings", n)
		}
	})
}

func TestPeerThatPingsIsPingedAndStays(t *testing.T) {
	bubble(t, platform.Config{}, func(t *testing.T, p *platform.Platform, dial func() net.Conn) {
		peer := dialOver(t, dial(), notifyTarget(testKey, testSecret, "/api/platform/notify"))
		peer.ping("")
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		if _, _, err := peer.conn.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Read: %v", err)
		}
		if n := peer.pings.Load(); n != 119 && n != 120 {
			t.Errorf("%d pings in an hour, want one every 30 s", n)
		}
	})
}

// A peer that stalls without a FIN keeps its messages for 40 seconds.
func TestStalledPeerIsDroppedAndItsMessagesReturn(t *testing.T) {
	queues := newQueues(memory.Config{})
	seen, trace := newEvents()
	bubble(t, platform.Config{Queues: queues, Trace: trace}, func(t *testing.T, p *platform.Platform, dial func() net.Conn) {
		queues.Write(context.Background(), testKey, "", &platform.Message{Body: []byte("x")})
		peer := dialOver(t, dial(), notifyTarget(testKey, testSecret, "/api/platform/notify"))
		peer.ping("")
		frame, _ := wire.AppendConsume(nil, "")
		peer.conn.Write(context.Background(), socket.Binary, frame)
		peer.next() // the last that it reads
		began := time.Now()
		awaitFor[disconnectEvent](t, seen, 1, virtualPatience)
		if took := time.Since(began); took > 41*time.Second {
			t.Errorf("dropped after %v", took)
		}
		if s, _ := queues.Status(context.Background(), testKey, ""); s.Ready != 1 {
			t.Errorf("the queue is %+v", s)
		}
	})
}

// On a slow line a pong comes behind a whole window of deliveries.
func TestAPeerThatAcknowledgesHasFourTimesAsLongForItsPong(t *testing.T) {
	for acks, want := range map[bool]time.Duration{false: 40 * time.Second, true: 70 * time.Second} {
		queues := newQueues(memory.Config{})
		seen, trace := newEvents()
		bubble(t, platform.Config{Queues: queues, Trace: trace, WriteTimeout: time.Hour}, func(t *testing.T, p *platform.Platform, dial func() net.Conn) {
			const n = 100
			for range n {
				if err := queues.Write(context.Background(), testKey, "", &platform.Message{Body: []byte("x")}); err != nil {
					t.Fatal(err)
				}
			}
			peer := dialOver(t, dial(), notifyTarget(testKey, testSecret, "/api/platform/notify"))
			peer.ping("")
			peer.consume("")
			began := time.Now()
			for range n { // and then it reads nothing more, so it answers no ping
				peer.next()
			}
			ctx, stop := context.WithCancel(context.Background())
			defer stop()
			for tag := uint64(1); acks && tag <= n && ctx.Err() == nil; tag++ {
				frame := wire.AppendAck(nil, tag)
				if err := peer.conn.Write(ctx, socket.Binary, frame); err != nil {
					break
				}
				time.Sleep(time.Second)
			}
			awaitFor[disconnectEvent](t, seen, 1, virtualPatience)
			if took := time.Since(began); took < want-time.Second || took > want+2*time.Second {
				t.Errorf("acks %v: given up after %v, want %v", acks, took, want)
			}
		})
	}
}

// A peer that takes nothing is given up although it sends pings itself.
func TestPeerThatTakesNothingIsGivenUp(t *testing.T) {
	queues := newQueues(memory.Config{})
	seen, trace := newEvents()
	bubble(t, platform.Config{Queues: queues, Trace: trace, WriteTimeout: 20 * time.Second}, func(t *testing.T, p *platform.Platform, dial func() net.Conn) {
		queues.Write(context.Background(), testKey, "", &platform.Message{Body: []byte("x")})
		raw := dial()
		peer := dialOver(t, raw, notifyTarget(testKey, testSecret, "/api/platform/notify"))
		frame, _ := wire.AppendConsume(nil, "")
		peer.conn.Write(context.Background(), socket.Binary, frame)
		began := time.Now()
		awaitFor[disconnectEvent](t, seen, 1, virtualPatience) // a pipe has no buffer: the delivery stays in the server
		if took := time.Since(began); took > 21*time.Second {
			t.Errorf("given up after %v", took)
		}
		if s, _ := queues.Status(context.Background(), testKey, ""); s.Ready != 1 {
			t.Errorf("the queue is %+v", s)
		}
	})
}
