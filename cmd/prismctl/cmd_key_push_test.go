package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/shopex/prism-go/internal/push"
	"github.com/shopex/prism-go/prismtest"
)

func pushOf(t *testing.T, r result) (doc pushDoc) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.out), &doc); err != nil || r.status != exitDone {
		t.Fatalf("%v: %+v", err, r)
	}
	return doc
}

func TestTheMessagesOfAKeyArePushedOnTheCommandLine(t *testing.T) {
	var fail atomic.Bool
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fail.Load() {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer receiver.Close()
	srv := prismtest.NewServer(t)
	key := srv.Key()
	with(srv, "key", "push", key).want(t, exitDone, "key  "+key+"\nurl  none: \"prismctl key push KEY URL\" sets one\n", "")
	set := pushOf(t, with(srv, "key", "push", key, receiver.URL+"/hook", "--workers", "3", "--output", "json"))
	if _, err := push.ParseSecret(set.Secret); err != nil || set.URL != receiver.URL+"/hook" || set.Workers != 3 || set.OldUntil != nil {
		t.Errorf("set %+v: %v", set, err)
	}
	srv.Write("", "1")
	srv.WaitPushes(1)
	shown := pushOf(t, with(srv, "key", "push", key, "--output", "json"))
	if shown.Secret != "" || shown.Delivered != 1 || shown.LastStatus != 200 || shown.WaitingSince != nil {
		t.Errorf("shown %+v", shown)
	}
	fail.Store(true)
	srv.Write("", "2")
	srv.WaitPushes(2)
	r := with(srv, "key", "push", key)
	for _, line := range []string{"workers        3\n", "last status    502\n", "last error     the receiver answered 502 Bad Gateway\n", "waiting since  "} {
		if !strings.Contains(r.out, line) {
			t.Errorf("no %q in\n%s", line, r.out)
		}
	}
	rotated := pushOf(t, with(srv, "key", "push", key, "--rotate", "--output", "json"))
	if _, err := push.ParseSecret(rotated.Secret); err != nil || rotated.Secret == set.Secret || rotated.OldUntil == nil {
		t.Errorf("rotated %+v: %v", rotated, err)
	}
	for _, args := range [][]string{{"key", "show", key}, {"key", "list", "test"}, {"key", "show", key, "--output", "json"}, {"key", "push", key}} {
		if r := with(srv, args...); strings.Contains(r.out, "whsec_") || r.status != exitDone {
			t.Errorf("%q: %+v", args, r)
		}
	}
	if r := with(srv, "key", "show", key); !strings.HasSuffix(r.out, "push     "+receiver.URL+"/hook\n") {
		t.Errorf("%+v", r)
	}
	with(srv, "key", "push", key, "off").want(t, exitDone, "the messages of key "+key+" are pushed nowhere\n", "")
	with(srv, "key", "push", key, "--rotate").want(t, exitRefused, "", "has no push address")
}

func TestWhatCannotBePushedToIsSaidInOneSentence(t *testing.T) {
	srv := prismtest.NewServer(t)
	for _, step := range []struct {
		args   []string
		status int
		err    string
	}{
		{[]string{"http://169.254.169.254/"}, exitRefused, "never connected to"},
		{[]string{"https://u:p@receiver.example/"}, exitRefused, "must not have a user or password"},
		{[]string{"receiver.example"}, exitRefused, "must begin with http:// or https://"},
		{[]string{"https://receiver.example/", "--workers", "65"}, exitRefused, "1 to 64"},
		{[]string{"https://receiver.example/", "--rotate"}, exitUsage, "leave the address out"},
		{[]string{"off", "--workers", "2"}, exitUsage, "--workers needs the address"},
		{[]string{"--rotate", "--grace", "1ms"}, exitUsage, "--grace must be whole seconds"},
	} {
		with(srv, append([]string{"key", "push", srv.Key()}, step.args...)...).want(t, step.status, "", step.err)
	}
}
