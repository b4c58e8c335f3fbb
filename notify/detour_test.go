package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// newDetour is a world whose requests go to what elsewhere holds, if anything,
// instead of the platform.
func newDetour(t *testing.T) (w *world, elsewhere *atomic.Pointer[http.HandlerFunc]) {
	elsewhere = new(atomic.Pointer[http.HandlerFunc])
	queues := newQueues(t, memory.Config{})
	p, err := platform.New(platform.Config{Store: storeOf(platform.Key{ID: testKey, Secret: testSecret, App: "test"}), Queues: queues})
	if err != nil {
		t.Fatal(err)
	}
	w = serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if h := elsewhere.Load(); h != nil {
			(*h)(rw, r)
			return
		}
		p.ServeHTTP(rw, r)
	}))
	w.queues = queues
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = p.Shutdown(ctx)
	})
	return w, elsewhere
}

func text(status int, body string, header ...string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			rw.Header().Set(header[i], header[i+1])
		}
		rw.WriteHeader(status)
		fmt.Fprint(rw, body)
	}
}

var foreign = map[string]http.HandlerFunc{
	"404 in text":                 text(404, "404 page not found"),
	"403 in HTML":                 text(403, "<html>no</html>"),
	"401 of a proxy":              text(401, "who are you?"),
	"a redirect":                  text(302, "", "Location", "http://other.test/"),
	"200 in HTML":                 text(200, "<html>back soon</html>"),
	"JSON of another system":      text(403, `{"message":"forbidden","code":403}`),
	"400 with nothing":            text(400, ""),
	"404 that is cut":             text(404, `{"result":null,"error":{"code":"not_f`),
	"101 that is not a WebSocket": text(426, "upgrade"),
}

// A gateway on the way answers for half a second.
func TestOnlyPrismsOwnRefusalEndsWhatHasWorked(t *testing.T) {
	for name, h := range foreign {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, elsewhere := newDetour(t)
				got := make(chan string, 9)
				stop := w.run(w.consumer(ConsumerConfig{}), func(_ context.Context, d *Delivery) error { got <- string(d.Body); return nil })
				publisher := w.publisher(PublisherConfig{})
				if err := publisher.Publish(t.Context(), "k", []byte("one")); err != nil {
					t.Fatal(err)
				}
				if body := <-got; body != "one" {
					t.Fatalf("%q came", body)
				}
				elsewhere.Store(&h)
				w.cut()
				time.AfterFunc(500*time.Millisecond, func() { elsewhere.Store(nil) })
				if err := publisher.Publish(t.Context(), "k", []byte("two")); err != nil {
					t.Fatal(err)
				}
				for body := ""; body != "two"; body = <-got {
				}
				if err := stop(); !errors.Is(err, context.Canceled) {
					t.Errorf("Run: %v", err)
				}
			})
		})
	}
}

func TestAWrongAddressEndsAFreshStartAndSaysWhy(t *testing.T) {
	for name, h := range foreign {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, elsewhere := newDetour(t)
				elsewhere.Store(&h)
				var why *prism.Error
				err := w.consumer(ConsumerConfig{}).Run(t.Context(), func(context.Context, *Delivery) error { return nil })
				if !errors.As(err, &why) {
					t.Errorf("Run: %v", err)
				}
				if err := w.publisher(PublisherConfig{}).Publish(t.Context(), "k", nil); !errors.As(err, &why) {
					t.Errorf("Publish: %v", err)
				}
			})
		})
	}
}

func TestAKeyThatIsDeletedEndsAConsumerThatHasWorked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, elsewhere := newDetour(t)
		connected := make(chan struct{}, 9)
		c := w.consumer(ConsumerConfig{OnConnect: func() { connected <- struct{}{} }})
		result := make(chan error, 1)
		go func() {
			result <- c.Run(t.Context(), func(context.Context, *Delivery) error { return nil })
		}()
		<-connected
		time.Sleep(time.Second) // for the first pong
		gone := http.HandlerFunc(text(401, `{"result":null,"error":{"code":"unknown_key","message":"there is no such key"}}`, "Content-Type", "application/json"))
		elsewhere.Store(&gone)
		w.cut()
		if err := <-result; !errors.Is(err, prism.ErrUnauthorized) {
			t.Errorf("Run: %v", err)
		}
	})
}

// What is dialled falls into a hole of one second.
func TestAHoleWhileDiallingCostsNoMoreThanAPong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		hole := true
		w.throughPaths(func(p *path) { p.up.stalled, p.down.stalled = hole, hole; hole = false })
		connected := make(chan struct{}, 9)
		began := time.Now()
		w.run(w.consumer(ConsumerConfig{PingInterval: time.Second, PongTimeout: 2 * time.Second, OnConnect: func() { connected <- struct{}{} }}),
			func(context.Context, *Delivery) error { return nil })
		<-connected
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("connected after %v", took)
		}
	})
}

// A platform that is always slower than a pong may be gets the time it needs.
func TestASlowHandshakeIsGivenMoreTimeEachTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, elsewhere := newDetour(t)
		slow := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(9 * time.Second):
			case <-r.Context().Done():
				return
			}
			elsewhere.Store(nil)
			text(503, "")(rw, r)
		})
		elsewhere.Store(&slow)
		connected := make(chan struct{}, 9)
		w.run(w.consumer(ConsumerConfig{PongTimeout: time.Second, OnConnect: func() { connected <- struct{}{} }}),
			func(context.Context, *Delivery) error { return nil })
		<-connected
	})
}

func TestCloseEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		paths := w.throughPaths(func(*path) {})
		p := w.publisher(PublisherConfig{})
		if err := p.Publish(t.Context(), "k", []byte("one")); err != nil {
			t.Fatal(err)
		}
		paths()[0].up.stall(true)
		paths()[0].down.stall(true)
		_ = p.PublishAsync(t.Context(), Message{Key: "k"}, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := p.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close: %v", err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("Close took %v", took)
		}
	})
}

// Routing keys and types are held as bodies are.
func TestTheWindowCountsAllThatIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 20
		w := newRawPeer(t, func(p *rawPeer) {
			go p.drain()
			for tag := 1; tag <= n; tag++ {
				text := strings.Repeat("k", 10<<10)
				if _, err := p.Write(textFrame(fmt.Sprintf(`{"tag":%d,"key":%q,"type":%q,"app":%q,"client_id":%q,"body":""}`, tag, text, text, text, text))); err != nil {
					return
				}
			}
			time.Sleep(time.Hour)
		})
		c := w.consumer(ConsumerConfig{WindowBytes: 100 << 10})
		release := make(chan struct{})
		stop := w.run(c, func(context.Context, *Delivery) error { <-release; return nil })
		time.Sleep(5 * time.Second)
		if got := c.Stats().Received; got > 5 { // two in the window, and what is being let in
			t.Errorf("%d deliveries of 40 KiB were read with a window of 100 KiB", got)
		}
		close(release)
		_ = stop()
	})
}
