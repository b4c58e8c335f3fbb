package main

import (
	"context"
	"strings"
	"testing"

	"github.com/shopex/prism-go/prismtest"
)

// tailed begins prismctl tail, and returns when it sees what happens.
func tailed(ctx context.Context, t *testing.T, env map[string]string, screen bool, args ...string) (*live, <-chan result) {
	t.Helper()
	out := newLive()
	done := begin(invocation{ctx: ctx, args: append([]string{"tail"}, args...), env: env, out: out, screen: screen})
	out.line(t, 1)
	return out, done
}

func TestTailShowsALineForEachThing(t *testing.T) {
	srv := prismtest.NewServer(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, done := tailed(ctx, t, of(srv), false)
	with(srv, "publish", "订单.已付款", "CANARY")
	with(srv, "consume", "-n", "1")
	with(srv, "get", "no/such")
	out.await(t, "the call", func(text string) bool { return strings.Contains(text, "no/such") })
	stop()
	if r := <-done; r.status != exitDone || r.err != "" {
		t.Fatalf("%+v %s", r, out.String())
	}
	for _, part := range []string{"TIME     EVENT   KEY\n", " connect " + srv.Key(), " publish " + srv.Key(), "  订单.已付款 to 1 queue 6 B ", " deliver ", " ack     ", " close   ", "unknown_api no/such"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q is not in\n%s", part, out.String())
		}
	}
	fitsScreen(t, out.String())
	if strings.Contains(out.String(), "CANARY") || strings.Contains(out.String(), "\x1b") {
		t.Errorf("it shows\n%s", out.String())
	}
}

func TestTailShowsInRedWhatFailedOnATerminalThatHasColors(t *testing.T) {
	for no, want := range map[string]bool{"": true, "1": false} {
		srv := prismtest.NewServer(t)
		env := of(srv)
		env["NO_COLOR"] = no
		out, done := tailed(t.Context(), t, env, true, "--failed", "-n", "1")
		with(srv, "get", "no/such")
		if r := <-done; r.status != exitDone {
			t.Fatalf("%+v", r)
		}
		if red := strings.Contains(out.String(), "\x1b[31m") && strings.HasSuffix(out.String(), "\x1b[0m\n"); red != want {
			t.Errorf("NO_COLOR=%q: %q", no, out.String())
		}
	}
}

func TestTailForProgramsIsJSONAndFiltered(t *testing.T) {
	srv := prismtest.NewServer(t)
	out, done := tailed(t.Context(), t, of(srv), false, "--output", "json", "--client", srv.Key(), "--routing-key", "order.#", "-n", "2")
	with(srv, "publish", "stock.new", "x")
	with(srv, "publish", "order.new", "x")
	with(srv, "publish", "order.paid", "x")
	if r := <-done; r.status != exitDone {
		t.Fatalf("%+v", r)
	}
	got := parsed(t, out.String())
	if len(got) != 3 || got[0]["event"] != "begin" || got[1]["routing_key"] != "order.new" || got[2]["routing_key"] != "order.paid" || got[2]["event"] != "publish" || got[2]["client_id"] != srv.Key() {
		t.Errorf("printed %v", got)
	}
}

func TestTailGoesOnBehindARestartAndSaysThatSomethingIsMissing(t *testing.T) {
	for name, fault := range map[string]func(*prismtest.Server){
		"cut":     func(srv *prismtest.Server) { srv.Cut() },
		"restart": func(srv *prismtest.Server) { srv.Restart() },
	} {
		t.Run(name, func(t *testing.T) {
			srv := prismtest.NewServer(t)
			out := newLive()
			done := begin(invocation{ctx: t.Context(), args: []string{"tail", "--output", "json", "--api", "no", "-n", "1"}, env: of(srv), out: out})
			out.line(t, 1)
			fault(srv)
			out.line(t, 2) // it has begun again
			with(srv, "get", "no/such")
			r := <-done
			if r.status != exitDone || strings.Count(r.err, "\n") != 2 || !strings.Contains(r.err, "the connection was lost (") || !strings.Contains(r.err, "connected again; what happened in between is missing here") {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestATailThatIsInterruptedHasDoneItsWorkUnlessItWasToCount(t *testing.T) {
	srv := prismtest.NewServer(t)
	for _, row := range []struct {
		args   []string
		status int
	}{{nil, exitDone}, {[]string{"-n", "1000"}, exitInterrupted}} {
		ctx, stop := context.WithCancel(t.Context())
		_, done := tailed(ctx, t, of(srv), false, row.args...)
		stop()
		if r := <-done; r.status != row.status || r.err != "" {
			t.Errorf("%v: %+v", row.args, r)
		}
	}
	r := with(srv, "tail", "--routing-key", "none", "-n", "1", "--timeout", "300ms")
	if r.status != exitTimeout {
		t.Errorf("%+v", r)
	}
}

func TestATailThatIsRefusedOrReachesNobodyEnds(t *testing.T) {
	srv := prismtest.NewServer(t)
	env := of(srv)
	env["PRISM_SECRET"] = "wrong-wrong-wrong-wrong"
	if r := (invocation{args: []string{"tail"}, env: env}).run(); r.status != exitRefused || !strings.Contains(r.err, "invalid_sign") {
		t.Errorf("%+v", r)
	}
	env["PRISM_URL"] = "http://127.0.0.1:1/api"
	if r := (invocation{args: []string{"tail"}, env: env}).run(); r.status != exitUnreachable {
		t.Errorf("%+v", r)
	}
	for _, args := range [][]string{{"-n", "0"}, {"--rate", "0"}, {"--rate", "10001"}} {
		if r := with(srv, append([]string{"tail"}, args...)...); r.status != exitUsage {
			t.Errorf("%v: %+v", args, r)
		}
	}
}
