package notify

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/platform/memory"
)

// The order in which goroutines see the end is left to chance: hence many runs.
func TestNoHandlerStartsAfterTheEnd(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, memory.Config{}, nil)
			w.publish("a", "b", "c", "d", "e", "f")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			calls := 0
			_ = w.consumer(ConsumerConfig{}).Run(ctx, func(context.Context, *Delivery) error {
				if calls++; calls == 2 {
					cancel()
				}
				return nil
			})
			if calls != 2 {
				t.Fatalf("%d calls, the context ended in the second", calls)
			}
		})
	}
}

func TestNoAttemptStartsAfterTheEnd(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, memory.Config{}, nil)
			w.publish("a")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			calls := 0
			_ = w.consumer(ConsumerConfig{AttemptDelay: 1}).Run(ctx, func(context.Context, *Delivery) error {
				calls++
				cancel()
				return errHandler
			})
			if calls != 1 {
				t.Fatalf("%d attempts, the context ended in the first", calls)
			}
		})
	}
}

func TestNoTurnBeginsAfterTheEnd(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, memory.Config{}, nil)
			w.publish("a", "b", "c", "d", "e", "f")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			turns := 0
			for d := range w.consumer(ConsumerConfig{}).Deliveries(ctx) {
				if turns++; turns == 2 {
					cancel()
				}
				_ = d.Ack(context.Background())
			}
			if turns != 2 {
				t.Fatalf("%d turns, the context ended in the second", turns)
			}
		})
	}
}

func TestAStaleDeliveryStaysStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		w.publish("a")
		deliveries := make(chan *Delivery, 1)
		c := w.consumer(ConsumerConfig{ManualAck: true, Reconnect: Reconnect{Delay: time.Hour}})
		w.run(c, func(_ context.Context, d *Delivery) error { deliveries <- d; return nil })
		d := <-deliveries
		w.cut()
		time.Sleep(time.Second)
		for i := range 2 {
			if err := d.Ack(t.Context()); !errors.Is(err, ErrStaleDelivery) {
				t.Errorf("Ack %d returned %v", i+1, err)
			}
		}
		if s := c.Stats(); s.Stale != 1 {
			t.Errorf("counted %d times", s.Stale)
		}
	})
}

// Nobody knows the tags of frames that are no deliveries, so only a new
// connection empties the platform's window.
func TestUndecodableFramesDoNotFillTheWindowForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var conns atomic.Int32
		w := newPeer(t, func(c *socket.Conn) {
			conns.Add(1)
			for range 256 {
				_ = c.Write(context.Background(), socket.Text, []byte(`{"tag":"x","body":"ok"}`))
			}
			_, _, err := c.Read(context.Background())
			for err == nil {
				_, _, err = c.Read(context.Background())
			}
		})
		w.run(w.consumer(ConsumerConfig{}), func(context.Context, *Delivery) error { return nil })
		time.Sleep(time.Hour)
		if n := conns.Load(); n < 10 || n > 1000 {
			t.Errorf("%d connections in an hour", n)
		}
	})
}

// What was acknowledged will not come again: there is nothing to try again,
// and nothing to renew the connection for.
func TestAHandlerThatAcknowledgedAndFailedIsNotCalledAgain(t *testing.T) {
	ackAndFail := func(ctx context.Context, d *Delivery) error { return errors.Join(d.Ack(ctx), errHandler) }
	for name, tt := range map[string]struct {
		handle   Handler
		onGiveUp func(*Delivery, error) error
		calls    int
	}{
		"returned": {handle: ackAndFail, calls: 1},
		"panicked": {handle: func(ctx context.Context, d *Delivery) error { panic(d.Ack(ctx)) }, calls: 1},
		"ended its goroutine": {handle: func(ctx context.Context, d *Delivery) error {
			_ = d.Ack(ctx)
			runtime.Goexit()
			return nil
		}, calls: 1},
		"in OnGiveUp": {
			handle:   func(context.Context, *Delivery) error { return errHandler },
			onGiveUp: func(d *Delivery, err error) error { return ackAndFail(context.Background(), d) },
			calls:    3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, memory.Config{}, nil)
				w.publish("a")
				var calls atomic.Int32
				c := w.consumer(ConsumerConfig{ManualAck: true, OnGiveUp: tt.onGiveUp})
				w.run(c, func(ctx context.Context, d *Delivery) error { calls.Add(1); return tt.handle(ctx, d) })
				time.Sleep(5 * time.Minute)
				if s := c.Stats(); int(calls.Load()) != tt.calls || s.Renewals != 0 || s.Acked != 1 {
					t.Errorf("%d calls, %+v", calls.Load(), s)
				}
			})
		})
	}
}

func TestAPanicWithAnErrorUnwraps(t *testing.T) {
	if !errors.Is(&PanicError{Value: io.EOF}, io.EOF) {
		t.Error("the error is hidden")
	}
	if err := (&PanicError{Value: "text"}).Unwrap(); err != nil {
		t.Errorf("a text became %v", err)
	}
}

func TestADeliveryWithoutTimeHasTheZeroTime(t *testing.T) {
	if d := newDelivery(&wire.Delivery{}); !d.Time.IsZero() {
		t.Error(d.Time)
	}
	if d := newDelivery(&wire.Delivery{Time: 1}); !d.Time.Equal(time.Unix(1, 0)) {
		t.Error(d.Time)
	}
}
