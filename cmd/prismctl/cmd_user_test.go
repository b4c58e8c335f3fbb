package main

import (
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/prismtest"
)

func TestAUserIsTakenAwayOnTheCommandLine(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.AddUser(platform.User{ID: "7", Login: "ann"}, "secret")
	env := of(srv)
	for _, step := range []struct {
		args   string
		status int
		out    string
		err    string
	}{
		{"user list", exitDone, "LOGIN  ID  MAY LOG IN  SESSIONS SINCE\nann    7   yes         2", ""},
		{"user disable ann", exitDone, "disabled user ann\n", ""},
		{"user list", exitDone, "ann    7   no ", ""},
		{"user sessions ann --output json", exitDone, `{"login":"ann","id":"7","disabled":true,"sessions_since":"2`, ""},
		{"user enable ann", exitDone, "enabled user ann\n", ""},
		{"user sessions ann --end", exitDone, "ended the sessions of user ann\n", ""},
		{"user sessions nobody", exitUsage, "", "there is no user nobody"},
		{"user password ann", exitDone, "changed the password of user ann\n", ""},
		{"user password ann --password-file /no/such/file", exitUsage, "", "/no/such/file"},
		{"user delete ann", exitDone, "deleted user ann\n", ""},
		{"user delete ann", exitRefused, "", "unknown_user"},
	} {
		r := invocation{args: strings.Fields(step.args), env: env, in: strings.NewReader("new password\n")}.run()
		if r.status != step.status || !strings.Contains(r.out, step.out) || !strings.Contains(r.err, step.err) {
			t.Errorf("%s: %+v", step.args, r)
		}
	}
}

func TestAKeyIsRotatedOnTheCommandLine(t *testing.T) {
	srv := prismtest.NewServer(t)
	key := madeKey(t, srv, "test")
	r := with(srv, "key", "rotate", key.Key, "--output", "json")
	rotated := parsed(t, r.out)[0]
	secret, _ := rotated["secret"].(string)
	if r.status != exitDone || rotated["key"] != key.Key || len(secret) != 20 || secret == key.Secret {
		t.Errorf("rotated to %+v", r)
	}
	as(srv, key, "queue", "bindings").want(t, exitDone, "", "")
	key.Secret = secret
	as(srv, key, "queue", "bindings").want(t, exitDone, "", "")
	with(srv, "key", "rotate", key.Key, "--grace", "1ms").want(t, exitUsage, "", "--grace must be whole seconds")
	if r := with(srv, "key", "rotate", key.Key, "--grace", "0s"); r.status != exitDone {
		t.Errorf("%+v", r)
	}
	as(srv, key, "queue", "list").want(t, exitRefused, "", "invalid_sign")
}
