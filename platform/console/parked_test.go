package console_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// parksMeanwhile are queues into which somebody parks while the state of one is asked for.
type parksMeanwhile struct {
	*memory.Queues
	asked func()
}

func (q *parksMeanwhile) Status(ctx context.Context, owner, topic string) (platform.QueueStatus, error) {
	if topic == "later" {
		q.asked()
	}
	return q.Queues.Status(ctx, owner, topic)
}

func TestOnlyWhatWasCountedIsMoved(t *testing.T) {
	queues := memory.New(memory.Config{})
	park := func(body string) {
		m := &platform.Message{Key: "order.new", Body: []byte(body), ClientID: shopKey.ID}
		err := queues.Write(t.Context(), shopKey.ID, "orders", m)
		if err == nil {
			_, err = queues.Park(t.Context(), shopKey.ID, "orders", "no stock", "somebody", m.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s := newSite(t, func(cfg *platform.Config) { cfg.Queues = &parksMeanwhile{queues, func() { park("new") }} })
	b := s.operator()
	park("old")
	if err := queues.Create(t.Context(), shopKey.ID, "later"); err != nil {
		t.Fatal(err)
	}
	b.does("/parked/move", queueForm("orders", "count", "1", "to", "later"))
	moved, err := queues.Read(t.Context(), shopKey.ID, "later", 9)
	if err != nil || len(moved) != 1 || string(moved[0].Body) != "old" {
		t.Errorf("moved %+v, %v", moved, err)
	}
}

func TestParkedMessagesArePutBackMovedAndDiscardedByFilter(t *testing.T) {
	queues := memory.New(memory.Config{})
	s := newSite(t, func(cfg *platform.Config) { cfg.Queues = queues })
	b := s.operator()
	park := func(reason, key string, n int) {
		for i := range n {
			m := &platform.Message{Key: key, Body: fmt.Appendf([]byte{0xff}, "<b>%d</b>", i), ClientID: shopKey.ID}
			if err := queues.Write(t.Context(), shopKey.ID, "orders", m); err != nil {
				t.Fatal(err)
			}
			if _, err := queues.Park(t.Context(), shopKey.ID, "orders", reason, "somebody", m.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	park("no stock", "order.new", 130)
	park("no <i>price</i>", "order.paid", 2)
	left := func() string {
		status, err := queues.Status(t.Context(), shopKey.ID, "orders")
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(status.Ready, " ready, ", status.Parked, " parked")
	}
	page := b.get("/parked?key=shop-key&topic=orders&reason=stock")
	if !strings.Contains(page, "130 messages agree") || strings.Contains(page, "<b>0") || !strings.Contains(page, `rel="next"`) {
		t.Error(page)
	}
	if got := b.post("/parked/unpark", queueForm("orders", "reason", "stock", "count", "129")); got.status != http.StatusConflict || left() != "0 ready, 132 parked" {
		t.Errorf("of more messages than were shown: %d, then %s", got.status, left())
	}
	b.does("/parked/unpark", queueForm("orders", "reason", "stock", "count", "130"))
	if left() != "130 ready, 2 parked" {
		t.Error("after putting back: ", left())
	}
	if got := b.post("/parked/move", queueForm("orders", "count", "2", "to", "nowhere")); got.status != http.StatusNotFound || left() != "130 ready, 2 parked" {
		t.Errorf("to a queue that is not there: %d, then %s", got.status, left())
	}
	park("no price", "order.paid", 1)
	if err := queues.Create(t.Context(), shopKey.ID, "later"); err != nil {
		t.Fatal(err)
	}
	b.does("/parked/move", queueForm("orders", "reason", "<i>", "count", "2", "to", "later"))
	moved, err := queues.Read(t.Context(), shopKey.ID, "later", 9)
	if err != nil || len(moved) != 2 || string(moved[1].Body) != "\xff<b>1</b>" || moved[1].Key != "order.paid" {
		t.Errorf("moved %+v, %v", moved, err)
	}
	if got := b.post("/parked/discard", queueForm("orders", "count", "1", "confirm", "")); got.status != http.StatusBadRequest || left() != "130 ready, 1 parked" {
		t.Errorf("a discard that was not confirmed: %d, then %s", got.status, left())
	}
	if page := b.does("/parked/discard", queueForm("orders", "count", "1", "confirm", "orders")); left() != "130 ready, 0 parked" || !strings.Contains(page, "Nothing is parked") {
		t.Error("after the discard: ", left())
	}
}
