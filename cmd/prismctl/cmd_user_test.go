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
		{"user role", exitDone, "LOGIN  ROLE  DOMAIN  MEMBER\n", ""},
		{"user role ann admin --domain shops", exitDone, "user ann has the role admin\n", ""},
		{"user role ann", exitDone, "ann    admin  shops   -\n", ""},
		{"user role ann --output json", exitDone, `{"login":"ann","role":"admin","domain":"shops"}`, ""},
		{"user role nobody", exitUsage, "", "the user nobody has no role"},
		{"user role ann king", exitRefused, "", "is none of operator, admin, provider and developer"},
		{"user role ann developer --member nobody@shop.example", exitRefused, "", "has no member with this email"},
		{"user role ann --domain shops", exitUsage, "", "are for a role that is given"},
		{"user role --remove", exitUsage, "", "--remove is for one user"},
		{"user role ann --remove", exitDone, "user ann has no role any more\n", ""},
		{"user role ann --remove", exitRefused, "", "unknown_user"},
		{"user create ben --id 8", exitDone, "made user ben\n", ""},
		{"user create ben", exitRefused, "", "in_use"},
		{"user list", exitDone, "ben    8   yes", ""},
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

func TestAKeyIsSwitchedOffAndOnAgainOnTheCommandLine(t *testing.T) {
	srv := prismtest.NewServer(t)
	key := madeKey(t, srv, "test")
	with(srv, "key", "expire", key.Key).want(t, exitDone, "key "+key.Key+" has ended\n", "")
	as(srv, key, "queue", "bindings").want(t, exitRefused, "", "key_expired")
	with(srv, "key", "expire", key.Key, "--never").want(t, exitDone, "key "+key.Key+" does not end\n", "")
	as(srv, key, "queue", "bindings").want(t, exitDone, "", "")
	with(srv, "key", "expire", key.Key, "--at", "2030-01-31T00:00:00Z").want(t, exitDone, "key "+key.Key+" ends at 2030-01-31T00:00:00Z\n", "")
	if r := with(srv, "key", "show", key.Key); !strings.Contains(r.out, "expires  2030-01-31") {
		t.Errorf("%+v", r)
	}
	with(srv, "key", "expire", key.Key, "--at", "soon").want(t, exitUsage, "", "--at: \"soon\" is no time")
	with(srv, "key", "expire", key.Key, "--at", "1h", "--never").want(t, exitUsage, "", "exclude each other")
}
