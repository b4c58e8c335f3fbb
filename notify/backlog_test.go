package notify

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// Deliveries come to the workers several at a time.
func TestASlowHandlerHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		for i := range 200 {
			w.publish(fmt.Sprint(i))
		}
		var handled atomic.Int32
		stop := w.run(w.consumer(ConsumerConfig{Workers: 4}), func(ctx context.Context, d *Delivery) error {
			if d.Tag%70 == 1 { // three of four workers
				time.Sleep(time.Hour)
			}
			handled.Add(1)
			return nil
		})
		synctest.Wait()
		if n := handled.Load(); n != 197 {
			t.Errorf("handled %d, all but 3 of 200 should be", n)
		}
		time.Sleep(2 * time.Hour)
		_ = stop()
	})
}

// A full window is read on when a place in it is free and no worker has
// anything to do.
func TestOneAckMakesRoomForOneDelivery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, window := range []int{1, 2, 5, 64} {
			w := newWorld(t, memory.Config{}, func(cfg *platform.Config) { cfg.Limits.Window = 1000 })
			for i := range 3 * window {
				w.publish(fmt.Sprint(i))
			}
			got := make(chan *Delivery, 3*window)
			c := w.consumer(ConsumerConfig{Window: window, ManualAck: true})
			stop := w.run(c, func(_ context.Context, d *Delivery) error { got <- d; return nil })
			synctest.Wait()
			if len(got) != window {
				t.Errorf("window %d: %d were delivered", window, len(got))
			}
			for i := range 2 * window {
				if err := (<-got).Ack(t.Context()); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if len(got) != window {
					t.Fatalf("window %d: %d are held after %d acks", window, len(got), i+1)
				}
			}
			_ = stop()
		}
	})
}

// Places that become free while the backlog is long count as well, once it is
// short.
func TestEarlyAcksMakeRoomToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, func(cfg *platform.Config) { cfg.Limits.Window = 1000 })
		for i := range 30 {
			w.publish(fmt.Sprint(i))
		}
		var got atomic.Int32
		c := w.consumer(ConsumerConfig{Window: 10, ManualAck: true})
		stop := w.run(c, func(ctx context.Context, d *Delivery) error {
			if got.Add(1) <= 4 {
				return d.Ack(ctx)
			}
			return nil // collected, to be acknowledged together
		})
		synctest.Wait()
		if n := got.Load(); n != 14 {
			t.Errorf("%d delivered; 4 are acknowledged and the window is 10, so 14 should be", n)
		}
		_ = stop()
	})
}

// What ends a worker's goroutine must not leave a handler that seems to run:
// the connection could not be renewed.
func TestOnGiveUpMayEndItsGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newEarlierWorld(t, memory.Config{})
		w.publish("a")
		var ended atomic.Bool
		c := w.consumer(ConsumerConfig{Attempts: 1, OnGiveUp: func(*Delivery, error) error {
			if !ended.Swap(true) {
				runtime.Goexit()
			}
			return nil
		}})
		stop := w.run(c, func(context.Context, *Delivery) error { return context.Canceled })
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := w.status(); s.Ready+s.Unacknowledged != 0 || c.Stats().Renewals == 0 {
			t.Errorf("%+v, %+v", s, c.Stats())
		}
		_ = stop()
	})
}

func TestABacklogKeepsTheOrder(t *testing.T) {
	var b backlog
	next, last := uint64(1), uint64(0)
	for round := range 200 {
		for range round % 37 {
			last++
			b.push(&Delivery{Tag: last})
		}
		for range min(b.n, round%31) {
			if d := b.pop(); d.Tag != next {
				t.Fatalf("popped %d, want %d", d.Tag, next)
			}
			next++
		}
	}
	if b.n != int(last+1-next) {
		t.Errorf("%d are left, want %d", b.n, last+1-next)
	}
}
