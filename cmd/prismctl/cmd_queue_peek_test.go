package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/prismtest"
)

// noonServer is a platform whose clock stands still.
func noonServer(t *testing.T) (srv *prismtest.Server, noon time.Time) {
	noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.Local)
	return prismtest.NewServerConfig(t, prismtest.Config{Platform: platform.Config{
		Now:        func() time.Time { return noon },
		SignWindow: -1,
	}}), noon
}

func TestAnIDThatThePlatformNeverGaveIsRefusedOnce(t *testing.T) {
	srv, _ := noonServer(t)
	r := with(srv, "queue", "peek", "--after", "ffffffff-1")
	r.want(t, exitRefused, "", "prismctl: the platform never gave this ID to a message: GET platform/notify/peek: unknown_message: unknown message ffffffff-1, ")
}

func TestLongIDsLeaveRoomForBodies(t *testing.T) {
	for _, id := range []string{"5cd8ff85-20", "5cd8ff85-20000", "5cd8ff85-1a2b3c4d000", "ffffffff-ffffffffffffffff"} {
		table, out := newPeekTable(), new(bytes.Buffer)
		for _, key := range []string{"order.new", "order.非常に長いルーティングキーです.確認済み", "a.routing.key.of.many.words"} {
			table.add(&notify.Peeked{Delivery: &notify.Delivery{ID: id, Key: key, Body: []byte("\x1b]0;日本語の注文：東京都千代田区霞が関"), Time: time.Unix(1, 0)}})
		}
		if err := table.print(&tool{out: out}); err != nil {
			t.Fatal(err)
		}
		fitsScreen(t, out.String())
	}
}

func idOf(srv *prismtest.Server, i int) string { return srv.Peek("")[i].Message.ID.String() }

func TestPeekIsATableThatFitsOnTheScreen(t *testing.T) {
	srv, _ := noonServer(t)
	srv.Publish("order.new", "你好，世界")
	srv.Publish("order.with.a.very.long.routing.key", strings.Repeat("订单", 100))
	srv.Publish("o", "a\tb\x1b[31m\n")
	srv.Write("", "")
	before := srv.Peek("")
	r := with(srv, "queue", "peek")
	lines := strings.Split(strings.TrimSuffix(r.out, "\n"), "\n")
	want := []string{
		"ID  TIME                 KEY                   STATE  BODY",
		"2026-01-02 12:00:00  order.new             ready  你好，世界",
		"2026-01-02 12:00:00  order.with.a.very.l…  ready  订单",
		`2026-01-02 12:00:00  o                     ready  "a\tb\x1b[31m`,
		`2026-01-02 12:00:00  -                     ready  ""`,
	}
	if r.status != exitDone || r.err != "" || len(lines) != len(want) {
		t.Fatalf("%+v", r)
	}
	for i, line := range lines {
		if i > 0 {
			want[i] = idOf(srv, i-1) + "  " + want[i]
		}
		line = strings.Replace(line, "ID"+strings.Repeat(" ", len(idOf(srv, 0))-2), "ID", 1)
		if !strings.HasPrefix(line, want[i]) || words.Width(line) > 80 || strings.ContainsAny(line, "\t\x1b") {
			t.Errorf("line %d is %q of %d columns, want %q", i, line, words.Width(line), want[i])
		}
	}
	if !strings.HasSuffix(lines[2], "…") {
		t.Errorf("a long body is shown as %q", lines[2])
	}
	if after := srv.Peek(""); len(after) != len(before) || after[0].Held {
		t.Errorf("the queue changed: %v", after)
	}
}

func TestPeekForProgramsHasTheWholeMessage(t *testing.T) {
	srv, noon := noonServer(t)
	body := strings.Repeat("订单", 1000)
	srv.Publish("order.new", body)
	srv.Publish("order.new", "\xff\x00")
	head := fmt.Sprintf(`"time":%d,"key":"order.new","type":"text/plain","app":"test","client_id":%q,"state":"ready",`, noon.Unix(), srv.Key())
	with(srv, "queue", "peek", "--output", "json").want(t, exitDone,
		fmt.Sprintf(`{"id":%q,`, idOf(srv, 0))+head+`"body":"`+body+`"}`+"\n"+
			fmt.Sprintf(`{"id":%q,`, idOf(srv, 1))+head+`"body_base64":"/wA="}`+"\n", "")
}

func TestPeekSaysWhoHoldsAMessage(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.Publish("order.new", "held")
	hold(t, srv)
	conn := srv.Connections()[0]
	r := with(srv, "queue", "peek", "--output", "json")
	if held := parsed(t, r.out); len(held) != 1 || held[0]["state"] != "held" || held[0]["held_by"] != conn.RequestID+" from "+conn.RemoteAddr || held[0]["held_since"] == nil {
		t.Errorf("%+v", r)
	}
	r = with(srv, "queue", "peek")
	if !strings.Contains(r.out, "  held   held\n") || !strings.Contains(r.out, "\n1 message held by "+conn.RequestID+" from "+conn.RemoteAddr+" since 20") {
		t.Errorf("%+v", r)
	}
}

func TestPeekGoesOnBehindAnIDAndFindsText(t *testing.T) {
	srv := prismtest.NewServer(t)
	for i := range 350 {
		srv.Publish(fmt.Sprintf("order.%d", i%7), fmt.Sprintf("number %d.", i))
	}
	bodies := func(args ...string) (got []string) {
		t.Helper()
		r := with(srv, append([]string{"queue", "peek", "--output", "json"}, args...)...)
		if r.status != exitDone || r.err != "" {
			t.Fatalf("%q: %+v", args, r)
		}
		for _, m := range parsed(t, r.out) {
			got = append(got, m["body"].(string))
		}
		return got
	}
	for _, c := range []struct {
		args        []string
		n           int
		first, last string
	}{
		{nil, 10, "number 0.", "number 9."},
		{[]string{"-n", "250"}, 250, "number 0.", "number 249."},
		{[]string{"-n", "1000"}, 350, "number 0.", "number 349."},
		{[]string{"-n", "2", "--after", idOf(srv, 299)}, 2, "number 300.", "number 301."},
		{[]string{"--after", idOf(srv, 349)}, 0, "", ""},
		{[]string{"--grep", "number 33"}, 10, "number 33.", "number 338."},
		{[]string{"--grep", "number 33", "-n", "3"}, 3, "number 33.", "number 331."},
		{[]string{"--grep", "order.6", "-n", "100"}, 50, "number 6.", "number 349."},
		{[]string{"--grep", "order.6", "-n", "100", "--after", idOf(srv, 300)}, 7, "number 307.", "number 349."},
		{[]string{"--grep", "nowhere"}, 0, "", ""},
	} {
		got := bodies(c.args...)
		if len(got) != c.n || c.n > 0 && (got[0] != c.first || got[c.n-1] != c.last) {
			t.Errorf("%q found %d, %q", c.args, len(got), got)
		}
	}
	with(srv, "queue", "peek", "--after", "12").want(t, exitRefused, "", "is not the ID of a message")
	with(srv, "queue", "peek", "--after", "ffffffff-1").want(t, exitRefused, "", "unknown_message")
	with(srv, "queue", "peek", "never.made").want(t, exitRefused, "", "unknown_topic")
}

func TestALimitIsShownAndChanged(t *testing.T) {
	srv := prismtest.NewServer(t)
	with(srv, "queue", "limit").want(t, exitDone, "max messages  100000\nmax bytes     268435456\nmax attempts  any number\nwhen full     default: refuse the own key, drop the oldest for others\n", "")
	with(srv, "queue", "create", "orders")
	with(srv, "queue", "limit", "orders", "--max-messages", "2", "--max-bytes", "1000", "--overflow", "drop-oldest", "--output", "json").
		want(t, exitDone, `{"max_messages":2,"max_bytes":1000,"overflow":"drop-oldest","max_attempts":0}`+"\n", "")
	with(srv, "queue", "bind", "orders", "order.#")
	for i := range 3 {
		with(srv, "publish", "order.new", fmt.Sprint(i))
	}
	r := with(srv, "queue", "status", "orders", "--output", "json")
	if s := parsed(t, r.out)[0]; s["Messages"] != 2.0 || s["Dropped"] != 1.0 || s["Overflow"] != "drop-oldest" {
		t.Errorf("%+v", r)
	}
	if r := with(srv, "queue", "status", "orders"); !strings.Contains(r.out, "\ndropped           1\n") || !strings.Contains(r.err, "when it is full, it drops its oldest messages") {
		t.Errorf("%+v", r)
	}
	with(srv, "queue", "limit", "orders", "--max-messages", "0", "--overflow", "default", "--output", "json").
		want(t, exitDone, `{"max_messages":100000,"max_bytes":1000,"overflow":"default","max_attempts":0}`+"\n", "")
	with(srv, "queue", "limit", "nowhere").want(t, exitRefused, "", "unknown_topic")
}

func TestOnlyAnAdminKeyRaisesALimitOrStopsPublishers(t *testing.T) {
	srv := prismtest.NewServer(t)
	with(srv, "app", "create", "Shop", "--id", "shop", "--listen", "#")
	key := madeKey(t, srv, "shop")
	as(srv, key, "queue", "limit", "--max-messages", "10", "--output", "json").want(t, exitDone, `{"max_messages":10,"max_bytes":268435456,"overflow":"default","max_attempts":0}`+"\n", "")
	as(srv, key, "queue", "limit", "--max-messages", "11").want(t, exitRefused, "", "admin key")
	as(srv, key, "queue", "limit", "--overflow", "refuse").want(t, exitRefused, "", "admin key")
	with(srv, "queue", "limit", "--of", key.Key, "--max-messages", "11", "--overflow", "refuse", "--output", "json").
		want(t, exitDone, `{"max_messages":11,"max_bytes":268435456,"overflow":"refuse","max_attempts":0}`+"\n", "")
}

func TestAnAdminKeyWorksOnTheQueuesOfOtherKeys(t *testing.T) {
	srv := prismtest.NewServer(t)
	with(srv, "app", "create", "Shop", "--id", "shop", "--listen", "order.#")
	key := madeKey(t, srv, "shop", "--bind", "order.new")
	of := []string{"--of", key.Key}
	for _, step := range []struct {
		args   string
		status int
		out    string
		err    string
	}{
		{"queue bindings", 0, "order.new\n", ""},
		{"queue bindings --output json", 0, `{"routing_key":"order.new"}` + "\n", ""},
		{"queue create parcels", 0, "created queue parcels of key " + key.Key + "\n", ""},
		{"queue list", 0, "READY  HELD  PARKED  CONSUMERS  QUEUE\n0      0     0       0          (default)\n0      0     0       0          parcels\n", ""},
		{"queue bind parcels parcel.#", 1, "", "order.#"},
		{"queue bind parcels order.*", 0, "bound queue parcels of key " + key.Key + " to order.*\n", ""},
		{"queue unbind parcels order.*", 0, "unbound queue parcels of key " + key.Key + " from order.*\n", ""},
		{"queue write parcels x", 0, "written to queue parcels of key " + key.Key + "\n", ""},
		{"queue purge parcels", 0, "purged queue parcels of key " + key.Key + "\n", ""},
		{"queue drop parcels", 0, "dropped queue parcels of key " + key.Key + "\n", ""},
	} {
		r := with(srv, append(strings.Fields(step.args), of...)...)
		if r.status != step.status || r.out != step.out || !strings.Contains(r.err, step.err) {
			t.Errorf("%s: %+v", step.args, r)
		}
	}
	srv.Publish("order.new", "hello")
	if r := with(srv, append([]string{"queue", "read"}, of...)...); len(parsed(t, r.out)) != 1 {
		t.Errorf("%+v", r)
	}
	as(srv, key, "queue", "peek", "--of", srv.Key()).want(t, exitRefused, "", "admin key")
	with(srv, "queue", "peek", "--of", "nobody").want(t, exitRefused, "", "unknown_key")
	with(srv, "queue", "purge", "--of", "").want(t, exitUsage, "", "the key is empty")
	if n := srv.Depth(""); n != 1 {
		t.Errorf("the own queue has %d messages, want 1", n)
	}
}

func TestWhatAnAppMayNotDoIsRefusedWithTheReason(t *testing.T) {
	srv := prismtest.NewServer(t)
	with(srv, "app", "create", "Shop", "--id", "shop", "--publish", "order.#", "--listen", "stock.#")
	with(srv, "key", "create", "shop", "--bind", "order.#").want(t, exitRefused, "", "stock.#")
	key := madeKey(t, srv, "shop", "--bind", "stock.#")
	as(srv, key, "publish", "stock.low", "x").want(t, exitRefused, "", "may not publish")
	as(srv, key, "queue", "bind", "", "order.#").want(t, exitRefused, "", "stock.#")
	as(srv, key, "publish", "order.new", "x").want(t, exitDone, "", "1 message confirmed\n")
}

func TestPublishSaysThatNobodyListens(t *testing.T) {
	srv := prismtest.NewServer(t)
	with(srv, "queue", "unbind", "", "#")
	with(srv, "publish", "order.new", "x").want(t, exitDone, "", "1 message confirmed\nprismctl: nobody gets order.new: ")
	with(srv, "queue", "bind", "", "order.#")
	with(srv, "publish", "order.new", "x", "--output", "json").want(t, exitDone, `{"confirmed":1,"failed":0}`+"\n", "1 message confirmed\n")
	if r := with(srv, "publish", "order.new", "x"); r.err != "1 message confirmed\n" {
		t.Errorf("%+v", r)
	}
	if r := with(srv, "queue", "status"); !strings.HasSuffix(r.out, "published         3\n  to no queue     1\n") {
		t.Errorf("%+v", r)
	}
}

func TestPublishIsSilentWhereThePlatformCannotTell(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.Handle("platform/notify/routing/test", prismtest.Fail(404, "unknown_api", "there is no such API"))
	with(srv, "queue", "unbind", "", "#")
	if r := with(srv, "publish", "order.new", "x"); r.status != exitDone || r.err != "1 message confirmed\n" {
		t.Errorf("%+v", r)
	}
}

func TestABindingOfAnEarlierVersionIsShownAsSuch(t *testing.T) {
	srv := prismtest.NewServer(t)
	list, err := json.Marshal([]map[string]any{{"routing_key": "#", "own": true}, {"routing_key": "order.#"}})
	if err != nil {
		t.Fatal(err)
	}
	srv.Handle("platform/notify/routing/list", prismtest.Answer(json.RawMessage(list)))
	with(srv, "queue", "bindings").want(t, exitDone, "#  (own: only what the key of the queue publishes)\norder.#\n", "")
	with(srv, "queue", "bindings", "--output", "json").want(t, exitDone, `{"routing_key":"#","own":true}`+"\n"+`{"routing_key":"order.#"}`+"\n", "")
}

// hold lets a consumer hold what the default queue has, until the test ends.
func hold(t *testing.T, srv *prismtest.Server) {
	ctx, cancel := context.WithCancel(context.Background())
	done := begin(invocation{ctx: ctx, args: []string{"consume", "--no-ack"}, env: of(srv)})
	t.Cleanup(func() { cancel(); <-done })
	srv.WaitDeliveries(1)
}
