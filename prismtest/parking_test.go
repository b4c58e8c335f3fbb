package prismtest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/prismtest"
)

func TestAMessageThatNobodyCanHandleIsSeenParked(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.LimitAttempts("jobs", 2)
	srv.Write("jobs", "poison")
	srv.Write("jobs", "healthy")
	var attempts []int
	consume(t, srv, notify.ConsumerConfig{Topic: "jobs", Attempts: 1}, func(_ context.Context, d *notify.Delivery) error {
		if string(d.Body) == "healthy" {
			return nil
		}
		attempts = append(attempts, d.Attempt)
		return errors.New("no stock")
	})
	park := srv.WaitParked(1)[0]
	if park.Topic != "jobs" || park.Attempts != 2 || park.Key != srv.Key() || park.Conn != 1 {
		t.Errorf("parked: %+v", park)
	}
	if len(attempts) != 2 || attempts[0] != 1 || attempts[1] != 2 {
		t.Errorf("it was handled as the attempts %v", attempts)
	}
	fails := srv.WaitFails(2)
	mustContain(t, fails[1].Reason, "no stock")
	found := srv.Parked("jobs")
	if len(found) != 1 || string(found[0].Message.Body) != "poison" || found[0].Reason != park.Reason || srv.Status("jobs").Parked != 1 {
		t.Errorf("parked are %+v", found)
	}
	srv.WaitAcks(1)
	if left := srv.Peek("jobs"); len(left) != 0 {
		t.Errorf("the queue has %+v", left)
	}
	srv.Forget()
	if n := len(srv.Fails()) + len(srv.Parks()); n != 0 {
		t.Errorf("after Forget there are %d", n)
	}
}

func TestAConsumerThatParksIsSeen(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.Publish("order.new", "poison")
	consume(t, srv, notify.ConsumerConfig{OnGiveUp: notify.Park}, func(context.Context, *notify.Delivery) error {
		return notify.Permanent(errors.New("no order"))
	})
	park := srv.WaitParked(1)[0]
	mustContain(t, park.Reason, "no order")
	if park.Conn != 0 || park.Attempts != 1 || len(srv.Parked("")) != 1 {
		t.Errorf("parked: %+v", park)
	}
	if found := srv.Parked("never made"); len(found) != 0 {
		t.Errorf("a topic that is not there has %+v", found)
	}
	srv.WaitAcks(1) // of what was parked meanwhile
}

// A cut is the end of a connection like any other.
func TestACutCountsTheOldestDelivery(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.LimitAttempts("", 2)
	for _, body := range []string{"kills", "waits"} {
		srv.Write("", body)
	}
	died := make(chan bool)
	stop := consume(t, srv, notify.ConsumerConfig{}, func(ctx context.Context, d *notify.Delivery) error {
		if string(d.Body) == "waits" {
			return nil
		}
		died <- true
		<-ctx.Done()
		return nil
	})
	defer stop()
	for n := range 2 {
		srv.WaitDeliveries(2 * (n + 1))
		if n == 0 {
			<-died
		}
		srv.Cut()
		srv.WaitFails(n + 1)
	}
	park := srv.WaitParked(1)[0]
	mustContain(t, park.Reason, "the connection ended: lost")
	if found := srv.Parked(""); len(found) != 1 || string(found[0].Message.Body) != "kills" {
		t.Errorf("parked are %+v", found)
	}
}
