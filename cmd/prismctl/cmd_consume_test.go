package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/prismtest"
)

// parsed returns the JSON objects of an output, one a line.
func parsed(t *testing.T, out string) []map[string]any {
	t.Helper()
	var objects []map[string]any
	for line := range strings.Lines(out) {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		objects = append(objects, o)
	}
	return objects
}

func TestConsumePrintsOneObjectADelivery(t *testing.T) {
	srv := prismtest.NewServer(t)
	now := srv.Now().Unix()
	srv.Publish("order.new", "hello <wörld> & \"co\"\n")
	srv.Publish("order.new", "\xff\x00")
	srv.Publish("order.new", "")
	want := ""
	for i, body := range []string{`"body":"hello <wörld> & \"co\"\n"`, `"body_base64":"/wA="`, `"body":""`} {
		want += fmt.Sprintf(`{"tag":%d,"id":%q,"attempt":1,"key":"order.new","type":"text/plain","time":%d,%s,"app":"test","client_id":%q}`+"\n",
			i+1, srv.Peek("")[i].Message.ID, now, body, srv.Key())
	}
	with(srv, "consume", "-n", "3").want(t, exitDone, want, "")
}

func TestConsumeForPeopleShowsNothingThatATerminalObeys(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.Publish("order.new", "hello wörld")
	srv.Publish("order.new", "\x1b[2J")
	r := with(srv, "consume", "-n", "2", "--output", "text")
	if r.status != exitDone || !strings.Contains(r.out, "  order.new  text/plain  hello wörld\n") || !strings.HasSuffix(r.out, `  "\x1b[2J"`+"\n") {
		t.Errorf("%+v", r)
	}
}

func TestExactlyNAreAcknowledged(t *testing.T) {
	srv := prismtest.NewServer(t)
	for range 20 {
		srv.Publish("order.new", "x")
	}
	r := with(srv, "consume", "-n", "7")
	if r.status != exitDone || len(parsed(t, r.out)) != 7 {
		t.Errorf("%+v", r)
	}
	srv.WaitConnections(0)
	if acked, left := len(srv.Acks()), srv.Status(""); acked != 7 || left.Ready != 13 || left.Unacknowledged != 0 {
		t.Errorf("%d acknowledged, left %+v", acked, left)
	}
}

func TestConsumeTakesATopic(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.Write("orders", "for orders")
	srv.Write("", "for all")
	r := with(srv, "consume", "orders", "-n", "1")
	if r.status != exitDone || parsed(t, r.out)[0]["body"] != "for orders" {
		t.Errorf("%+v", r)
	}
}

func TestNoAckOnlyLooks(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.Publish("a", "x")
	r := with(srv, "consume", "--no-ack", "-n", "1")
	if r.status != exitDone || len(parsed(t, r.out)) != 1 {
		t.Errorf("%+v", r)
	}
	if len(srv.Acks()) != 0 || srv.Depth("") != 1 {
		t.Error("the message was acknowledged")
	}
}

func TestTooFewWithinTimeoutExit4(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.Publish("a", "x")
	r := with(srv, "consume", "-n", "2", "--timeout", "300ms")
	if r.status != exitTimeout || len(parsed(t, r.out)) != 1 || !strings.Contains(r.err, "1 delivery within --timeout") {
		t.Errorf("%+v", r)
	}
	with(srv, "consume", "--timeout", "300ms").want(t, exitDone, "", "")
}

func TestAnInterruptedConsumerHasDoneItsWorkUnlessItWasToCount(t *testing.T) {
	srv := prismtest.NewServer(t)
	for i, c := range []struct {
		args   []string
		status int
	}{
		{[]string{"consume"}, exitDone},
		{[]string{"consume", "-n", "2"}, exitInterrupted},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		done := begin(invocation{ctx: ctx, args: c.args, env: of(srv)})
		srv.Publish("a", "x")
		srv.WaitAcks(i + 1)
		cancel()
		r := <-done
		if r.status != c.status || r.err != "" || len(parsed(t, r.out)) != 1 {
			t.Errorf("%v: %+v", c.args, r)
		}
	}
}

// A clogged output takes some writes and then no more, as a pipe whose reader
// has gone.
type clogged struct{ room int }

func (c *clogged) Write(p []byte) (int, error) {
	if c.room--; c.room < 0 {
		return 0, errors.New("broken pipe")
	}
	return len(p), nil
}

func TestWhatCouldNotBeWrittenIsNotAcknowledged(t *testing.T) {
	srv := prismtest.NewServer(t)
	for range 5 {
		srv.Publish("a", "x")
	}
	r := invocation{args: []string{"consume"}, env: of(srv), out: &clogged{room: 2}}.run()
	r.want(t, exitRefused, "", "cannot write to standard output: broken pipe")
	srv.WaitConnections(0)
	if acked, left := len(srv.Acks()), srv.Depth(""); acked != 2 || left != 3 {
		t.Errorf("%d acknowledged, %d left", acked, left)
	}
}

func TestConsumeHeals(t *testing.T) {
	for name, fault := range map[string]func(*prismtest.Server){
		"cut":     func(srv *prismtest.Server) { srv.Cut() },
		"restart": func(srv *prismtest.Server) { srv.Restart() },
		"stall":   func(srv *prismtest.Server) { srv.Stall() },
	} {
		t.Run(name, func(t *testing.T) {
			// The platform must notice, too, that the old connection is dead.
			watchful := platform.Config{PingInterval: 100 * time.Millisecond, PongTimeout: 100 * time.Millisecond}
			srv := prismtest.NewServerConfig(t, prismtest.Config{Platform: watchful})
			done := begin(invocation{args: []string{"consume", "-n", "2", "--ping", "100ms"}, env: of(srv)})
			srv.Publish("a", "one")
			srv.WaitAcks(1)
			fault(srv)
			srv.Publish("a", "two")
			r := <-done
			if r.status != exitDone || !strings.Contains(r.err, "the connection was lost") || !strings.Contains(r.err, "connected again") {
				t.Errorf("%+v", r)
			}
			if got := parsed(t, r.out); len(got) < 2 || got[len(got)-1]["body"] != "two" {
				t.Errorf("printed %v", got)
			}
		})
	}
}

func TestConsumeWaitsForAPlaceWhenThereAreTooManyConnections(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.HandleOnce("platform/notify", prismtest.Fail(429, "too_many_connections", "this key has its connections"))
	srv.Publish("a", "x")
	r := with(srv, "consume", "-n", "1")
	if r.status != exitDone || len(parsed(t, r.out)) != 1 || !strings.Contains(r.err, "too_many_connections") {
		t.Errorf("%+v", r)
	}
}

func TestConsumeOfADroppedQueueSaysThatAndNoMore(t *testing.T) {
	srv := prismtest.NewServer(t)
	with(srv, "queue", "create", "orders")
	done := begin(invocation{args: []string{"consume", "orders"}, env: of(srv)})
	srv.WaitConnections(1)
	with(srv, "queue", "drop", "orders").want(t, exitDone, "dropped queue orders\n", "")
	r := <-done
	r.want(t, exitRefused, "", "the queue was dropped")
	if strings.Contains(r.err, "connecting again") || strings.Count(r.err, "\n") != 1 {
		t.Errorf("it says %q", r.err)
	}
}

func TestConsumeOfAQueueThatIsNotThereSaysSo(t *testing.T) {
	srv := prismtest.NewServer(t)
	with(srv, "consume", "orders", "-n", "1").want(t, exitRefused, "", "there is no queue orders: --create makes it")
	with(srv, "queue", "bindings", "orders").want(t, exitRefused, "", "unknown_topic") // nothing was made
	done := begin(invocation{args: []string{"consume", "orders", "--create", "-n", "1", "--output", "text"}, env: of(srv)})
	srv.WaitConnections(1)
	srv.Write("orders", "hello")
	if r := <-done; r.status != exitDone || r.err != "" || !strings.Contains(r.out, "hello") {
		t.Errorf("%+v", r)
	}
}

func TestConsumeBeginsThoughNobodySaysWhetherTheQueueIsThere(t *testing.T) {
	before := hintTime
	hintTime = 50 * time.Millisecond
	defer func() { hintTime = before }()
	srv := prismtest.NewServer(t)
	with(srv, "queue", "create", "orders")
	srv.Write("orders", "hello")
	srv.Handle("platform/notify/status", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	r := with(srv, "consume", "orders", "-n", "1", "--timeout", patience.Of(10*time.Second).String())
	if r.status != exitDone || r.err != "" || parsed(t, r.out)[0]["body"] != "hello" {
		t.Errorf("%+v", r)
	}
}
