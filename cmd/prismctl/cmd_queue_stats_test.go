package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
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

// The clock of this machine may be hours ahead of the platform's.
func TestHowAQueueDidIsToldByTheClockOfThePlatform(t *testing.T) {
	var asked url.Values
	answer := `{"step_seconds":60,"other":false,"points":[{"start":1772625600,"ready":1},{"start":1772627400,"ready":8},{"start":1772629140,"ready":8}]}`
	platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Query()
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"result":%s,"error":null}`, answer)
	}))
	t.Cleanup(platform.Close)
	stats := func(args ...string) result {
		env := map[string]string{"PRISM_URL": platform.URL, "PRISM_KEY": "key", "PRISM_SECRET": "secret"}
		return invocation{args: append([]string{"queue", "stats"}, args...), env: env}.run()
	}
	r := stats("orders")
	if asked.Has("from") || asked.Has("to") || asked.Get("topic") != "orders" {
		t.Errorf("it asks for %v", asked)
	}
	at := time.Unix(1772625600, 0)
	want := at.Format("01-02 15:04") + " - " + at.Add(time.Hour).Format("01-02 15:04")
	if drawn := "▂" + strings.Repeat(" ", 14) + "█" + strings.Repeat(" ", 13) + "█\n"; r.status != exitDone || !strings.Contains(r.out, want) || !strings.Contains(r.out, drawn) {
		t.Errorf("it is %+v, want %q and %q", r, want, drawn)
	}
	answer = `{"step_seconds":60,"other":true,"points":[]}`
	stats("--all").want(t, exitDone, "", "20 domains")
	stats("orders").want(t, exitDone, "", "200 busiest")
}

func TestACurveIsDrawnWithinALine(t *testing.T) {
	from := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	var points []admin.QueuePoint
	for i := range 60 {
		if i < 20 || i >= 40 {
			points = append(points, admin.QueuePoint{Start: from.Unix() + int64(60*i), Ready: uint64(i) * 200_000, Most: 12_000_000, Published: 3_000_000})
		}
	}
	rows := queueStatsTable(points, false)
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
