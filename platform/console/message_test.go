package console_test

import (
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

func TestTheLifeOfAMessageIsShown(t *testing.T) {
	queues := memory.New(memory.Config{})
	s := newSite(t, func(cfg *platform.Config) { cfg.Queues = queues })
	b := s.operator()
	if err := queues.Create(t.Context(), shopKey.ID, "orders"); err != nil {
		t.Fatal(err)
	}
	b.does("/queues/write", queueForm("orders", "data", "CANARY"))
	waiting, err := queues.Peek(t.Context(), shopKey.ID, "orders", platform.MessageID{}, 1)
	if err != nil || len(waiting) != 1 {
		t.Fatal(waiting, err)
	}
	id := waiting[0].Message.ID.String()
	for _, what := range []string{"unpark", "discard"} {
		if _, err := queues.Park(t.Context(), shopKey.ID, "orders", "no stock", "somebody", waiting[0].Message.ID); err != nil {
			t.Fatal(err)
		}
		b.does("/parked/"+what, queueForm("orders", "id", id, "count", "1", "confirm", "orders"))
	}
	page := b.get("/message?id=" + id)
	last := 0
	for _, part := range []string{"No queue that was searched has it any more", ">published<", ">orders</a>", "queues: 1", ">put back<", ">discarded<"} {
		at := strings.Index(page[last:], part)
		if at < 0 {
			t.Fatalf("%s is not there, or not in its place: %s", part, page)
		}
		last += at
	}
	if strings.Contains(page, "CANARY") {
		t.Error("the page has the body")
	}
	b.lang = "zh-CN"
	if page := b.get("/message?id=" + id); !strings.Contains(page, ">放回队列<") {
		t.Error(page)
	}
}
