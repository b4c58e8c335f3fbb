package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// Whoever ends calls, or sends half of them, does not keep the others from a backend.
func TestWhatCallersDoIsNoFailureOfTheBackend(t *testing.T) {
	arrived := make(chan struct{})
	var hang atomic.Bool
	g := through(t, Config{Breaker: 1}, 0, func(w http.ResponseWriter, r *http.Request) {
		if hang.Load() {
			arrived <- struct{}{}
			<-r.Context().Done()
		}
	})
	g.x = make(chan *Exchange, 1)
	hang.Store(true)
	via := &http.Transport{}
	defer via.CloseIdleConnections()
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		req, _ := http.NewRequestWithContext(ctx, "GET", g.url+"/api/b2b/x", nil)
		go func() {
			<-arrived
			cancel()
		}()
		if _, err := via.RoundTrip(req); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		<-g.x
	}
	hang.Store(false)
	for range 3 {
		conn := dial(t, g.url)
		fmt.Fprint(conn, "POST /api/b2b/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nab")
		conn.Close()
		<-g.x
		if answer, err := tell(dial(t, g.url), "POST /api/b2b/x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\nX: y"); err != nil || answer.StatusCode != 400 {
			t.Fatalf("answer %v, %v", answer, err)
		}
		<-g.x
	}
	if answer := g.get(t, "GET"); answer.StatusCode != 200 {
		t.Errorf("answer %d", answer.StatusCode)
	}
}

// The call that finds out whether a backend works again may be ended by its caller: then
// another one does, at once.
func TestACallerThatGoesDoesNotKeepABackendAtRest(t *testing.T) {
	b, now := breaker{}, time.Now()
	b.failed(1, now)
	now = now.Add(pause)
	if b.wait(1, now) != 0 {
		t.Fatal("no call finds out")
	}
	b.undecided(1, now)
	if wait := b.wait(1, now); wait != 0 {
		t.Errorf("the next call waits for %v", wait)
	}
	if wait := b.wait(1, now); wait != pause {
		t.Errorf("a third waits for %v", wait)
	}
	b.succeeded(1)
	b.undecided(1, now)
	b.failed(1, now)
	b.undecided(1, now) // of a call from before
	if wait := b.wait(1, now); wait != pause {
		t.Errorf("after another failure the next call waits for %v", wait)
	}
}
