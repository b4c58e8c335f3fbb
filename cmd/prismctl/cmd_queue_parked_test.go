package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/notify"
	"github.com/shopex/prism-go/platform/memory"
	"github.com/shopex/prism-go/prismtest"
)

// A poison is a message that is parked for a reason.
type poison struct{ key, body, reason string }

// parking publishes messages into the default queue of srv and parks them, and returns
// their IDs.
func parking(t *testing.T, srv *prismtest.Server, all ...poison) (ids []string) {
	t.Helper()
	queues := notify.NewQueueClient(srv.Client())
	for _, p := range all {
		srv.Publish(p.key, p.body)
		waiting := srv.Peek("")
		id := waiting[len(waiting)-1].Message.ID.String()
		if n, err := queues.Park(t.Context(), "", p.reason, id); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		ids = append(ids, id)
	}
	return ids
}

func parkedNow(srv *prismtest.Server) (ids []string) {
	for _, m := range srv.Parked("") {
		ids = append(ids, m.Message.ID.String())
	}
	return ids
}

func TestParkedIsATableThatFitsOnTheScreen(t *testing.T) {
	srv := prismtest.NewServer(t)
	ids := parking(t, srv,
		poison{"order.new", "a", "库存不足，仓库没有回应：" + strings.Repeat("超时", 100)},
		poison{"订单.新建.来自.门店", "b", "timeout"},
		poison{"a.routing.key.of.many.words", "c", "a\tb\x1b[31m"},
		poison{"o", "d", ""})
	r := with(srv, "queue", "parked")
	lines := strings.Split(strings.TrimSuffix(r.out, "\n"), "\n")
	want := []string{
		"PARKED               TRIES  KEY                   REASON",
		"0      order.new             库存不足",
		"0      订单.新建.来自.门店   timeout",
		`0      a.routing.key.of.ma…  "a\tb\x1b[31m"`,
		"0      o                     -",
	}
	if r.status != exitDone || r.err != "" || len(lines) != len(want) {
		t.Fatalf("%+v", r)
	}
	for i, line := range lines {
		head := "ID" + strings.Repeat(" ", len(ids[0])-2)
		if i > 0 {
			head = ids[i-1] + "  " + srv.Parked("")[i-1].Since.Local().Format(time.DateTime)
		}
		if !strings.HasPrefix(line, head+"  "+want[i]) || words.Width(line) > screenWidth || strings.ContainsAny(line, "\t\x1b") {
			t.Errorf("line %d is %q of %d columns, want %q", i, line, words.Width(line), want[i])
		}
	}
	if !strings.HasSuffix(lines[1], "…") {
		t.Errorf("a long reason is shown as %q", lines[1])
	}
}

func TestParkedForProgramsHasTheWholeMessageAndWhy(t *testing.T) {
	srv, noon := noonServer(t)
	reason := strings.Repeat("超时", 150)
	ids := parking(t, srv, poison{"order.new", "订单", reason}, poison{"order.new", "\xff\x00", ""})
	line := func(i int, reason, body string) string {
		m := srv.Parked("")[i]
		return fmt.Sprintf(`{"id":%q,"time":%d,"key":"order.new","type":"text/plain","app":"test","client_id":%q,"state":"parked","attempts":0,"reason":%q,"parked_by":%q,"parked_since":%d,%s}`+"\n",
			ids[i], noon.Unix(), srv.Key(), reason, m.By, m.Since.Unix(), body)
	}
	r := with(srv, "queue", "parked", "--output", "json")
	r.want(t, exitDone, line(0, reason, `"body":"订单"`)+line(1, "", `"body_base64":"/wA="`), "")
	for _, want := range []string{ids[0], ids[1]} {
		if r := with(srv, "queue", "parked", "", want, "--output", "json"); len(parsed(t, r.out)) != 1 || parsed(t, r.out)[0]["id"] != want {
			t.Errorf("%s: %+v", want, r)
		}
	}
}

func TestWhatMatchesIsPutBackAndNothingElse(t *testing.T) {
	srv := prismtest.NewServer(t)
	ids := parking(t, srv,
		poison{"order.new", "0", "timeout of the stock"}, poison{"order.paid", "1", "no stock"},
		poison{"stock.low", "2", "timeout"}, poison{"order.new", "3", "no stock"})
	for _, c := range []struct {
		args string
		want []int
	}{
		{"--routing-key order.#", []int{0, 1, 3}},
		{"--routing-key order.new --reason stock", []int{0, 3}},
		{"--reason timeout", []int{0, 2}},
		{"--older 1h", nil},
		{"--older 0s", []int{0, 1, 2, 3}},
		{"--all", []int{0, 1, 2, 3}},
	} {
		var want []string
		for _, i := range c.want {
			want = append(want, ids[i])
		}
		for _, command := range []string{"unpark", "discard"} {
			args := append([]string{"queue", command, "", "--dry-run"}, strings.Fields(c.args)...)
			r := with(srv, args...)
			if r.status != exitDone || !slices.Equal(strings.Fields(r.out), want) || !strings.Contains(r.err, words.Counted(len(want), "parked message", "parked messages")+" of the default queue would be") {
				t.Errorf("%q: %+v, want %q", args, r, want)
			}
			if got := parkedNow(srv); !slices.Equal(got, ids) {
				t.Fatalf("%q changed what is parked: %q", args, got)
			}
		}
	}
	with(srv, "queue", "unpark", "", "--reason", "no stock").want(t, exitDone, "put back 2 parked messages of the default queue\n", "")
	with(srv, "queue", "discard", "", "--routing-key", "stock.#", "--output", "json").want(t, exitDone, `{"matched":1,"messages":1}`+"\n", "")
	with(srv, "queue", "unpark", "", "--reason", "no stock", "--output", "json").want(t, exitDone, `{"matched":0,"messages":0}`+"\n", "")
	if got := parkedNow(srv); !slices.Equal(got, ids[:1]) {
		t.Errorf("parked are %q", got)
	}
	if waiting := srv.Peek(""); len(waiting) != 2 || waiting[0].Message.ID.String() != ids[1] || waiting[1].Message.ID.String() != ids[3] {
		t.Errorf("ready are %v", waiting)
	}
}

func TestMessagesAreNamedByTheirIDs(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		srv := prismtest.NewServer(t)
		var all []poison
		for i := range 250 {
			all = append(all, poison{"order.new", fmt.Sprint(i), []string{"timeout", "no stock"}[i%2]})
		}
		ids := parking(t, srv, all...)
		if r := with(srv, "queue", "parked", "--output", "json"); len(parsed(t, r.out)) != 250 {
			t.Errorf("%d are shown", len(parsed(t, r.out)))
		}
		if r := with(srv, "queue", "parked", "-n", "7", "--after", ids[100], "--output", "json"); len(parsed(t, r.out)) != 7 || parsed(t, r.out)[0]["id"] != ids[101] {
			t.Errorf("%+v", r)
		}
		found := with(srv, "queue", "unpark", "", "--reason", "timeout", "--dry-run", "--output", format).out
		parking(t, srv, poison{"order.new", "later", "timeout"})
		in := func(text string, args ...string) result {
			return invocation{args: append([]string{"queue"}, args...), env: of(srv), in: strings.NewReader(text)}.run()
		}
		in(found, "unpark", "", "-").want(t, exitDone, "put back 125 parked messages of the default queue\n", "")
		in(found, "unpark", "", "-").want(t, exitRefused, "put back 0 parked messages of the default queue\n", "125 named messages are not parked in the default queue")
		in(found, "unpark", "", "-", ids[1]).want(t, exitDone, "put back 1 parked message of the default queue\n", "125 messages were no longer parked")
		in("", "discard", "", "-").want(t, exitDone, "discarded 0 parked messages of the default queue\n", "")
		in("", "discard", "", "-", "--dry-run").want(t, exitDone, "", "0 parked messages")
		in("{\"x\":1}\n", "discard", "", "-").want(t, exitRefused, "", "a line of standard input is no ID")
		with(srv, "queue", "discard", "", ids[3], ids[5]).want(t, exitDone, "discarded 2 parked messages of the default queue\n", "")
		if n := len(srv.Parked("")); n != 250-125-1-2+1 || srv.Depth("") != 126 {
			t.Errorf("%d are parked, %d ready", n, srv.Depth(""))
		}
	}
}

func TestWhoDoesNotSayWhichMessagesChangesNone(t *testing.T) {
	srv := prismtest.NewServer(t)
	ids := parking(t, srv, poison{"order.new", "a", "timeout"})
	for _, command := range []string{"unpark", "discard"} {
		for _, c := range []struct{ args, err string }{
			{"", "say which messages"},
			{ids[0], "say which messages: give their IDs behind the queue"},
			{"orders --reason=", "the text is empty"},
			{"orders --all --reason=x", "--all means every parked message"},
			{"orders 9b4d1e00-1 --all", "--all means every parked message"},
			{"orders --older=-1h", "--older must not be negative"},
		} {
			args := append([]string{"queue", command}, strings.Fields(c.args)...)
			with(srv, args...).want(t, exitUsage, "", c.err)
		}
		with(srv, "queue", command, "", "--routing-key", "order.**").want(t, exitRefused, "", "has a wildcard within a word")
		with(srv, "queue", command, "never.made", "--all").want(t, exitRefused, "", "unknown_topic")
	}
	if got := parkedNow(srv); !slices.Equal(got, ids) {
		t.Errorf("parked are %q", got)
	}
}

func TestResendSaysWhatBecameOfTheMessage(t *testing.T) {
	srv := prismtest.NewServer(t)
	ids := parking(t, srv, poison{"order.new", "a", "timeout"})
	with(srv, "queue", "resend", ids[0]).want(t, exitDone, "put message "+ids[0]+" back into the default queue\n", "")
	with(srv, "queue", "resend", "", ids[0]).want(t, exitDone, "message "+ids[0]+" waits in the default queue: it comes anyway\n", "")
	with(srv, "queue", "resend", ids[0], "--output", "json").want(t, exitDone, `{"id":"`+ids[0]+`","resent":false,"state":"ready"}`+"\n", "")
	hold(t, srv)
	with(srv, "queue", "resend", ids[0]).want(t, exitDone, "a consumer holds message "+ids[0]+": it comes again if that does not acknowledge it\n", "")
	with(srv, "queue", "resend", "ffffffff-1").want(t, exitRefused, "", "message ffffffff-1 is not in the default queue: it was acknowledged, removed or dropped, or is in another queue")
	with(srv, "queue", "resend", "never.made", ids[0]).want(t, exitRefused, "", "unknown_topic")
	with(srv, "queue", "resend", "orders", "").want(t, exitUsage, "", "the ID of the message is empty")
	with(srv, "queue", "resend", "hello").want(t, exitRefused, "", "is not the ID of a message")
}

func TestAQueueShowsWhatItHasParked(t *testing.T) {
	srv := prismtest.NewServerConfig(t, prismtest.Config{Memory: memory.Config{MaxParked: 2}})
	with(srv, "queue", "limit", "--max-attempts", "5", "--output", "json").want(t, exitDone, `{"max_messages":100000,"max_bytes":268435456,"overflow":"default","max_attempts":5}`+"\n", "")
	with(srv, "queue", "limit", "--max-attempts=-1").want(t, exitUsage, "", "--max-attempts must not be negative")
	parking(t, srv, poison{"order.new", "a", ""}, poison{"order.new", "b", ""}, poison{"order.new", "c", ""})
	if r := with(srv, "queue", "status"); !strings.Contains(r.out, "\nparked            2\n  dropped         1\nmax attempts      5\n") {
		t.Errorf("%+v", r)
	}
	r := with(srv, "queue", "status", "--output", "json")
	if s := parsed(t, r.out)[0]; s["Messages_parked"] != 2.0 || s["Parked_dropped"] != 1.0 || s["Max_attempts"] != 5.0 {
		t.Errorf("%+v", r)
	}
	with(srv, "queue", "purge").want(t, exitDone, "purged the default queue\n", "")
	if n := len(srv.Parked("")); n != 2 {
		t.Errorf("a purge has left %d parked messages", n)
	}
	with(srv, "queue", "purge", "--parked").want(t, exitDone, "purged the default queue\n", "")
	if n := len(srv.Parked("")); n != 0 {
		t.Errorf("a purge of what is parked, too, has left %d", n)
	}
	with(srv, "queue", "limit", "--max-attempts", "0", "--output", "json").want(t, exitDone, `{"max_messages":100000,"max_bytes":268435456,"overflow":"default","max_attempts":0}`+"\n", "")
}

func TestAnAdminPutsBackWhatAnotherKeyHasParked(t *testing.T) {
	srv := prismtest.NewServer(t)
	with(srv, "app", "create", "Shop", "--id", "shop", "--listen", "order.#")
	key := madeKey(t, srv, "shop", "--bind", "order.new")
	srv.Publish("order.new", "hello")
	id := idOf(srv, 0)
	if n, err := notify.NewQueueClient(srv.Client()).Of(key.Key).Park(t.Context(), "", "timeout", id); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	of := []string{"--of", key.Key}
	for args, want := range map[string]string{
		"queue unpark --reason nothing":               "put back 0 parked messages of the default queue of key " + key.Key + "\n",
		"queue unpark --reason timeout --output json": `{"matched":1,"messages":1}` + "\n",
	} {
		with(srv, append(strings.Fields(args), of...)...).want(t, exitDone, want, "")
	}
	as(srv, key, "queue", "unpark", "--all", "--of", srv.Key()).want(t, exitRefused, "", "admin key")
}

// A consumer sees how often the message was tried.
func TestConsumeShowsTheAttempt(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.Publish("order.new", "hello")
	if r := with(srv, "consume", "-n", "1", "--no-ack"); r.status != 0 || !strings.Contains(r.out, `"attempt":1,`) {
		t.Fatalf("%+v", r)
	}
	srv.WaitFails(1)
	if r := with(srv, "consume", "-n", "1", "--no-ack", "--output", "text"); !strings.Contains(r.out, "#1  attempt 2  ") {
		t.Errorf("%+v", r)
	}
	r := with(srv, "consume", "-n", "1")
	if d := parsed(t, r.out); len(d) != 1 || d[0]["attempt"].(float64) < 2 {
		t.Errorf("%+v", r)
	}
}

func TestWhatChoosesMessagesForUnparkChoosesThemForParked(t *testing.T) {
	srv := prismtest.NewServer(t)
	ids := parking(t, srv, poison{"order.new", "a", "timeout"}, poison{"user.new", "b", "timeout"})
	choice := []string{"", "--routing-key", "order.#", "--older", "0s", "--reason", "time", "--dry-run", "--output", "json"}
	for _, command := range []string{"parked", "unpark", "discard"} {
		r := with(srv, append([]string{"queue", command}, choice...)...)
		if r.status != 0 || !strings.Contains(r.out, ids[0]) || strings.Contains(r.out, ids[1]) {
			t.Errorf("%s: %+v", command, r)
		}
	}
	if left := parkedNow(srv); !slices.Equal(left, ids) {
		t.Errorf("still parked: %v of %v", left, ids)
	}
}
