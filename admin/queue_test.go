package admin_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/notify"
)

func TestTheQueuesOfADomainAreFoundWithTheirRoutes(t *testing.T) {
	srv, a := newAdmin(t)
	ctx := t.Context()
	q := notify.NewQueueClient(srv.Client())
	for _, err := range []error{q.Create(ctx, "orders"), q.Bind(ctx, "orders", "order.#"), q.Write(ctx, "orders", []byte("hello world"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	queues, total, err := a.Queues(ctx, admin.QueueQuery{Search: "ORD", Attention: true, Sort: "messages", Limit: 1, Page: 1})
	if err != nil || total != 1 || queues[0].Topic != "orders" || queues[0].Ready != 1 || !slices.Contains(queues[0].Attention, "no_consumer") {
		t.Fatalf("found %+v of %d, %v", queues, total, err)
	}
	routes, err := a.Routes(ctx, "order.new")
	if err != nil || !slices.ContainsFunc(routes, func(r admin.Route) bool {
		return r.Topic == "orders" && r.Gets && slices.Equal(r.Patterns, []string{"order.#"})
	}) {
		t.Errorf("routes %+v, %v", routes, err)
	}
	id := srv.Peek("orders")[0].Message.ID.String()
	if m, err := a.Message(ctx, id); err != nil || len(m.Places) != 1 || len(m.Events) != 1 || m.Events[0].Event != "publish" || *m.Events[0].Queues != 1 || m.EventsSince == nil {
		t.Errorf("the message is %+v, %v", m, err)
	}
	if _, err := a.Message(ctx, "ffffffff-1"); !errors.Is(err, prism.ErrNotFound) {
		t.Errorf("a message that was never there: %v", err)
	}
	if consumers, err := a.Consumers(ctx, queues[0].Key, "orders"); err != nil || len(consumers) > 0 {
		t.Errorf("consumers %+v, %v", consumers, err)
	}
}

func TestItIsToldHowAQueueDidAndADomain(t *testing.T) {
	srv, a := newAdmin(t)
	ctx := t.Context()
	q := notify.NewQueueClient(srv.Client())
	if err := q.Create(ctx, "orders"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Queues(ctx, admin.QueueQuery{Search: "orders"}); err != nil { // which counts
		t.Fatal(err)
	}
	if err := q.Write(ctx, "orders", []byte("hello world")); err != nil {
		t.Fatal(err)
	}
	queues, _, err := a.Queues(ctx, admin.QueueQuery{Search: "orders"})
	if err != nil {
		t.Fatal(err)
	}
	if q := queues[0]; q.Since == 0 || q.DroppedRecently != 0 {
		t.Errorf("the queue has %+v, want since when it has no consumer", q)
	}
	of, err := a.QueueStats(ctx, queues[0].Key, "orders", admin.QueueStatsQuery{})
	if err != nil || of.Topic != "orders" || of.Other || of.StepSeconds != 60 {
		t.Fatalf("%+v, %v", of, err)
	}
	all, err := a.DomainQueueStats(ctx, admin.QueueStatsQuery{Hours: true, From: time.Now().Add(-48 * time.Hour), To: time.Now().Add(time.Minute)})
	if err != nil || all.Key != "" || all.StepSeconds != 3600 {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, s := range []*admin.QueueStats{of, all} {
		sum := uint64(0)
		for _, p := range s.Points {
			sum += p.Published
		}
		if last := len(s.Points) - 1; last < 0 || sum != 1 || s.Points[last].Ready != 1 || s.Points[last].Bytes != 11 {
			t.Errorf("%+v, want one message", s)
		}
	}
}
