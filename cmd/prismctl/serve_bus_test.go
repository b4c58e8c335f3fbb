package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// made makes an app, and a key of it.
func (s served) made(t *testing.T, app string, keyArgs ...string) keyLine {
	t.Helper()
	if r := s.do("app create " + app); r.status != exitDone {
		t.Fatalf("%+v", r)
	}
	var key keyLine
	r := s.do("key create --output json " + strings.Join(keyArgs, " "))
	if err := json.Unmarshal([]byte(r.out), &key); err != nil {
		t.Fatalf("%v: %+v", err, r)
	}
	return key
}

// as is s for another key.
func (s served) as(key keyLine) served {
	s.Key, s.Secret = key.Key, key.Secret
	return s
}

// ready returns how many messages the default queue has.
func (s served) ready(t *testing.T) float64 {
	t.Helper()
	r := s.do("queue status --output json")
	if r.status != exitDone {
		t.Fatalf("%+v", r)
	}
	return parsed(t, r.out)[0]["Messages_ready"].(float64)
}

func TestWhatOneAppPublishesReachesEachThatListensAndNobodyElse(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := serve(t, nil, "--data", data)
	shop := s.made(t, "Shop --id shop --publish order.#", "shop")
	erp := s.made(t, "ERP --id erp --listen order.#", "erp", "--bind", "order.new")
	idle := s.made(t, "Idle --id idle --listen #", "idle")
	publish := func(s served) {
		t.Helper()
		s.as(shop).do("publish order.new hello").want(t, exitDone, "", "1 message confirmed\n")
		s.as(shop).do("publish stock.low hello").want(t, exitRefused, "", "may not publish")
	}
	count := func(s served, want float64) {
		t.Helper()
		for _, c := range []struct {
			name string
			key  keyLine
			want float64
		}{{"the publisher", shop, 0}, {"the ERP", erp, want}, {"the key that is bound to nothing", idle, 0}, {"the first key", keyLine{Key: s.Key, Secret: s.Secret}, want}} {
			if n := s.as(c.key).ready(t); n != c.want {
				t.Errorf("%s has %v messages, want %v", c.name, n, c.want)
			}
		}
	}
	publish(s)
	count(s, 1)
	s.stop().want(t, exitDone, "", "")

	again := serve(t, nil, "--data", data) // no key was used since
	again.Secret = s.Secret
	publish(again)
	count(again, 2)
	again.do("app listen erp --none").want(t, exitDone, "app erp listens to: none\n", "")
	publish(again)
	if n := again.as(erp).ready(t); n != 2 {
		t.Errorf("a key whose app may listen to nothing has %v messages, want 2", n)
	}
	again.stop().want(t, exitDone, "", "")
}

// What the settings change counts for queues that nobody uses at present, too.
func TestWhatTheSettingsLetAnAppListenToCountsFromTheStart(t *testing.T) {
	data, secret := filepath.Join(t.TempDir(), "data"), inFile(t, "secret", "ucr72ygfutspqeuu6s36")
	env := map[string]string{"PRISM_KEY": "first", "PRISM_SECRET": "ucr72ygfutspqeuu6s36"}
	settings := func(listen string) string {
		return inFile(t, "c.toml", "[[app]]\nid = 'erp'\n"+listen+"\n[[key]]\nid = 'erp1'\napp = 'erp'\nsecret-file = '"+secret+"'\n")
	}
	for i, step := range []struct {
		listen string
		want   float64 // messages, in the end
	}{{"listen = ['order.#']", 1}, {"listen = []", 1}, {"listen = ['#']", 2}} {
		s := serve(t, env, "--data", data, "--config", settings(step.listen))
		if i == 0 {
			s.do("queue bind --of erp1 all order.#").want(t, exitDone, "bound queue all of key erp1 to order.#\n", "")
		}
		s.do("publish order.new hello").want(t, exitDone, "", "1 message confirmed\n")
		r := s.do("queue status all --of erp1 --output json")
		if n := parsed(t, r.out)[0]["Messages_ready"]; n != step.want {
			t.Errorf("with %q there are %v messages, want %v", step.listen, n, step.want)
		}
		s.stop().want(t, exitDone, "", "")
	}
}

func TestAQueueThatDropsIsInTheLogAndInTheMetrics(t *testing.T) {
	s := serve(t, nil, "--admin-listen", "127.0.0.1:0", "--log-format", "json")
	erp := s.made(t, "ERP --id erp --listen #", "erp", "--bind", "order.#")
	s.as(erp).do("queue limit --max-messages 2").want(t, exitDone, "max messages  2\nmax bytes     268435456\nmax attempts  any number\nwhen full     default: refuse the own key, drop the oldest for others\n", "")
	for range 5 {
		s.do("publish order.new x").want(t, exitDone, "", "1 message confirmed\n")
	}
	invocation{args: []string{"queue", "unbind", "", "#"}, env: s.env()}.run().want(t, exitDone, "unbound the default queue from #\n", "")
	s.do("publish stock.low x").want(t, exitDone, "", "1 message confirmed\n")
	_, text := ask(t, s.AdminURL+"/metrics")
	for series, want := range map[string]string{
		`prism_queue_dropped_total{key="` + erp.Key + `",topic=""}`: "3",
		`prism_queue_dropped_total{key="` + s.Key + `",topic=""}`:   "",
		"prism_messages_published_total":                            "6",
		"prism_messages_routed_total":                               "10",
		"prism_messages_unrouted_total":                             "1",
	} {
		if got := metric(text, series); got != want {
			t.Errorf("%s is %q, want %q", series, got, want)
		}
	}
	r := s.stop()
	var warned []map[string]any
	for _, record := range parsed(t, r.err) {
		if strings.Contains(record["msg"].(string), "drops messages") {
			warned = append(warned, record)
		}
	}
	if len(warned) != 1 || warned[0]["level"] != "WARN" || warned[0]["key"] != erp.Key || warned[0]["queue"] != "the default queue" || warned[0]["dropped"] != 1.0 {
		t.Errorf("the log is\n%s", r.err)
	}
}

func TestHowManyQueuesGetAMessageIsBoundedByASetting(t *testing.T) {
	s := serve(t, nil, "--limits-max-fan-out", "2")
	for _, topic := range []string{"a", "b"} {
		if r := s.do("queue bind " + topic + " order.new"); r.status != exitDone {
			t.Errorf("%+v", r)
		}
	}
	s.do("queue bind c order.new").want(t, exitRefused, "", "too_many_queues")
	s.stop().want(t, exitDone, "", "")
}
