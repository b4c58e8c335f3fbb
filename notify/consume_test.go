package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

var errHandler = errors.New("the handler failed")

func TestOneWorkerKeepsTheOrderAndAcksAfterNil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		var want, got []string
		for i := range 1000 {
			want = append(want, fmt.Sprint(i))
		}
		w.publish(want...)
		stop := w.run(w.consumer(ConsumerConfig{}), func(_ context.Context, d *Delivery) error {
			got = append(got, string(d.Body))
			return nil
		})
		synctest.Wait()
		if s := w.status(); s.Ready+s.Unacknowledged != 0 {
			t.Errorf("not acknowledged: %+v", s)
		}
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("order lost, %d deliveries", len(got))
		}
	})
}

func TestADeliveryCarriesWhatWasPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		body := []byte("any \x00\xff bytes \"中文\"\n")
		if err := w.publisher(PublisherConfig{}).PublishMessage(t.Context(), Message{Key: "order.new", Body: body, ContentType: "text/x"}); err != nil {
			t.Fatal(err)
		}
		var d *Delivery
		stop := w.run(w.consumer(ConsumerConfig{}), func(_ context.Context, got *Delivery) error { d = got; return nil })
		synctest.Wait()
		_ = stop()
		if d == nil || d.Key != "order.new" || d.ContentType != "text/x" || string(d.Body) != string(body) || d.Tag != 1 ||
			d.App != "test" || d.ClientID != testKey || !d.Time.Equal(time.Now().Truncate(time.Second)) {
			t.Errorf("got %+v", d)
		}
	})
}

func TestAFailedDeliveryIsTriedAgainHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		w.publish("a")
		calls := 0
		c := w.consumer(ConsumerConfig{})
		stop := w.run(c, func(context.Context, *Delivery) error {
			if calls++; calls < 3 {
				return errHandler
			}
			return nil
		})
		time.Sleep(time.Second)
		synctest.Wait()
		if s := w.status(); s.Unacknowledged != 0 || calls != 3 {
			t.Errorf("%d calls, %+v", calls, s)
		}
		_ = stop()
		if s := c.Stats(); s.Failed != 2 || s.Acked != 1 || s.Connects != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestAParkedDeliveryIsAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		w.publish("bad", "good")
		var parked, handled []string
		c := w.consumer(ConsumerConfig{Attempts: 2, OnGiveUp: func(d *Delivery, err error) error {
			var p *PanicError
			if !errors.As(err, &p) || !strings.Contains(string(p.Stack), "consume_test") {
				t.Errorf("given up for %v", err)
			}
			parked = append(parked, string(d.Body))
			return nil
		}})
		stop := w.run(c, func(_ context.Context, d *Delivery) error {
			if string(d.Body) == "bad" {
				panic("as it happens")
			}
			handled = append(handled, string(d.Body))
			return nil
		})
		time.Sleep(time.Second)
		synctest.Wait()
		if s := w.status(); s.Ready+s.Unacknowledged != 0 || len(parked) != 1 || len(handled) != 1 {
			t.Errorf("parked %v, handled %v, %+v", parked, handled, s)
		}
		_ = stop()
		if !strings.Contains(w.log.String(), "as it happens") || !strings.Contains(w.log.String(), "stack=") {
			t.Error("the panic is not in the log")
		}
	})
}

func TestWhatIsParkedComesBackAsItCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		queues := NewQueueClient(w.client)
		m := &platform.Message{Key: "order.new", ContentType: "text/csv", ClientID: testKey, App: "test", Time: time.Now(), Body: []byte("a\xff\x00,b")}
		if _, err := w.queues.Publish(t.Context(), exchange, m); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // so that the time of parking is another
		same := func(d *Delivery) bool {
			return d.Key == m.Key && d.ContentType == m.ContentType && d.ClientID == m.ClientID && d.App == m.App && d.Time.Equal(m.Time) && bytes.Equal(d.Body, m.Body)
		}
		stop := w.run(w.consumer(ConsumerConfig{Attempts: 1, OnGiveUp: func(d *Delivery, _ error) error { return queues.Forward(t.Context(), "failed", d) }}),
			func(context.Context, *Delivery) error { return errors.New("out of paper") })
		time.Sleep(time.Second)
		synctest.Wait()
		_ = stop()
		if log := w.log.String(); !strings.Contains(log, "put aside") || !strings.Contains(log, "order.new") || !strings.Contains(log, "out of paper") {
			t.Errorf("the log does not say that it was put aside:\n%s", log)
		}

		stop = w.run(w.consumer(ConsumerConfig{Topic: "failed"}), func(ctx context.Context, d *Delivery) error {
			if !same(d) {
				t.Errorf("parked as %+v", d)
			}
			return errors.Join(queues.PublishMessage(ctx, Message{Key: d.Key, ContentType: d.ContentType, Body: d.Body}), queues.Forward(ctx, "once more", d))
		})
		time.Sleep(time.Second)
		synctest.Wait()
		_ = stop()
		again, err := w.queues.Read(t.Context(), testKey, "", 10)
		if err != nil || len(again) != 1 || again[0].Key != m.Key || again[0].ContentType != m.ContentType || !bytes.Equal(again[0].Body, m.Body) {
			t.Errorf("published again: %v, %v", again, err)
		}
		moved, err := w.queues.Read(t.Context(), testKey, "once more", 10)
		if err != nil || len(moved) != 1 || moved[0].Key != m.Key || !moved[0].Time.Equal(m.Time) {
			t.Errorf("put back: %v, %v", moved, err)
		}
		if err := queues.Forward(t.Context(), "", &Delivery{Key: "order.new"}); err == nil {
			t.Error("put into no queue")
		}
	})
}

func TestAHandlerThatEndsItsGoroutineCostsNoWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		w.publish("a", "b")
		calls := 0
		stop := w.run(w.consumer(ConsumerConfig{}), func(context.Context, *Delivery) error {
			if calls++; calls == 1 {
				runtime.Goexit()
			}
			return nil
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := w.status(); s.Ready+s.Unacknowledged != 0 || calls != 3 {
			t.Errorf("%d calls, %+v", calls, s)
		}
		_ = stop()
	})
}

// A delivery that is given up comes again, while the others are handled once. A platform
// that counts no attempts gives it over a renewed connection, and a handler that runs
// meanwhile is waited for.
func TestGivenUpDeliveriesComeAgain(t *testing.T) {
	for name, p := range map[string]struct {
		world              func(*testing.T) *world
		renewals, returned int64
	}{
		"the platform counts attempts": {func(t *testing.T) *world { return newWorld(t, memory.Config{}, nil) }, 0, 4},
		"it counts none":               {func(t *testing.T) *world { return newEarlierWorld(t, memory.Config{}) }, 4, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := p.world(t)
				w.publish("bad", "slow", "good")
				var mu sync.Mutex
				seen := map[string]int{}
				c := w.consumer(ConsumerConfig{Attempts: 1, Workers: 2})
				stop := w.run(c, func(_ context.Context, d *Delivery) error {
					mu.Lock()
					seen[string(d.Body)]++
					n := seen[string(d.Body)]
					mu.Unlock()
					if d.Attempt > 0 && string(d.Body) == "bad" && d.Attempt != n {
						t.Errorf("the platform calls attempt %d the number %d", n, d.Attempt)
					}
					switch {
					case string(d.Body) == "slow":
						time.Sleep(20 * time.Second)
					case string(d.Body) == "bad" && n < 5:
						return errHandler
					}
					return nil
				})
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				if s := w.status(); s.Ready+s.Unacknowledged != 0 {
					t.Errorf("left in the queue: %+v", s)
				}
				_ = stop()
				if seen["bad"] != 5 || seen["good"] != 1 || seen["slow"] != 1 {
					t.Errorf("handled %v", seen)
				}
				if s := c.Stats(); s.Renewals != p.renewals || s.Returned != p.returned || s.Stale != 0 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// All fail: the window never fills up with them, nothing is lost, and no
// renewal counts as a failure to connect.
func TestGivenUpDeliveriesDoNotFillTheWindow(t *testing.T) {
	for name, world := range map[string]func(*testing.T) *world{
		"the platform counts attempts": func(t *testing.T) *world { return newWorld(t, memory.Config{}, nil) },
		"it counts none":               func(t *testing.T) *world { return newEarlierWorld(t, memory.Config{}) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := world(t)
				for i := range 300 {
					w.publish(fmt.Sprint("bad", i))
				}
				w.publish("good")
				var good atomic.Int32
				c := w.consumer(ConsumerConfig{Attempts: 1, Reconnect: Reconnect{MaxFailures: 1}})
				start := time.Now()
				stop := w.run(c, func(_ context.Context, d *Delivery) error {
					if string(d.Body) == "good" {
						good.Add(1)
						return nil
					}
					if time.Since(start) < 10*time.Minute {
						return errHandler
					}
					return nil
				})
				time.Sleep(time.Hour)
				synctest.Wait()
				if s := w.status(); s.Ready+s.Unacknowledged != 0 || good.Load() != 1 {
					t.Errorf("left in the queue: %+v; good handled %d times", s, good.Load())
				}
				if err := stop(); !errors.Is(err, context.Canceled) {
					t.Errorf("Run ended with %v", err)
				}
			})
		})
	}
}

func TestRunReturnsWithinASecond(t *testing.T) {
	for name, world := range map[string]func(*testing.T) *world{
		"idle": func(t *testing.T) *world { return newWorld(t, memory.Config{}, nil) },
		"the platform is stalled": func(t *testing.T) *world {
			return newPeer(t, func(c *socket.Conn) { <-c.Done() })
		},
		"dialling": func(t *testing.T) *world {
			w := newWorld(t, memory.Config{}, nil)
			w.hang = true
			return w
		},
		"backing off": func(t *testing.T) *world {
			w := newWorld(t, memory.Config{}, nil)
			w.setDown(true)
			return w
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := world(t)
				stop := w.run(w.consumer(ConsumerConfig{PongTimeout: time.Hour, PingInterval: 2 * time.Hour}), func(context.Context, *Delivery) error { return nil })
				time.Sleep(20 * time.Second)
				began := time.Now()
				if err := stop(); !errors.Is(err, context.Canceled) {
					t.Errorf("Run returned %v", err)
				}
				if took := time.Since(began); took > time.Second {
					t.Errorf("Run took %v to return", took)
				}
				w.cut()
			})
		})
	}
}

// Shutdown: nothing new is handled, what runs is finished and acknowledged,
// then hands are shaken.
func TestHandlersInFlightFinishAndTheirAcksArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reasons []string
		w := newWorld(t, memory.Config{}, func(cfg *platform.Config) {
			cfg.Trace = &platform.Trace{Disconnect: func(_ platform.Conn, reason string) { reasons = append(reasons, reason) }}
		})
		w.publish("a", "b", "c")
		var cancelled, handled atomic.Int32
		stop := w.run(w.consumer(ConsumerConfig{Workers: 2, Grace: time.Minute}), func(ctx context.Context, d *Delivery) error {
			time.Sleep(30 * time.Second)
			if ctx.Err() != nil {
				cancelled.Add(1)
			}
			handled.Add(1)
			return nil
		})
		time.Sleep(time.Second)
		began := time.Now()
		if err := stop(); !errors.Is(err, context.Canceled) || errors.Is(err, ErrHandlerStuck) {
			t.Errorf("Run returned %v", err)
		}
		if took := time.Since(began); took < 29*time.Second || took > 31*time.Second {
			t.Errorf("Run took %v", took)
		}
		synctest.Wait()
		if s := w.status(); s.Ready != 1 || s.Unacknowledged != 0 || handled.Load() != 2 || cancelled.Load() != 0 {
			t.Errorf("%+v, %d handled, %d cancelled", s, handled.Load(), cancelled.Load())
		}
		if len(reasons) != 1 || !strings.Contains(reasons[0], "1000") {
			t.Errorf("closed with %q", reasons)
		}
	})
}

func TestAfterTheGracePeriodHandlersAreCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		w.publish("a")
		stop := w.run(w.consumer(ConsumerConfig{}), func(ctx context.Context, d *Delivery) error {
			<-ctx.Done()
			return ctx.Err()
		})
		time.Sleep(time.Second)
		began := time.Now()
		if err := stop(); !errors.Is(err, context.Canceled) || errors.Is(err, ErrHandlerStuck) {
			t.Errorf("Run returned %v", err)
		}
		if took := time.Since(began); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("Run took %v", took)
		}
		if s := w.status(); s.Ready != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestAStuckHandlerIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		w.publish("a")
		release := make(chan struct{})
		stop := w.run(w.consumer(ConsumerConfig{}), func(ctx context.Context, d *Delivery) error { <-release; return nil })
		time.Sleep(time.Second)
		began := time.Now()
		if err := stop(); !errors.Is(err, ErrHandlerStuck) || !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
		if took := time.Since(began); took > 13*time.Second {
			t.Errorf("Run took %v", took)
		}
		close(release)
	})
}

func TestAStaleAckIsATypedErrorAndWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		w.publish("a")
		var first *Delivery
		got := 0
		c := w.consumer(ConsumerConfig{ManualAck: true, Reconnect: Reconnect{Delay: time.Second}})
		stop := w.run(c, func(ctx context.Context, d *Delivery) error {
			if got++; got == 1 {
				first = d
			}
			return nil
		})
		synctest.Wait()
		w.cut()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if err := first.Ack(t.Context()); !errors.Is(err, ErrStaleDelivery) {
			t.Errorf("Ack returned %v", err)
		}
		synctest.Wait()
		if s := w.status(); got != 2 || s.Unacknowledged != 1 {
			t.Errorf("delivered %d times, %+v: the ack hit another connection's message", got, s)
		}
		_ = stop()
		if err := new(Delivery).Ack(t.Context()); !errors.Is(err, ErrStaleDelivery) {
			t.Errorf("Ack of nothing returned %v", err)
		}
	})
}

// A peer that stalls sends no FIN. It is replaced within two ping intervals.
func TestASilentPeerIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dials atomic.Int32
		w := newPeer(t, func(c *socket.Conn) {
			dials.Add(1)
			<-c.Done() // reads nothing, answers nothing
		})
		var lost []error
		c := w.consumer(ConsumerConfig{OnDisconnect: func(err error) { lost = append(lost, err) }, Reconnect: Reconnect{Delay: time.Second}})
		stop := w.run(c, func(context.Context, *Delivery) error { return nil })
		time.Sleep(60 * time.Second)
		w.cut()
		_ = stop()
		if dials.Load() < 2 || !errors.Is(lost[0], ErrNoPong) {
			t.Errorf("%d connections, lost to %v", dials.Load(), lost)
		}
	})
}

// The window is full for long: reading stops, which is no reason to think the
// peer dead, and nothing is dropped.
func TestAFullWindowDropsNothingAndKeepsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, func(cfg *platform.Config) { cfg.Limits.Window = 1000; cfg.WriteTimeout = time.Hour })
		for i := range 50 {
			w.publish(fmt.Sprint(i))
		}
		var handled atomic.Int32
		c := w.consumer(ConsumerConfig{Window: 4})
		stop := w.run(c, func(context.Context, *Delivery) error {
			time.Sleep(time.Minute)
			handled.Add(1)
			return nil
		})
		time.Sleep(51 * time.Minute)
		synctest.Wait()
		if s := c.Stats(); handled.Load() != 50 || s.Connects != 1 {
			t.Errorf("handled %d, %+v", handled.Load(), s)
		}
		_ = stop()
	})
}

func TestADeliveryLargerThanTheWindowIsHandledAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		w.publish(strings.Repeat("x", 5000), strings.Repeat("y", 5000))
		var handled atomic.Int32
		stop := w.run(w.consumer(ConsumerConfig{WindowBytes: 100}), func(context.Context, *Delivery) error { handled.Add(1); return nil })
		synctest.Wait()
		_ = stop()
		if handled.Load() != 2 {
			t.Errorf("handled %d of 2", handled.Load())
		}
	})
}

func TestPingsAreAnsweredWhileAllHandlersAreBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answered := make(chan time.Duration, 1)
		w := newPongPeer(t, func(c *socket.Conn, pong <-chan struct{}) {
			go func() {
				for {
					if _, _, err := c.Read(context.Background()); err != nil {
						return
					}
				}
			}()
			for tag := range 100 {
				_ = c.Write(context.Background(), socket.Text, wire.AppendDelivery(nil, &wire.Delivery{Tag: uint64(tag), Key: "k"}))
			}
			began := time.Now()
			_ = c.Ping(context.Background(), []byte("x"))
			<-pong
			answered <- time.Since(began)
			<-c.Done()
		})
		stop := w.run(w.consumer(ConsumerConfig{Grace: time.Second}), func(ctx context.Context, _ *Delivery) error { <-ctx.Done(); return nil })
		if took := <-answered; took > time.Second {
			t.Errorf("pong after %v", took)
		}
		_ = stop()
		w.cut()
	})
}

func TestRunEndsAtOnceWhereNoRetryHelps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		for name, change := range map[string]func(*prism.Config){
			"unknown key":  func(c *prism.Config) { c.Key = "nobody" },
			"wrong secret": func(c *prism.Config) { c.Secret = "wrong" },
		} {
			cfg := prism.Config{Server: "http://platform.test/api", Key: testKey, Secret: testSecret, HTTPClient: w.http()}
			change(&cfg)
			client, err := prism.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			c, err := NewConsumer(client, ConsumerConfig{})
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			err = c.Run(t.Context(), func(context.Context, *Delivery) error { return nil })
			if !errors.Is(err, prism.ErrUnauthorized) || time.Since(began) > time.Second {
				t.Errorf("%s: Run returned %v after %v", name, err, time.Since(began))
			}
			cfg.HTTPClient.CloseIdleConnections()
		}
	})
}

func TestRetryTimesAreConsecutiveFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		failures := 0
		c := w.consumer(ConsumerConfig{Reconnect: Reconnect{MaxFailures: 3, Delay: time.Minute}, OnError: func(error) { failures++ }})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		result := make(chan error, 1)
		go func() { result <- c.Run(ctx, func(context.Context, *Delivery) error { return nil }) }()
		synctest.Wait()
		began := time.Now()
		w.setDown(true)
		w.cut()
		time.Sleep(2*time.Minute + time.Second) // three failures
		w.setDown(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		if !c.Stats().Connected || failures != 3 {
			t.Fatalf("not connected again, %d failures", failures)
		}
		w.setDown(true)
		w.cut()
		err := <-result
		if !errors.Is(err, ErrRetriesExhausted) || !strings.Contains(err.Error(), "network is down") {
			t.Errorf("Run returned %v", err)
		}
		if took := time.Since(began); took != 6*time.Minute+time.Second {
			t.Errorf("gave up after %v", took)
		}
	})
}

func TestEveryReconnectConsumesTheTopicAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var connects atomic.Int32
		w := newWorld(t, memory.Config{}, nil)
		var handled atomic.Int32
		c := w.consumer(ConsumerConfig{Topic: "messages", OnConnect: func() { connects.Add(1) }})
		stop := w.run(c, func(context.Context, *Delivery) error { handled.Add(1); return nil })
		synctest.Wait()
		for range 20 {
			w.cut()
			time.Sleep(time.Minute)
			synctest.Wait()
			if err := w.queues.Write(t.Context(), testKey, "messages", &platform.Message{Body: []byte("x")}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		_ = stop()
		if handled.Load() != 20 || connects.Load() != 21 {
			t.Errorf("handled %d, %d connections", handled.Load(), connects.Load())
		}
	})
}

func TestARefusedClockIsCorrectedBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var skew atomic.Int64
		w := newWorld(t, memory.Config{}, func(cfg *platform.Config) {
			cfg.Now = func() time.Time { return time.Now().Add(time.Duration(skew.Load())) }
		})
		c := w.consumer(ConsumerConfig{Reconnect: Reconnect{MaxFailures: 1, Delay: time.Second}})
		stop := w.run(c, func(context.Context, *Delivery) error { return nil })
		for i, d := range []time.Duration{0, 48 * time.Hour, -48 * time.Hour, 0} {
			skew.Store(int64(d))
			w.cut()
			time.Sleep(5 * time.Second)
			synctest.Wait()
			if !c.Stats().Connected {
				t.Errorf("step %d: not connected with the clock %v off", i, d)
			}
		}
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestASecondRunIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		c := w.consumer(ConsumerConfig{})
		stop := w.run(c, func(context.Context, *Delivery) error { return nil })
		synctest.Wait()
		if err := c.Run(t.Context(), func(context.Context, *Delivery) error { return nil }); !errors.Is(err, ErrRunning) {
			t.Errorf("a second Run returned %v", err)
		}
		_ = stop()
		stop = w.run(c, func(context.Context, *Delivery) error { return nil })
		synctest.Wait()
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("a Run after the first returned %v", err)
		}
	})
}

func TestDeliveriesAsALoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		w.publish("a", "b", "c", "d")
		c := w.consumer(ConsumerConfig{})
		var got []string
		for d, err := range c.Deliveries(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(d.Body))
			if len(got) == 3 {
				break
			}
			if err := d.Ack(t.Context()); err != nil {
				t.Error(err)
			}
		}
		synctest.Wait()
		if s := w.status(); s.Ready != 2 || strings.Join(got, "") != "abc" {
			t.Errorf("got %v, %+v", got, s)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for d, err := range c.Deliveries(ctx) {
			if err != nil {
				t.Errorf("the end of ctx is no error: %v", err)
			} else if err := d.Ack(ctx); err != nil {
				t.Error(err)
			}
		}
		if s := w.status(); s.Ready != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestALoopsBodyFinishesAndItsAckArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		w.publish("a", "b")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		turns := 0
		for d, err := range w.consumer(ConsumerConfig{}).Deliveries(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			turns++
			cancel()
			time.Sleep(5 * time.Second)
			if err := d.Ack(context.Background()); err != nil {
				t.Errorf("Ack within the grace period: %v", err)
			}
		}
		synctest.Wait()
		if s := w.status(); turns != 1 || s.Ready != 1 || s.Unacknowledged != 0 {
			t.Errorf("%d turns, %+v", turns, s)
		}
	})
}

func TestDeliveriesEndWithTheErrorThatNothingCures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPeer(t, func(c *socket.Conn) {
			_ = c.Close(context.Background(), socket.PolicyViolation, "no such topic for you")
		})
		var last error
		n := 0
		for _, err := range w.consumer(ConsumerConfig{Topic: "secret"}).Deliveries(t.Context()) {
			last = err
			n++
		}
		if n != 1 || last == nil || !strings.Contains(last.Error(), "no such topic for you") {
			t.Errorf("%d turns, the last with %v", n, last)
		}
	})
}

// Callbacks may use the consumer: no lock is held.
func TestCallbacksMayLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		w.publish("a")
		var c *Consumer
		look := func() { _ = c.Stats() }
		c = w.consumer(ConsumerConfig{
			Attempts: 1, OnConnect: look, OnDisconnect: func(error) { look() }, OnError: func(error) { look() },
			OnGiveUp: func(d *Delivery, _ error) error { look(); return d.Ack(t.Context()) },
		})
		stop := w.run(c, func(context.Context, *Delivery) error { return errHandler })
		synctest.Wait()
		w.cut()
		time.Sleep(time.Minute)
		_ = stop()
		if s := c.Stats(); s.Acked != 1 || s.GivenUp != 1 || s.Connects != 2 {
			t.Errorf("%+v", s)
		}
	})
}

func TestAFrameThatIsNoDeliveryHarmsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPeer(t, func(c *socket.Conn) {
			_ = c.Write(context.Background(), socket.Text, []byte(`{"hello":1}`))
			_ = c.Write(context.Background(), socket.Text, []byte(`{"tag":1,"body":"ok"}`))
			for {
				if _, _, err := c.Read(context.Background()); err != nil {
					return
				}
			}
		})
		var got []string
		c := w.consumer(ConsumerConfig{})
		stop := w.run(c, func(_ context.Context, d *Delivery) error { got = append(got, string(d.Body)); return nil })
		synctest.Wait()
		_ = stop()
		if s := c.Stats(); len(got) != 1 || s.Undecodable != 1 {
			t.Errorf("got %v, %+v", got, s)
		}
	})
}

func TestImpossibleConfigurationsAreRefused(t *testing.T) {
	w := newWorld(t, memory.Config{}, nil)
	for want, cfg := range map[string]ConsumerConfig{
		"Workers":      {Workers: -1},
		"Window":       {Window: -1},
		"Attempts":     {Attempts: -1},
		"Grace":        {Grace: -1},
		"Reconnect":    {Reconnect: Reconnect{MaxFailures: -1}},
		"PingInterval": {PingInterval: -1},
		"topic":        {Topic: strings.Repeat("x", 257)},
	} {
		if _, err := NewConsumer(w.client, cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := NewConsumer(nil, ConsumerConfig{}); err == nil {
		t.Error("a nil client was accepted")
	}
	if err := w.consumer(ConsumerConfig{}).Run(t.Context(), nil); err == nil {
		t.Error("a nil handler was accepted")
	}
	if _, err := NewPublisher(w.client, PublisherConfig{MaxUnconfirmed: -1}); err == nil || !strings.Contains(err.Error(), "MaxUnconfirmed") {
		t.Errorf("MaxUnconfirmed: %v", err)
	}
}
