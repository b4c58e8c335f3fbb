package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
	"github.com/shopex/prism-go/prismtest"
)

func TestQueuesAreMadeBoundReadAndDropped(t *testing.T) {
	srv := prismtest.NewServer(t)
	for _, step := range []struct {
		args   string
		status int
		out    string
		err    string
	}{
		{"queue list", 0, "READY  HELD  PARKED  CONSUMERS  QUEUE\n0      0     0       0          (default)\n", ""},
		{"queue create orders", 0, "created queue orders\n", ""},
		{"queue create orders --output json", 0, "true\n", ""},
		{"queue list", 0, "READY  HELD  PARKED  CONSUMERS  QUEUE\n0      0     0       0          (default)\n0      0     0       0          orders\n", ""},
		{"queue list --output json", 0, `{"topic":"","messages":0,"ready":0,"unacknowledged":0,"parked":0,"consumers":0}` + "\n" + `{"topic":"orders","messages":0,"ready":0,"unacknowledged":0,"parked":0,"consumers":0}` + "\n", ""},
		{"queue bind orders order.#", 0, "bound queue orders to order.#\n", ""},
		{"publish order.new one", 0, "", "1 message confirmed"},
		{"queue write --topic orders two", 0, "written to queue orders\n", ""},
		{"queue write three", 0, "written to the default queue\n", ""},
		{"queue status orders", 0, "messages          2 of 100000\n  ready           2\n  unacknowledged  0\nconsumers         0\nbytes             25 of 268435456\nwhen full         default: refuse the own key, drop the oldest for others\npublished         3\n", ""},
		{"queue status --output json", 0, `{"Messages":2,"Messages_ready":2,"Messages_unacknowledged":0,"Consumers":0,"Backing_queue_status":{"Len":2},"Messages_limit":100000,"Bytes":27,"Bytes_limit":268435456,"Overflow":"default","Dropped":0,"Published":3,"Unrouted":0,"Messages_parked":0,"Parked_dropped":0}` + "\n", ""},
		{"queue write --topic full one", 0, "written to queue full\n", ""},
		{"queue limit full --max-messages 1 --overflow drop-newest", 0, "max messages  1\nmax bytes     268435456\nmax attempts  any number\nwhen full     drop-newest: what comes is dropped\n", ""},
		{"queue write --topic full two", 0, "", "queue full is full and has dropped the message"},
		{"queue write --topic full two --output json", 0, `{"queues":0}` + "\n", "queue full is full and has dropped the message"},
		{"queue drop full", 0, "dropped queue full\n", ""},
		{"queue bind literal order.**", 0, "bound queue literal to order.**\n", "** in the pattern is no wildcard and matches only itself"},
		{"queue drop literal", 0, "dropped queue literal\n", ""},
		{"queue purge", 0, "purged the default queue\n", ""},
		{"queue status --output json", 0, `{"Messages":0,"Messages_ready":0,"Messages_unacknowledged":0,"Consumers":0,"Backing_queue_status":{"Len":0},"Messages_limit":100000,"Bytes":0,"Bytes_limit":268435456,"Overflow":"default","Dropped":0,"Published":6,"Unrouted":2,"Messages_parked":0,"Parked_dropped":0}` + "\n", ""},
		{"queue read", 0, "", ""},
		{"queue drop orders", 0, "dropped queue orders\n", ""},
		{"queue status orders", 1, "", "unknown_topic"},
		{"queue drop orders", 1, "", "unknown_topic"},
	} {
		r := with(srv, strings.Fields(step.args)...)
		if r.status != step.status || r.out != step.out || !strings.Contains(r.err, step.err) {
			t.Errorf("%s: %+v", step.args, r)
		}
	}
}

func TestWhatIsWrittenIsNamedForScripts(t *testing.T) {
	srv := prismtest.NewServer(t)
	r := with(srv, "queue", "write", "hello", "--output", "json")
	r.want(t, exitDone, `{"id":"`+idOf(srv, 0)+`","queues":1}`+"\n", "")
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"result":true,"error":null}`) }))
	defer other.Close()
	env := map[string]string{"PRISM_URL": other.URL, "PRISM_KEY": "key", "PRISM_SECRET": "a-secret-of-the-test"}
	invocation{args: []string{"queue", "write", "hello", "--output", "json"}, env: env}.run().want(t, exitDone, "{}\n", "")
}

// The default queue that nobody reads is the trap of who binds a queue beside it.
func TestWhoeverBindsAQueueIsToldOfTheDefaultOneAndCanUnbindIt(t *testing.T) {
	srv := prismtest.NewServerConfig(t, prismtest.Config{Memory: memory.Config{MaxMessages: 4}})
	with(srv, "queue", "bind", "orders", "order.#").want(t, exitDone, "bound queue orders to order.#\n", "prismctl queue unbind '' '#'")
	for range 2 {
		with(srv, "publish", "order.new", "x").want(t, exitDone, "", "1 message confirmed")
	}
	with(srv, "queue", "status").want(t, exitDone, "messages          2 of 4\n  ready           2\n  unacknowledged  0\nconsumers         0\nbytes             40 of 268435456\nwhen full         default: refuse the own key, drop the oldest for others\npublished         2\n", "the default queue is 50% full and nobody consumes it")
	with(srv, "queue", "unbind", "", "#").want(t, exitDone, "unbound the default queue from #\n", "")
	with(srv, "queue", "unbind", "", "#").want(t, exitRefused, "", "unknown_binding")
	with(srv, "queue", "unbind", "nowhere", "#").want(t, exitRefused, "", "unknown_topic")
	with(srv, "queue", "read", "orders", "-n", "5")
	for range 3 {
		with(srv, "publish", "order.new", "x").want(t, exitDone, "", "1 message confirmed")
	}
	if srv.Depth("") != 2 || srv.Depth("orders") != 3 {
		t.Errorf("the default queue has %d messages, the other %d", srv.Depth(""), srv.Depth("orders"))
	}
	r := with(srv, "queue", "bind", "paid", "*.paid")
	if r.err != "" {
		t.Errorf("a warning without a cause: %s", r.err)
	}
}

func TestReadPrintsDeliveriesWithoutATag(t *testing.T) {
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	srv := prismtest.NewServerConfig(t, prismtest.Config{Platform: platform.Config{
		Now:        func() time.Time { return noon },
		SignWindow: -1,
	}})
	srv.Publish("order.new", "<1 & 2>")
	srv.Publish("order.new", "second")
	want := ""
	for i, body := range []string{"<1 & 2>", "second"} {
		want += fmt.Sprintf(`{"id":%q,"key":"order.new","type":"text/plain","time":%d,"body":%q,"app":"test","client_id":%q}`+"\n",
			srv.Peek("")[i].Message.ID, noon.Unix(), body, srv.Key())
	}
	r := with(srv, "queue", "read", "-n", "5")
	r.want(t, exitDone, want, "")
	if srv.Depth("") != 0 {
		t.Error("the messages are still there")
	}
}

func TestWriteTakesItsMessageFromStandardInput(t *testing.T) {
	srv := prismtest.NewServer(t)
	i := invocation{args: []string{"queue", "write", "-"}, env: of(srv), in: strings.NewReader("a\nb\x00\n")}
	i.run().want(t, exitDone, "written to the default queue\n", "")
	if got := srv.WaitPublished(1); string(got[0].Message.Body) != "a\nb\x00\n" {
		t.Errorf("stored %q", got[0].Message.Body)
	}
}

func TestAPageOfAProxyIsNoSuccess(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>back soon</html>") }))
	defer proxy.Close()
	env := map[string]string{"PRISM_URL": proxy.URL, "PRISM_KEY": "key", "PRISM_SECRET": "a-secret-of-the-test"}
	for _, args := range []string{"queue create t", "queue write x", "queue status", "queue list", "queue purge", "app list", "key list app"} {
		r := invocation{args: strings.Fields(args), env: env}.run()
		if r.status != exitRefused || !strings.Contains(r.err, `begins with "<html>back soon</html>"`) || strings.Contains(r.err, "cannot reach") || r.out != "" {
			t.Errorf("%s: status %d, %q, %q", args, r.status, r.out, r.err)
		}
	}
}

func TestAnAnswerThatBreaksOffWasReached(t *testing.T) {
	breaking := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, `{"result":true,`)
	}))
	defer breaking.Close()
	env := map[string]string{"PRISM_URL": breaking.URL, "PRISM_KEY": "key", "PRISM_SECRET": "a-secret-of-the-test"}
	for _, args := range []string{"queue create t", "queue write x", "post a", "queue status"} {
		r := invocation{args: strings.Fields(args), env: env}.run()
		if r.status != exitRefused || !strings.Contains(r.err, "broke off, so it may be done or not") || strings.Contains(r.err, "cannot reach") {
			t.Errorf("%s: status %d, %q", args, r.status, r.err)
		}
	}
}
