package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// parkAfter makes the default queue park what was tried n times.
func parkAfter(t *testing.T, w *world, n int) *QueueClient {
	t.Helper()
	queues := NewQueueClient(w.client)
	if l, err := queues.SetLimits(t.Context(), "", QueueLimits{MaxAttempts: n}); err != nil || l.MaxAttempts != n {
		t.Fatalf("%+v, %v", l, err)
	}
	return queues
}

func parkedIn(t *testing.T, queues *QueueClient, o ParkedOptions) []Parked {
	t.Helper()
	found, err := queues.Parked(t.Context(), "", o)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestAMessageThatAlwaysFailsIsParkedAndStopsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		queues := parkAfter(t, w, 3)
		for i := range 600 {
			w.publish(fmt.Sprint(i))
			if i == 100 {
				w.publish("bad")
			}
		}
		repaired := false
		handled := map[string]int{}
		var attempts []int
		stop := w.run(w.consumer(ConsumerConfig{Attempts: 2}), func(_ context.Context, d *Delivery) error {
			handled[string(d.Body)]++
			if string(d.Body) == "bad" {
				if attempts = append(attempts, d.Attempt); !repaired {
					return errors.New("no stock")
				}
			}
			return nil
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		for i := range 600 {
			if n := handled[fmt.Sprint(i)]; n != 1 {
				t.Errorf("%d is handled %d times", i, n)
			}
		}
		parked := parkedIn(t, queues, ParkedOptions{})
		if len(parked) != 1 || string(parked[0].Body) != "bad" || parked[0].Attempts != 3 || parked[0].Reason != "no stock" || parked[0].By == "" || parked[0].Since.IsZero() {
			t.Fatalf("parked %+v", parked)
		}
		s, err := queues.Status(t.Context(), "")
		if err != nil || s.Parked != 1 || s.MaxAttempts != 3 || s.Messages != 0 {
			t.Errorf("%+v, %v", s, err)
		}
		repaired = true
		if n, err := queues.Unpark(t.Context(), "", parked[0].ID); n != 1 || err != nil {
			t.Errorf("put back %d, %v", n, err)
		}
		synctest.Wait()
		if s := w.status(); s.Parked+s.Ready+s.Unacknowledged != 0 || !slices.Equal(attempts, []int{1, 1, 2, 2, 3, 3, 4}) {
			t.Errorf("%+v, attempts %v", s, attempts)
		}
		_ = stop()
	})
}

// Whatever ends connections, a message that could be handled is not parked.
func TestAHealthyWindowSurvivesTwentyCuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		queues := parkAfter(t, w, 3)
		const messages = 1000
		for i := range messages {
			w.publish(fmt.Sprint(i))
		}
		var mu sync.Mutex
		handled := map[string]int{}
		c := w.consumer(ConsumerConfig{Workers: 4, Reconnect: Reconnect{Delay: time.Millisecond}})
		stop := w.run(c, func(_ context.Context, d *Delivery) error {
			time.Sleep(10 * time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			handled[string(d.Body)]++
			return nil
		})
		for range 20 {
			time.Sleep(50 * time.Millisecond)
			w.cut()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := w.status(); s.Ready+s.Unacknowledged+s.Parked != 0 || len(handled) != messages {
			t.Errorf("%+v, %d handled, parked %+v", s, len(handled), parkedIn(t, queues, ParkedOptions{}))
		}
		if s := c.Stats(); s.Connects < 20 {
			t.Errorf("%+v", s)
		}
		_ = stop()
	})
}

func TestAParkedMessageComesBackAsItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		queues := NewQueueClient(w.client)
		m := &platform.Message{Key: "order.new", ContentType: "text/csv", ClientID: testKey, App: "test", Time: time.Now(), Body: []byte("a\xff\x00,b")}
		if _, err := w.queues.Publish(t.Context(), exchange, m); err != nil {
			t.Fatal(err)
		}
		w.publish("behind it")
		time.Sleep(time.Hour) // so that the time of parking is another
		same := func(d *Delivery) bool {
			return d.ID == m.ID.String() && d.Key == m.Key && d.ContentType == m.ContentType && d.ClientID == m.ClientID && d.App == m.App && d.Time.Equal(m.Time) && bytes.Equal(d.Body, m.Body)
		}
		var got []*Delivery
		c := w.consumer(ConsumerConfig{OnGiveUp: Park})
		stop := w.run(c, func(_ context.Context, d *Delivery) error {
			got = append(got, d)
			if d.Key == m.Key && d.Attempt == 1 {
				return Permanent(errors.New("out of paper"))
			}
			return nil
		})
		time.Sleep(time.Second)
		synctest.Wait()
		_ = stop()
		parked := parkedIn(t, queues, ParkedOptions{})
		if len(got) != 2 || len(parked) != 1 || !same(parked[0].Delivery) || parked[0].Reason != "out of paper" || parked[0].Attempts != 1 || !parked[0].Since.Equal(time.Now().Add(-time.Second).Truncate(time.Second)) {
			t.Fatalf("%d deliveries, parked %+v", len(got), parked)
		}
		if s := w.status(); s.Ready+s.Unacknowledged != 0 || c.Stats().Acked != 2 || c.Stats().Returned != 0 {
			t.Errorf("%+v, %+v", s, c.Stats())
		}
		if log := w.log.String(); !strings.Contains(log, "put aside") || !strings.Contains(log, "out of paper") {
			t.Errorf("the log does not say that it was put aside:\n%s", log)
		}
		w.publish("newer")
		if n, err := queues.Unpark(t.Context(), "", parked[0].ID); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		got = nil
		stop = w.run(w.consumer(ConsumerConfig{}), func(_ context.Context, d *Delivery) error { got = append(got, d); return nil })
		synctest.Wait()
		_ = stop()
		if len(got) != 2 || !same(got[0]) || got[0].Attempt != 2 || string(got[1].Body) != "newer" {
			t.Errorf("it came back as %+v", got)
		}
	})
}

func TestMessagesAreParkedPutBackAndDiscardedByID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		queues, ctx := NewQueueClient(w.client), t.Context()
		for _, key := range []string{"order.new", "order.paid", "stock.low", "order.new"} {
			if err := queues.Publish(ctx, key, []byte(key)); err != nil {
				t.Fatal(err)
			}
		}
		var ids []string
		peeked, err := queues.Peek(ctx, "", PeekOptions{})
		for _, m := range peeked {
			ids = append(ids, m.ID)
		}
		if err != nil || len(ids) != 4 {
			t.Fatal(ids, err)
		}
		if n, err := queues.Park(ctx, "", "库存不足", ids[0], ids[2], "ffffffff-1"); n != 2 || err != nil {
			t.Fatal(n, err)
		}
		time.Sleep(time.Hour)
		if n, err := queues.Park(ctx, "", "no paper", ids[1]); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		for want, o := range map[string]ParkedOptions{
			"0 1 2": {},
			"0 1":   {RoutingKey: "order.*"},
			"0 2":   {Older: time.Hour},
			"2":     {Reason: "库存", RoutingKey: "#.low"},
			"1":     {Reason: "paper"},
			"1 2":   {After: ids[0]},
			"0":     {N: 1},
			"":      {Older: 2 * time.Hour},
		} {
			var got []string
			for _, m := range parkedIn(t, queues, o) {
				got = append(got, fmt.Sprint(slices.Index(ids, m.ID)))
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%+v found %v, want %s", o, got, want)
			}
		}
		if err := queues.Purge(ctx, ""); err != nil {
			t.Fatal(err)
		}
		if n, err := queues.Unpark(ctx, "", ids...); n != 3 || err != nil {
			t.Errorf("put back %d, %v", n, err)
		}
		if _, err := queues.Park(ctx, "", "", ids...); err != nil {
			t.Fatal(err)
		}
		if n, err := queues.Discard(ctx, "", ids[0], ids[3]); n != 1 || err != nil {
			t.Errorf("discarded %d, %v", n, err)
		}
		if s, err := queues.Status(ctx, ""); err != nil || s.Parked != 2 || s.Messages != 0 {
			t.Errorf("%+v, %v", s, err)
		}
		if err := queues.PurgeAll(ctx, ""); err != nil || len(parkedIn(t, queues, ParkedOptions{})) != 0 {
			t.Errorf("%v, %v", err, parkedIn(t, queues, ParkedOptions{}))
		}
		if _, err := queues.Parked(ctx, "never.made", ParkedOptions{}); !errors.Is(err, prism.ErrNotFound) {
			t.Errorf("of an unknown topic: %v", err)
		}
	})
}
