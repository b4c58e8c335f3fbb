package main

import (
	"strings"
	"testing"

	"github.com/shopex/prism-go/prismtest"
)

func TestQueuesOfAllKeysAreListedAndRoutesShown(t *testing.T) {
	srv := prismtest.NewServer(t)
	with(srv, "queue", "bind", "orders", "order.#").want(t, exitDone, "bound queue orders to order.#\n", "default queue")
	with(srv, "queue", "write", "--topic", "orders", "one").want(t, exitDone, "written to queue orders\n", "")
	for _, row := range []struct{ args, out string }{
		{"queue list --all --attention --search orders", "no_consumer  orders\n"},
		{"queue list --all --search orders --output json", `"attention":["no_consumer"]`},
		{"queue routes order.new", "order.#   orders\n"},
		{"queue routes order.new --output json", `"gets":true`},
		{"queue consumers orders", "HELD  WINDOW  SINCE  ADDRESS  CLIENT\n"},
	} {
		if r := with(srv, strings.Fields(row.args)...); r.status != exitDone || !strings.Contains(r.out, row.out) {
			t.Errorf("%s: %+v", row.args, r)
		}
	}
	if r := with(srv, "queue", "find", srv.Peek("orders")[0].Message.ID.String()); r.status != exitDone || !strings.Contains(r.out, "ready") {
		t.Errorf("find: %+v", r)
	}
	id := srv.Peek("orders")[0].Message.ID.String()
	if r := with(srv, "queue", "read", "orders"); r.status != exitDone {
		t.Errorf("read: %+v", r)
	}
	if r := with(srv, "queue", "find", id); r.status != exitDone || !strings.Contains(r.out, "publish ") || !strings.Contains(r.out, "to 1 queue") || !strings.Contains(r.out, "read ") || !strings.Contains(r.err, "no queue that was searched") {
		t.Errorf("find of what was read: %+v", r)
	}
	if r := with(srv, "queue", "find", id, "--output", "json"); r.status != exitDone || !strings.Contains(r.out, `"event":"read"`) || !strings.Contains(r.out, `"places":[]`) {
		t.Errorf("find of what was read: %+v", r)
	}
	with(srv, "queue", "list", "--search", "x").want(t, exitUsage, "", "--all")
}
