package notify

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// consumeOrders runs a consumer of a bound queue, which is then dropped by drop. What
// OnError was told is in told, once stop has returned.
func consumeOrders(t *testing.T, w *world, cfg ConsumerConfig, drop func()) (stop func() error, told *[]error, got chan string) {
	t.Helper()
	if err := w.queues.Bind(t.Context(), testKey, "orders", "order.#"); err != nil {
		t.Fatal(err)
	}
	told, got = new([]error), make(chan string, 16)
	cfg.Topic, cfg.OnError = "orders", func(err error) { *told = append(*told, err) }
	stop = w.run(w.consumer(cfg), func(_ context.Context, d *Delivery) error { got <- string(d.Body); return nil })
	synctest.Wait()
	drop()
	time.Sleep(5 * time.Minute)
	synctest.Wait()
	return stop, told, got
}

func (w *world) drop(topic string) {
	w.t.Helper()
	if err := w.queues.Drop(context.Background(), testKey, topic); err != nil {
		w.t.Fatal(err)
	}
}

func isDropped(err error) bool { return errors.Is(err, ErrQueueDropped) }

func TestAConsumerIsToldThatItsQueueWasDropped(t *testing.T) {
	for name, drop := range map[string]func(*world){
		"while it waits": func(w *world) { w.drop("orders") },
		"while it is cut off": func(w *world) {
			w.setDown(true)
			w.cut()
			synctest.Wait()
			w.drop("orders")
			w.setDown(false)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, memory.Config{}, nil)
				stop, told, _ := consumeOrders(t, w, ConsumerConfig{}, func() { drop(w) })
				if err := stop(); !isDropped(err) || !slices.ContainsFunc(*told, isDropped) {
					t.Errorf("Run returned %v, OnError was told %v", err, *told)
				}
				if topics, err := w.queues.List(t.Context(), testKey); err != nil || len(topics) > 0 {
					t.Errorf("made again: %v, %v", topics, err)
				}
			})
		})
	}
}

func TestAConsumerGoesOnWithANewQueueIfItIsToldTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		stop, told, got := consumeOrders(t, w, ConsumerConfig{RecreateQueue: true}, func() { w.drop("orders") })
		if err := w.queues.Write(t.Context(), testKey, "orders", &platform.Message{Body: []byte("new")}); err != nil {
			t.Fatal(err)
		}
		if body := <-got; body != "new" {
			t.Errorf("got %q", body)
		}
		if err := stop(); !errors.Is(err, context.Canceled) || !slices.ContainsFunc(*told, isDropped) {
			t.Errorf("Run returned %v, OnError was told %v", err, *told)
		}
	})
}

// A queue that was never there was not dropped: the command may have been lost with
// the first connection.
func TestAConsumerInsistsOnItsQueueOnlyWhenItWasThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := make(chan string, 16)
		w := serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			c, err := socket.Accept(rw, r, socket.Options{})
			if err != nil {
				return
			}
			asked <- r.FormValue("existing")
			if len(asked) > 1 { // it reads, and so it answers the pings
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				for err == nil {
					_, _, err = c.Read(ctx)
				}
			}
			c.CloseNow()
		}))
		stop := w.run(w.consumer(ConsumerConfig{Topic: "orders"}), func(context.Context, *Delivery) error { return nil })
		time.Sleep(time.Minute)
		synctest.Wait()
		_ = stop()
		if first, second, third := <-asked, <-asked, <-asked; first != "" || second != "" || third != "1" {
			t.Errorf("the connections said existing=%q, %q, %q", first, second, third)
		}
	})
}

// The queues of a key go with it.
func TestAConsumerIsToldThatItsKeyIsGone(t *testing.T) {
	for name, end := range map[string]func(context.Context, *platform.Registry) error{
		"deleted": func(ctx context.Context, r *platform.Registry) error { return r.DeleteKey(ctx, testKey) },
		"expired": func(ctx context.Context, r *platform.Registry) error {
			return r.SaveKey(ctx, platform.Key{ID: testKey, Secret: testSecret, App: "test", Expires: time.Now().Add(time.Second)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var registry *platform.Registry
				w := newWorld(t, memory.Config{}, func(cfg *platform.Config) { registry = platform.NewRegistry(cfg.Store) })
				stop, told, _ := consumeOrders(t, w, ConsumerConfig{}, func() {
					if err := end(t.Context(), registry); err != nil {
						t.Fatal(err)
					}
				})
				unauthorized := func(err error) bool { return errors.Is(err, prism.ErrUnauthorized) }
				if err := stop(); !unauthorized(err) || !slices.ContainsFunc(*told, unauthorized) {
					t.Errorf("Run returned %v, OnError was told %v", err, *told)
				}
			})
		})
	}
}
