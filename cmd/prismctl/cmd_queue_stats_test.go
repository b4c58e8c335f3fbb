package main

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/prismtest"
)

func TestItIsShownHowAQueueDid(t *testing.T) {
	srv := prismtest.NewServer(t)
	with(srv, "queue", "create", "orders").want(t, exitDone, "created queue orders\n", "")
	counted := func() {
		t.Helper()
		if r := with(srv, "queue", "list", "--all"); r.status != exitDone {
			t.Fatalf("%+v", r)
		}
	}
	counted()
	with(srv, "queue", "write", "--topic", "orders", "one").want(t, exitDone, "written to queue orders\n", "")
	counted()
	for _, row := range []struct{ args, out string }{
		{"queue stats orders", "published      1     1     1    "},
		{"queue stats orders --hours", "ready          1     1     -    "},
		{"queue stats --all", "most messages  1     1     -    "},
		{"queue stats orders --output json", `"published":1,"removed":0,"dropped":0}]}`},
	} {
		if r := with(srv, strings.Fields(row.args)...); r.status != exitDone || !strings.Contains(r.out, row.out) {
			t.Errorf("%s: %+v", row.args, r)
		}
	}
	with(srv, "queue", "stats", "--all", "orders").want(t, exitUsage, "", "--all")
}

func TestACurveIsDrawnWithinALine(t *testing.T) {
	from := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	var points []admin.QueuePoint
	for i := range 60 {
		if i < 20 || i >= 40 {
			points = append(points, admin.QueuePoint{Start: from.Unix() + int64(60*i), Ready: uint64(i) * 200_000, Most: 12_000_000, Published: 3_000_000})
		}
	}
	rows := queueStatsTable(points, from, from.Add(time.Hour))
	if len(rows) != 4 {
		t.Fatalf("the rows are %q", rows)
	}
	if got, want := rows[2][4], "▁▁▂▂▂▂▃▃▃▃          ▆▆▆▇▇▇▇███"; got != want {
		t.Errorf("the curve is %q, want %q", got, want)
	}
	width := 0
	for i := range rows[0] {
		column := 0
		for _, row := range rows {
			column = max(column, utf8.RuneCountInString(row[i])+2)
		}
		width += column
	}
	if width > 80 {
		t.Errorf("a line has %d columns", width)
	}
}
