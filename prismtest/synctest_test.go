package prismtest_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/prismtest"
)

func inBubble(t *testing.T, test func(*testing.T, *prismtest.Server)) {
	synctest.Test(t, func(t *testing.T) {
		test(t, prismtest.NewServerConfig(t, prismtest.Config{Pipe: true, Patience: time.Hour}))
	})
}

func TestAWholeStoryInVirtualTime(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *prismtest.Server) {
		var handled atomic.Int64
		stop := consume(t, srv, notify.ConsumerConfig{}, func(context.Context, *notify.Delivery) error {
			handled.Add(1)
			return nil
		})
		pub := publisher(t, srv)
		if err := pub.Publish(t.Context(), "order.new", []byte("one")); err != nil {
			t.Fatal(err)
		}
		srv.WaitAcks(1)
		time.Sleep(3 * time.Hour) // hundreds of pings
		if n := len(srv.Connections()); n != 2 {
			t.Errorf("%d connections after three quiet hours, want 2", n)
		}
		if n := srv.Cut(); n != 2 {
			t.Errorf("%d connections were cut, want 2", n)
		}
		if err := pub.Publish(t.Context(), "order.new", []byte("two")); err != nil {
			t.Fatal(err)
		}
		srv.WaitAcks(2)
		srv.WaitConnections(2)
		if _, err := srv.Client().Get(t.Context(), "platform/notify/status", nil); err != nil {
			t.Error(err)
		}
		stop()
		srv.WaitConnections(1)
		synctest.Wait()
		if n := handled.Load(); n != 2 {
			t.Errorf("%d messages were handled, want 2", n)
		}
	})
}

func TestAStalledPlatformIsNoticedWithinTwoPings(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *prismtest.Server) {
		const interval = 30 * time.Second
		consume(t, srv, notify.ConsumerConfig{PingInterval: interval}, accept)
		srv.WaitConnections(1)
		time.Sleep(47 * time.Second) // somewhere between two pings
		began := time.Now()
		srv.Stall()
		srv.WaitConnected(2)
		if took := time.Since(began); took > 2*interval || took < time.Second {
			t.Errorf("noticed after %v", took)
		}
		srv.Publish("order.new", "hello")
		srv.WaitAcks(1)
	})
}

// The platform, for its part, notices a consumer that it cannot reach, and gives
// its messages to another one.
func TestTheMessagesOfAStalledConsumerComeToAnother(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *prismtest.Server) {
		leave := make(chan struct{})
		consume(t, srv, notify.ConsumerConfig{Reconnect: notify.Reconnect{Delay: 24 * time.Hour}}, func(context.Context, *notify.Delivery) error {
			<-leave
			return nil
		})
		srv.Publish("order.new", "hello")
		srv.WaitDeliveries(1)
		srv.Stall()
		consume(t, srv, notify.ConsumerConfig{}, accept)
		acks := srv.WaitAcks(1)
		if acks[0].Conn != 2 {
			t.Errorf("acknowledged over connection %d, want 2", acks[0].Conn)
		}
		close(leave)
	})
}

func TestAFrozenPlatformIsConnectedAgainWhenItGoesOn(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *prismtest.Server) {
		consume(t, srv, notify.ConsumerConfig{}, accept)
		srv.WaitConnections(1)
		srv.Freeze()
		time.Sleep(time.Hour)
		if n := len(srv.Connections()); n != 1 {
			t.Errorf("%d connections, want 1", n)
		}
		srv.Resume()
		srv.Publish("order.new", "hello")
		srv.WaitAcks(1)
	})
}

func TestDelayMakesCallsSlow(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *prismtest.Server) {
		client := srv.Client()
		srv.Delay(3 * time.Second)
		began := time.Now()
		if _, err := client.Get(t.Context(), "platform/notify/status", nil); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 6*time.Second {
			t.Errorf("a call took %v, want 3 s in and 3 s out", took)
		}
		srv.Delay(0)
		began = time.Now()
		if _, err := client.Get(t.Context(), "platform/notify/status", nil); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("without delay it took %v", took)
		}
	})
}

func TestWaitingInABubbleTakesVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		srv := prismtest.NewServerConfig(f, prismtest.Config{Pipe: true})
		defer f.end()
		began := time.Now()
		srv.WaitAcks(1)
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("it waited %v, want the default", took)
		}
		mustContain(t, f.failure(t), "waited 10s for 1 acknowledged")
	})
}

// What is large does not fit into the buffer of a pipe.
func TestLargeBodiesPassThePipes(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *prismtest.Server) {
		got := make(chan int, 1)
		consume(t, srv, notify.ConsumerConfig{}, func(_ context.Context, d *notify.Delivery) error {
			got <- len(d.Body)
			return nil
		})
		if err := publisher(t, srv).Publish(t.Context(), "order.new", make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		if n := <-got; n != 1<<20 {
			t.Errorf("%d bytes arrived", n)
		}
	})
}

func TestNobodyElseReachesAPipe(t *testing.T) {
	srv := prismtest.NewServerConfig(t, prismtest.Config{Pipe: true})
	if resp, err := http.Get(srv.URL()); err == nil {
		resp.Body.Close()
		t.Errorf("%s answered with %s", srv.URL(), resp.Status)
	}
}

func TestAClosedPipeServerRefusesConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		srv := prismtest.NewServerConfig(f, prismtest.Config{Pipe: true})
		client := srv.Client()
		if _, err := client.Get(t.Context(), "platform/notify/status", nil); err != nil {
			t.Fatal(err)
		}
		f.end()
		_, err := client.Get(t.Context(), "platform/notify/status", nil)
		if err == nil || errors.Is(err, prism.ErrUnauthorized) {
			t.Errorf("err = %v", err)
		}
		mustContain(t, err.Error(), "refused")
	})
}

// Limits of the platform that are times go by virtual time.
func TestThePlatformsTimersAreVirtual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := prismtest.NewServerConfig(t, prismtest.Config{
			Pipe: true, Platform: platform.Config{PingInterval: 24 * time.Hour}, Patience: 72 * time.Hour,
		})
		consume(t, srv, notify.ConsumerConfig{Reconnect: notify.Reconnect{Delay: 240 * time.Hour}}, accept)
		srv.Publish("order.new", "hello")
		srv.WaitAcks(1) // so it has pinged, too: the platform pings nobody else
		began := time.Now()
		srv.Stall()
		srv.WaitConnections(0)
		if took := time.Since(began); took < 23*time.Hour {
			t.Errorf("it took %v", took)
		}
	})
}
