package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// queue is the form of a queue of the shop.
func queueForm(topic string, pairs ...string) url.Values {
	form := url.Values{"key": {shopKey.ID}, "topic": {topic}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// does sends a form that has to lead back to a page of a queue, and returns that page.
func (b *browser) does(path string, form url.Values) string {
	b.Helper()
	got := b.post(path, form)
	if got.status != http.StatusSeeOther {
		b.Fatalf("POST %s: %d: %s", path, got.status, got.body)
	}
	return b.get(strings.TrimPrefix(got.header.Get("Location"), b.console.Base()))
}

func TestAQueueIsBoundFilledLookedIntoAndPurged(t *testing.T) {
	s := newSite(t)
	b := s.operator()
	page := b.does("/queues/bind", queueForm("orders", "pattern", "order.*"))
	for _, want := range []string{"order.*", "The binding was added", "The queue is empty"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of the queue has no %q", want)
		}
	}
	page = b.does("/queues/write", queueForm("orders", "data", "hello world", "routing_key", "order.new", "content_type", "text/plain"))
	for _, want := range []string{"hello world", "order.new", "Messages wait and nobody"} {
		if !strings.Contains(page, want) {
			t.Errorf("with a message, the page has no %q", want)
		}
	}
	first, second := b.get("/messages?key=shop-key&topic=orders"), b.get("/messages?key=shop-key&topic=orders")
	if !strings.Contains(first, "hello world") || strings.Count(first, "hello world") != strings.Count(second, "hello world") {
		t.Error("looking twice does not show the same")
	}
	var list struct {
		Queues []struct {
			Topic     string
			Attention []string
		}
	}
	b.json("/queues?search=orders", &list)
	if len(list.Queues) != 1 || list.Queues[0].Topic != "orders" || list.Queues[0].Attention[0] != "no_consumer" {
		t.Errorf("the list is %+v", list)
	}
	if got := b.post("/queues/purge", queueForm("orders", "confirm", "other")); got.status != http.StatusBadRequest {
		t.Errorf("a purge that was not confirmed: %d", got.status)
	}
	if page = b.does("/queues/purge", queueForm("orders", "confirm", "orders")); !strings.Contains(page, "The queue is empty") {
		t.Error("it is not empty then")
	}
	page = b.does("/queues/limit", queueForm("orders", "max_messages", "7", "overflow", "drop-newest"))
	if !strings.Contains(page, "at most 7") {
		t.Error("the limit does not show")
	}
	if page = b.does("/queues/unbind", queueForm("orders", "pattern", "order.*")); !strings.Contains(page, "No binding") {
		t.Error("the binding is there still")
	}
}

func TestAMessageIsFoundWhereverItIs(t *testing.T) {
	queues := memory.New(memory.Config{})
	s := newSite(t, func(cfg *platform.Config) { cfg.Queues = queues })
	b := s.operator()
	for _, topic := range []string{"a", "b", "c"} {
		b.does("/queues/bind", queueForm(topic, "pattern", "order.new"))
	}
	var ids []string
	for range 3 {
		m := &platform.Message{Key: "order.new", ClientID: shopKey.ID}
		if _, err := queues.Publish(t.Context(), "default", m); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, m.ID.String())
		if _, err := queues.Park(t.Context(), shopKey.ID, "b", "no stock", "somebody", m.ID); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := queues.Read(t.Context(), shopKey.ID, "c", 3); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		var page struct {
			Places []struct{ Topic, State, Reason string }
			Gone   []struct{ Topic string }
		}
		b.json("/message?id="+id, &page)
		states := make(map[string]string)
		for _, p := range page.Places {
			states[p.Topic] = p.State + p.Reason
		}
		if len(states) != 3 || states[""] != "ready" || states["a"] != "ready" || states["b"] != "parkedno stock" || len(page.Gone) != 1 || page.Gone[0].Topic != "c" {
			t.Errorf("%s: %+v", id, page)
		}
	}
	if page := b.get("/message?id=" + ids[1]); !strings.Contains(page, "no stock") {
		t.Error(page)
	}
	b.does("/queues/bind", queueForm("late", "pattern", "order.new"))
	if page := b.get("/message?id=" + ids[0]); !strings.Contains(page, ">late</a>") || !strings.Contains(page, "and never had it, or") {
		t.Error("a queue that was bound later is said to have had the message", page)
	}
	if page := b.get("/message?id=ffffffff-1"); !strings.Contains(page, "No queue that was searched") {
		t.Error(page)
	}
}

func TestTheDefaultQueueAndOnesOfAnyNameHavePages(t *testing.T) {
	s := newSite(t)
	b := s.operator()
	hostile := `"><script>alert(1)</script>`
	for _, topic := range []string{"", "default", "..", ".", "a/b", "订单 ?x=1&y", hostile, "%2F", "bind"} {
		page := b.does("/queues/bind", queueForm(topic, "pattern", "order.*"))
		if !strings.Contains(page, "The binding was added") || strings.Contains(page, "<script>alert") {
			t.Errorf("%q: %s", topic, page)
		}
	}
	b.does("/queues/write", queueForm(hostile, "data", hostile, "routing_key", hostile, "content_type", hostile))
	for _, path := range []string{"/queues", "/queues/shop-key/" + url.PathEscape(hostile), "/messages?key=shop-key&topic=" + url.QueryEscape(hostile), "/routing?routing_key=" + url.QueryEscape(hostile)} {
		if strings.Contains(b.get(path), "<script>alert") {
			t.Errorf("%s runs what is in a name", path)
		}
	}
}

func TestRoutingShowsWhoGetsAKeyAndWhyOthersDoNot(t *testing.T) {
	s := newSite(t)
	b := s.operator()
	b.does("/queues/bind", queueForm("orders", "pattern", "order.new"))
	page := b.get("/routing?routing_key=order.new")
	if !strings.Contains(page, "2 of 3 queues get it") || !strings.Contains(page, ">orders</a>") || !strings.Contains(page, "1 other queues") {
		t.Error(page)
	}
	if _, err := s.registry.UpdateApp(t.Context(), "shop", func(app *platform.App) error { app.Listen = platform.Nothing(); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.platform.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	if page = b.get("/routing?routing_key=order.new"); !strings.Contains(page, "may not listen") || !strings.Contains(page, "0 of 3") {
		t.Error(page)
	}
}

func TestQueuesOfAnotherDomainAreNotSeen(t *testing.T) {
	s := newSite(t)
	b := s.user(platform.UserRole{Login: "mars", Role: platform.AdminRole, Domain: "mars"})
	if page := b.get("/queues"); strings.Contains(page, shopKey.ID) {
		t.Error("the list has a queue of another domain")
	}
	if got := b.send("GET", "/queues/shop-key", nil); got.status != http.StatusNotFound {
		t.Errorf("a queue of another domain: %d", got.status)
	}
	if got := b.post("/queues/purge", queueForm("", "confirm", shopKey.ID)); got.status != http.StatusNotFound {
		t.Errorf("its purge: %d", got.status)
	}
}
