package admin_test

import (
	"errors"
	"slices"
	"testing"

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
	if _, err := a.Message(ctx, "ffffffff-1"); !errors.Is(err, prism.ErrNotFound) {
		t.Errorf("a message that was never there: %v", err)
	}
	if consumers, err := a.Consumers(ctx, queues[0].Key, "orders"); err != nil || len(consumers) > 0 {
		t.Errorf("consumers %+v, %v", consumers, err)
	}
}
