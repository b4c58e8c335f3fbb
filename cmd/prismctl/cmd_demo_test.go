package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform/jetstream"
)

// misleading is an environment that would break the demo if it used any.
func misleading() map[string]string {
	return map[string]string{
		"PRISM_URL": "http://127.0.0.1:1/api", "PRISM_KEY": "k", "PRISM_SECRET": "wrong", "PRISM_TOKEN": "x y", "PRISM_LOG": "loud",
	}
}

const demoSteps = 9

func TestTheDemoHoldsWhateverTheEnvironmentSays(t *testing.T) {
	began := time.Now()
	r := invocation{args: []string{"demo"}, env: misleading()}.run()
	if r.status != exitDone || r.err != "" || time.Since(began) > patience.Of(10*time.Second) {
		t.Fatalf("%+v", r)
	}
	for _, part := range []string{
		"GET shop/order id=1001: HTTP 200", "Hello demo-", "HTTP 200, 3 pieces; then HTTP 429 rate_limited; then HTTP 403 forbidden_api",
		"order.new: hello world: published", "tried again", "all 200 consumed", "HTTP 401 invalid_sign", "All of it held",
	} {
		if !strings.Contains(r.out, part) {
			t.Errorf("%q is not in\n%s", part, r.out)
		}
	}
	if strings.Count(r.out, "✓") != demoSteps {
		t.Errorf("not every step is checked in\n%s", r.out)
	}
}

func TestTheDemoForProgramsIsOneObjectAStep(t *testing.T) {
	r := invocation{args: []string{"demo", "--output", "json"}}.run()
	steps := parsed(t, r.out)
	if r.status != exitDone || len(steps) != demoSteps {
		t.Fatalf("%+v", r)
	}
	for _, s := range steps {
		if s["ok"] != true {
			t.Errorf("%v", s)
		}
	}
	for _, part := range []string{
		"called GET shop/order", "read Hello demo-", "offered the APIs of a warehouse", "called GET warehouse/stock/4711 for a user: HTTP 200, 3 pieces for demo-",
		"refused a further call: HTTP 429 rate_limited", "taken back the binding: HTTP 403 forbidden_api",
		"published order.new: hello world (confirmed)", "consumed order.new: hello world", "acknowledged the queue is empty",
		"tried again order.paid", "cut 4 connections", "reconnected the consumer", "reconnected the publisher",
		"consumed all 200 messages", "refused HTTP 401 invalid_sign",
	} {
		if !strings.Contains(r.out, part) {
			t.Errorf("%q is not in\n%s", part, r.out)
		}
	}
}

func TestTheDemoHoldsOnWhatStaysAndLeavesItAsItWas(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	for _, place := range [][]string{{"--data", dir}, {"--data", dir}, {"--nats", jetStream(t)}} {
		r := invocation{args: append([]string{"demo"}, place...), env: misleading()}.run()
		if r.status != exitDone || r.err != "" || strings.Count(r.out, "✓") != demoSteps {
			t.Errorf("%v: %+v", place, r)
		}
	}
	if n := queuesIn(t, dir); n > 0 {
		t.Errorf("the demo has left %d queues", n)
	}
	one := serve(t, nil, "--data", dir)
	if one.User != "demo" || one.Password == "" {
		t.Errorf("the demo has left a user: %s", one.first)
	}
	if r := one.do("app list --output json"); len(parsed(t, r.out)) != 1 {
		t.Errorf("the demo has left an app: %+v", r)
	}
	one.stop().want(t, exitDone, "", "")
}

// queuesIn counts the queues of a data directory that nobody uses.
func queuesIn(t *testing.T, dir string) int {
	t.Helper()
	e, err := jetstream.Open(t.Context(), jetstream.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	all, err := e.Depths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func TestTheDemoIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := (invocation{ctx: ctx, args: []string{"demo"}}).run(); r.status != exitInterrupted {
		t.Errorf("%+v", r)
	}
}

func TestTheDemoSaysThatItsOutputIsClogged(t *testing.T) {
	invocation{args: []string{"demo"}, out: &clogged{room: 5}}.run().want(t, exitRefused, "", "cannot write to standard output")
}
