package main

import (
	"encoding/json"
	"path/filepath"
	"testing"
)

func TestSystemEventsReachThoseThatAskForThemByName(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := serve(t, nil, "--data", data, "--admin-listen", "127.0.0.1:0")
	audit := s.as(s.made(t, "Audit --id audit --listen @system.#", "audit"))
	all := s.as(s.made(t, "All --id all --listen #", "all"))
	audit.do("queue bind events @system.#").want(t, exitDone, "bound queue events to @system.#\n", "")
	all.do("queue bind events @system.#").want(t, exitRefused, "", "may not listen")
	all.do("queue bind events #").want(t, exitDone, "bound queue events to #\n", "")
	s.do("publish @system.oauth.login x").want(t, exitRefused, "", "begins with @system.")

	guess := s
	guess.Secret = "guessedguessedguesse"
	for range 3 {
		guess.do("queue status").want(t, exitRefused, "", "signature does not match")
	}
	r := audit.do("consume events --count 1 --output json")
	if r.status != exitDone {
		t.Fatalf("%+v", r)
	}
	got := parsed(t, r.out)[0]
	if got["key"] != "@system.sign.refused" || got["type"] != "application/json" || got["client_id"] != nil || got["app"] != nil {
		t.Errorf("the delivery is %v", got)
	}
	var event map[string]any
	if err := json.Unmarshal([]byte(got["body"].(string)), &event); err != nil || event["client_id"] != s.Key || event["refused"] != 1.0 {
		t.Errorf("the event is %v, %v", got["body"], err)
	}
	for _, of := range []served{s, all} {
		if r := of.do("queue status --output json"); parsed(t, r.out)[0]["Messages"] != 0.0 {
			t.Errorf("a permission for # has brought %s", r.out)
		}
	}
	if r := all.do("queue status events --output json"); parsed(t, r.out)[0]["Messages"] != 0.0 {
		t.Errorf("a permission for # has brought %s", r.out)
	}
	_, text := ask(t, s.AdminURL+"/metrics")
	if n, lost := metric(text, "prism_system_events_total"), metric(text, "prism_system_events_lost_total"); n != "1" || lost != "0" {
		t.Errorf("%q system events, %q lost", n, lost)
	}
	s.stop().want(t, exitDone, "", "")
}
