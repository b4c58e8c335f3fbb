package prismtest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/platform/memory"
	"github.com/shopex/prism-go/prismtest"
)

var oneMessage = memory.Config{MaxMessages: 1}

// fastRetry lets tests over TCP, where time is real, not wait for a backoff.
func fastRetry() notify.ConsumerConfig {
	return notify.ConsumerConfig{Reconnect: notify.Reconnect{Delay: time.Millisecond}}
}

func TestCutReturnsWhatWasUnacknowledged(t *testing.T) {
	forms(t, func(t *testing.T, cfg prismtest.Config) {
		srv := prismtest.NewServerConfig(t, cfg)
		leave := make(chan struct{})
		stop := consume(t, srv, notify.ConsumerConfig{Reconnect: notify.Reconnect{Delay: time.Hour}}, func(context.Context, *notify.Delivery) error {
			<-leave
			return nil
		})
		srv.Publish("order.new", "hello")
		srv.WaitDeliveries(1)
		if n := srv.Cut(); n != 1 {
			t.Errorf("%d connections were cut, want 1", n)
		}
		if s := srv.Status(""); s.Ready != 1 || s.Unacknowledged != 0 || s.Consumers != 0 {
			t.Errorf("right after Cut: %+v", s)
		}
		if c := srv.Connections(); c[0].Live || c[0].Reason == "" {
			t.Errorf("the connection is %+v", c[0])
		}
		close(leave)
		stop()
	})
}

// Every message that was confirmed arrives, although connections are cut all
// the time in the midst of messages.
func TestNothingConfirmedIsLostByCuts(t *testing.T) {
	forms(t, func(t *testing.T, cfg prismtest.Config) {
		srv := prismtest.NewServerConfig(t, cfg)
		var mu sync.Mutex
		handled := map[string]bool{}
		for range 2 {
			consume(t, srv, fastRetry(), func(_ context.Context, d *notify.Delivery) error {
				mu.Lock()
				defer mu.Unlock()
				handled[string(d.Body)] = true
				return nil
			})
		}
		const publishers, each = 3, 200
		var publishing sync.WaitGroup
		for p := range publishers {
			pub, err := notify.NewPublisher(srv.Client(), notify.PublisherConfig{Reconnect: notify.Reconnect{Delay: time.Millisecond}})
			if err != nil {
				t.Fatal(err)
			}
			publishing.Go(func() {
				defer pub.Close(context.Background())
				for i := range each {
					if err := pub.Publish(t.Context(), "order.new", fmt.Appendf(nil, "%d-%d", p, i)); err != nil {
						t.Errorf("Publish: %v", err)
						return
					}
				}
			})
		}
		for round := 1; round <= 20; round++ {
			srv.WaitPublished(round * publishers * each / 25)
			srv.Cut()
		}
		publishing.Wait()
		srv.WaitUntil("an empty queue", func() bool { return srv.Depth("") == 0 })
		mu.Lock()
		defer mu.Unlock()
		if len(handled) != publishers*each {
			t.Errorf("%d of %d messages were handled", len(handled), publishers*each)
		}
	})
}

func TestCallsFailWhileCutAndWorkAfterwards(t *testing.T) {
	forms(t, func(t *testing.T, cfg prismtest.Config) {
		srv := prismtest.NewServerConfig(t, cfg)
		client := srv.Client()
		entered := make(chan struct{})
		srv.Handle("slow", func(_ http.ResponseWriter, r *http.Request) { close(entered); <-r.Context().Done() })
		failed := make(chan error)
		go func() {
			_, err := client.Get(t.Context(), "slow", nil)
			failed <- err
		}()
		<-entered
		srv.Cut()
		if err := <-failed; err == nil {
			t.Error("a call survived the cut")
		}
		if _, err := client.Get(t.Context(), "platform/notify/status", nil); err != nil {
			t.Error(err)
		}
	})
}

func TestAStalledConnectionIsSilentUntilItResumes(t *testing.T) {
	forms(t, func(t *testing.T, cfg prismtest.Config) {
		srv := prismtest.NewServerConfig(t, cfg)
		consume(t, srv, fastRetry(), accept)
		srv.WaitConnections(1)
		pub := publisher(t, srv)
		if err := pub.Publish(t.Context(), "a", nil); err != nil {
			t.Fatal(err)
		}
		srv.WaitAcks(1)
		if n := srv.Stall(); n != 2 {
			t.Errorf("%d connections are stalled, want 2", n)
		}
		published := make(chan error, 1)
		go func() { published <- pub.Publish(context.Background(), "b", nil) }()

		// A new connection works, and shows that the others do not.
		third := publisher(t, srv)
		if err := third.Publish(t.Context(), "c", nil); err != nil {
			t.Fatal(err)
		}
		srv.WaitDeliveries(2)
		if p := srv.Published(); len(p) != 2 || p[1].Message.Key != "c" {
			t.Errorf("published: %+v", p)
		}
		if n := len(srv.Acks()); n != 1 {
			t.Errorf("%d acknowledgements, want the one from before", n)
		}
		srv.Resume()
		if err := <-published; err != nil {
			t.Error(err)
		}
		srv.WaitAcks(3)
		if n := len(srv.Connections()); n != 3 {
			t.Errorf("%d connections were made, want 3", n)
		}
	})
}

func TestAFrozenPlatformAnswersNobody(t *testing.T) {
	forms(t, func(t *testing.T, cfg prismtest.Config) {
		srv := prismtest.NewServerConfig(t, cfg)
		clientCfg := srv.ClientConfig()
		clientCfg.Timeout = 50 * time.Millisecond
		client, err := prism.New(clientCfg)
		if err != nil {
			t.Fatal(err)
		}
		srv.Freeze()
		if _, err := client.Get(t.Context(), "platform/notify/status", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v", err)
		}
		srv.Resume()
		if _, err := client.Get(t.Context(), "platform/notify/status", nil); err != nil {
			t.Error(err)
		}
	})
}

func TestRefusedConnections(t *testing.T) {
	forms(t, func(t *testing.T, cfg prismtest.Config) {
		srv := prismtest.NewServerConfig(t, cfg)
		clientCfg := srv.ClientConfig()
		clientCfg.Retry.Tries = 1
		client, err := prism.New(clientCfg)
		if err != nil {
			t.Fatal(err)
		}
		srv.Refuse(true)
		if _, err := client.Get(t.Context(), "platform/notify/status", nil); err == nil {
			t.Error("a new connection was not refused")
		}
		srv.Refuse(false)
		if _, err := client.Get(t.Context(), "platform/notify/status", nil); err != nil {
			t.Error(err)
		}
		srv.Refuse(true)
		if _, err := client.Get(t.Context(), "platform/notify/status", nil); err != nil {
			t.Errorf("a connection from before was refused: %v", err)
		}
	})
}

func TestDuplicatesAreDelivered(t *testing.T) {
	srv := prismtest.NewServer(t)
	var handled atomic.Int64
	consume(t, srv, fastRetry(), func(context.Context, *notify.Delivery) error { handled.Add(1); return nil })
	srv.Duplicate(2)
	srv.Publish("a", "twice")
	srv.Write("", "twice")
	srv.Publish("b", "once")
	srv.WaitAcks(5)
	if n := handled.Load(); n != 5 {
		t.Errorf("%d deliveries, want 5", n)
	}
}

func TestLostAcksAreRedelivered(t *testing.T) {
	srv := prismtest.NewServer(t)
	consume(t, srv, fastRetry(), accept)
	srv.LoseAcks(1)
	srv.Publish("a", "hello")
	srv.WaitAcks(1)
	if srv.Depth("") != 1 {
		t.Error("the ack was not lost")
	}
	srv.Cut()
	srv.WaitAcks(2)
	srv.WaitUntil("an empty queue", func() bool { return srv.Depth("") == 0 })
}

func TestRestartKeepsMessagesAndNumbersConnectionsOn(t *testing.T) {
	forms(t, func(t *testing.T, cfg prismtest.Config) {
		srv := prismtest.NewServerConfig(t, cfg)
		srv.Publish("a", "parked")
		first := true
		held := make(chan struct{})
		consume(t, srv, fastRetry(), func(ctx context.Context, d *notify.Delivery) error {
			if first {
				first = false
				<-held
			}
			return nil
		})
		srv.WaitDeliveries(1)
		for range 2 {
			n := len(srv.Connections())
			srv.Restart()
			srv.WaitConnected(n + 1)
			srv.WaitConnections(1)
		}
		close(held)
		srv.WaitUntil("an empty queue", func() bool { return srv.Depth("") == 0 })
		conns := srv.Connections()
		mustContain(t, conns[0].Reason, "shutting down")
		for i, c := range conns {
			if c.ID != uint64(i+1) {
				t.Errorf("connection %d has the number %d", i+1, c.ID)
			}
		}
	})
}

func TestTheClockMovesBothWaysAndClientsHeal(t *testing.T) {
	srv := prismtest.NewServer(t)
	client := srv.Client()
	consume(t, srv, fastRetry(), accept)
	for i, move := range []time.Duration{26 * time.Hour, -78 * time.Hour, 52 * time.Hour} {
		srv.WaitConnections(1)
		before := srv.Now()
		srv.Advance(move)
		if got := srv.Now().Sub(before) - move; got.Abs() > time.Minute {
			t.Errorf("the clock is %v from where it should be", got)
		}
		if _, err := client.Get(t.Context(), "platform/notify/status", nil); err != nil {
			t.Error(err)
		}
		srv.Cut() // so that the consumer needs a signature, too
		srv.WaitConnected(i + 2)
		srv.Publish("a", "hello")
		acks := srv.WaitAcks(i + 1)
		if sent := acks[i].Message.Time; sent.Sub(srv.Now()).Abs() > time.Minute {
			t.Errorf("the message is from %v", sent)
		}
	}
	calls := srv.WaitCalls(6, "platform/notify/status")
	for i, want := range []int{401, 200, 401, 200, 401, 200} {
		if calls[i].Status != want {
			t.Errorf("call %d ended with %d, want %d", i+1, calls[i].Status, want)
		}
	}
}
