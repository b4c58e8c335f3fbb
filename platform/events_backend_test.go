package platform_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/apijson"
	busy "github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

func TestABackendThatFailsAndRecoversIsOneEventForEachChange(t *testing.T) {
	queues := newQueues(memory.Config{})
	e := newGatewayEnv(t, platform.Config{Queues: queues, Gateway: platform.Gateway{Breaker: 3}})
	hear(t, queues)
	events, err := queues.Consume(t.Context(), auditor, "", "test")
	must(t, err)
	defer events.Close()
	next := func() map[string]any {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		leases, err := events.Fetch(ctx, 1, 1<<20)
		must(t, err)
		if text := string(leases[0].Message.Body); strings.Contains(text, "CANARY") {
			t.Errorf("an event has %s", text)
		}
		return eventIn(t, leases[0].Message)
	}
	gone := newBackend(t)
	gone.Close()
	host := strings.TrimPrefix(gone.URL, "http://")
	e.update("orders", func(s *platform.Service) { s.Backend, s.App = gone.URL+"/CANARY?token=CANARY", "supplier" })
	for i, want := range []int{502, 502, 502, 503, 503} {
		if r := e.get(first(), "orders/list", "secret", "CANARY"); r.status != want {
			t.Fatalf("call %d is answered %d %s", i, r.status, r.body)
		}
	}
	e.update("orders", func(s *platform.Service) { s.Backend = e.backend.URL })
	e.p.LookAgain()
	for range 3 {
		e.get(first(), "orders/list").answered(t)
	}
	e.backend.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	e.get(first(), "orders/list") // an answer is no failure
	e.save("other", &apijson.Service{URL: gone.URL, Prefix: "other", Mode: apijson.Path, ParamName: "method"})
	e.update("other", func(s *platform.Service) { s.Backend = gone.URL })
	e.bind("shop", "other", "*")
	e.p.LookAgain()
	e.get(first(), "other/CANARY").want(t, 502, "bad_gateway")

	of := map[string]any{"client_id": "", "app": "supplier", "service": "orders", "node": "", "sandbox": false, "host": host}
	failed := next()
	wantEvent(t, failed, of)
	wantEvent(t, failed, map[string]any{"event": "@system.backend.failed", "api": "list", "code": "bad_gateway", "phase": "dial", "failed": 1.0})
	contains(t, failed["reason"].(string), "cannot be reached")
	paused := next()
	wantEvent(t, paused, of)
	wantEvent(t, paused, map[string]any{"event": "@system.backend.paused", "since": failed["time"], "failed": 3.0})
	of["host"] = strings.TrimPrefix(e.backend.URL, "http://")
	recovered := next()
	wantEvent(t, recovered, of)
	wantEvent(t, recovered, map[string]any{"event": "@system.backend.recovered", "since": failed["time"], "failed": 5.0})
	wantEvent(t, next(), map[string]any{"event": "@system.backend.failed", "service": "other", "app": "", "api": "*", "host": host})
}

func TestABackendThatIsTooSlowIsAnEvent(t *testing.T) {
	queues := newQueues(memory.Config{})
	e := newGatewayEnv(t, platform.Config{Queues: queues, Gateway: platform.Gateway{Timeout: busy.Of(500 * time.Millisecond)}})
	hear(t, queues)
	e.update("orders", func(s *platform.Service) {
		s.Nodes = map[string]map[string]string{"north": {"@url": e.backend.URL}}
	})
	e.backend.answers(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	e.get(first(), "orders/list", "node_id", "north").want(t, 504, "backend_timeout")
	must(t, e.p.Shutdown(t.Context())) // until all events are published
	messages, err := queues.Read(t.Context(), auditor, "", 10)
	if err != nil || len(messages) != 1 {
		t.Fatalf("%d events, %v", len(messages), err)
	}
	wantEvent(t, eventIn(t, messages[0]), map[string]any{
		"event": "@system.backend.failed", "service": "orders", "node": "north", "code": "backend_timeout", "phase": "wait",
	})
}

// What becomes of calls changes as often as callers like, and events come at their rate.
func TestABackendThatFailsNowAndThenIsNoMoreThanItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queues := newQueues(memory.Config{})
		p := newPlatform(t, platform.Config{Queues: queues})
		hear(t, queues)
		fails, pauses := platform.BackendOutcome{Refused: "bad_gateway"}, platform.BackendOutcome{Refused: "unavailable", Paused: true}
		for range 100 {
			p.NoteBackend("orders", fails)
			p.NoteBackend("orders", pauses)
			p.NoteBackend("orders", platform.BackendOutcome{})
			p.NoteBackend("orders", platform.BackendOutcome{Refused: "canceled"})
		}
		got := heard(t, queues, auditor)
		if len(got) != 3 {
			t.Fatalf("events %v", got)
		}
		wantEvent(t, got[2], map[string]any{"event": "@system.backend.recovered", "failed": 2.0})
		time.Sleep(time.Minute)
		p.NoteBackend("orders", pauses)
		for range 100 {
			p.NoteBackend("orders", fails)
		}
		if got = heard(t, queues, auditor); len(got) != 2 {
			t.Fatalf("after a minute %v", got)
		}
		wantEvent(t, got[0], map[string]any{"event": "@system.backend.failed", "code": "unavailable", "failed": 199.0})
		contains(t, got[0]["reason"].(string), "no calls for a while")
		wantEvent(t, got[1], map[string]any{"event": "@system.backend.paused", "failed": 1.0})
		time.Sleep(time.Hour)
		p.NoteBackend("orders", fails)
		p.NoteBackend("orders", platform.BackendOutcome{})
		if got = heard(t, queues, auditor); len(got) != 1 || got[0]["failed"] != 102.0 {
			t.Errorf("in the end %v", got)
		}
	})
}

func TestBackendsThatFailAreRememberedWithinABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(t, platform.Config{})
		for i := range 4200 {
			p.NoteBackend(fmt.Sprint("service", i), platform.BackendOutcome{Refused: "bad_gateway"})
			if i == 4000 {
				time.Sleep(time.Minute) // or the rates have no room
			}
		}
		if n := p.FailingBackends(); n != 4096 {
			t.Errorf("%d backends are remembered", n)
		}
	})
}
