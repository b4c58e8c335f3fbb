package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/prismtest"
)

// madeKey makes a key of an app on the command line.
func madeKey(t *testing.T, srv *prismtest.Server, args ...string) keyLine {
	t.Helper()
	r := with(srv, append([]string{"key", "create", "--output", "json"}, args...)...)
	var line keyLine
	if err := json.Unmarshal([]byte(r.out), &line); err != nil || r.status != exitDone {
		t.Fatalf("%v: %+v", err, r)
	}
	return line
}

// as runs a command with a key that was made.
func as(srv *prismtest.Server, key keyLine, args ...string) result {
	env := of(srv)
	env["PRISM_KEY"], env["PRISM_SECRET"] = key.Key, key.Secret
	return invocation{args: args, env: env}.run()
}

func TestAnAppIsDisabledAndEnabled(t *testing.T) {
	srv := prismtest.NewServer(t)
	with(srv, "app", "create", "My shop", "--id", "shop")
	key := madeKey(t, srv, "shop")
	with(srv, "app", "disable", "shop").want(t, exitDone, "disabled app shop: its keys are refused, and its queues go on to get messages\n", "")
	if r := as(srv, key, "queue", "status"); r.status == exitDone || !strings.Contains(r.err, "prismctl app enable") {
		t.Errorf("a key of it: %+v", r)
	}
	if r := with(srv, "app", "show", "shop"); !strings.Contains(r.out, "state       disabled\n") {
		t.Errorf("shown as %+v", r)
	}
	with(srv, "app", "enable", "shop").want(t, exitDone, "enabled app shop\n", "")
	if r := as(srv, key, "queue", "status"); r.status != exitDone {
		t.Errorf("a key of it: %+v", r)
	}
}

func TestAnAppIsMadeShownAndDeleted(t *testing.T) {
	srv := prismtest.NewServer(t)
	for _, step := range []struct {
		args   []string
		status int
		out    string
		err    string
	}{
		{[]string{"app", "create", "My shop", "--id", "shop", "--summary", "sells\nthings"}, exitDone,
			"id          shop\nname        My shop\nsummary     \"sells\\nthings\"\n", ""},
		{[]string{"app", "create", "Other", "--id", "shop"}, exitRefused, "", "there is an app with the ID shop"},
		{[]string{"app", "show", "shop"}, exitDone, "keys        0 of 500\npublishes   none\nlistens to  none\n", ""},
		{[]string{"app", "show", "nope"}, exitRefused, "", "unknown_app"},
		{[]string{"app", "list"}, exitDone, "ID    NAME     KEYS  CREATED\nshop  My shop  0     ", ""},
		{[]string{"app", "list", "--output", "json"}, exitDone, `{"id":"shop","name":"My shop","summary":"sells\nthings","domain":"default","created":"`, ""},
		{[]string{"app", "publish", "shop", "order.#", "stock.*"}, exitDone, "app shop may publish: order.# stock.*\n", ""},
		{[]string{"app", "listen", "shop", "--none"}, exitDone, "app shop listens to: none\n", ""},
		{[]string{"app", "show", "shop"}, exitDone, "publishes   order.# stock.*\nlistens to  none\n", ""},
		{[]string{"app", "show", "shop", "--output", "json"}, exitDone, `"publish":["order.#","stock.*"],"listen":[]}` + "\n", ""},
		{[]string{"app", "publish", "shop", "order*"}, exitRefused, "", "wildcard"},
		{[]string{"app", "delete", "shop"}, exitDone, "deleted app shop and its keys\n", ""},
		{[]string{"app", "delete", "shop"}, exitRefused, "", "unknown_app"},
	} {
		r := with(srv, step.args...)
		if r.status != step.status || !strings.Contains(r.out, step.out) || !strings.Contains(r.err, step.err) {
			t.Errorf("%q: %+v", step.args, r)
		}
	}
}

func TestAnAppIsMadeWithWhatItMayDo(t *testing.T) {
	srv := prismtest.NewServer(t)
	r := with(srv, "app", "create", "My shop", "--id", "shop", "--publish", "order.#", "--publish", "stock.*", "--listen", "#")
	if r.status != exitDone || !strings.HasSuffix(r.out, "publishes   order.# stock.*\nlistens to  #\n") {
		t.Errorf("%+v", r)
	}
	with(srv, "app", "create", "Other", "--publish", "order*").want(t, exitRefused, "", "wildcard")
}

func TestAKeyThatIsMadeWorksUntilItIsDeleted(t *testing.T) {
	srv := prismtest.NewServer(t)
	with(srv, "app", "create", "Shop", "--id", "shop", "--publish", "#")
	key := madeKey(t, srv, "shop", "--notes", "load test", "--meta", "city=上海;x", "--meta", "n=1", "--expires", "24h")
	if key.App != "shop" || key.Notes != "load test" || key.Meta["city"] != "上海;x" || key.Meta["n"] != "1" || key.Expires == nil {
		t.Errorf("made %+v", key)
	} else if left := time.Until(*key.Expires); left < 23*time.Hour || left > 24*time.Hour {
		t.Errorf("expires in %v", left)
	}
	as(srv, key, "publish", "order.new", "hello").want(t, exitDone, "", "1 message confirmed")
	with(srv, "app", "publish", "shop", "stock.#").want(t, exitDone, "app shop may publish: stock.#\n", "")
	as(srv, key, "publish", "order.new", "hello").want(t, exitRefused, "", "may not publish")
	as(srv, key, "app", "list").want(t, exitRefused, "", "forbidden_admin")
	with(srv, "key", "delete", key.Key).want(t, exitDone, "deleted key "+key.Key+"\n", "")
	as(srv, key, "queue", "list").want(t, exitRefused, "", "unknown_key")
	with(srv, "key", "delete", key.Key).want(t, exitRefused, "", "unknown_key")
}

func TestASecretIsShownOnce(t *testing.T) {
	srv := prismtest.NewServer(t)
	key := madeKey(t, srv, "test")
	for _, args := range []string{
		"key show " + key.Key,
		"key show --output json " + key.Key,
		"key list test",
		"key list --output json test",
		"key show -v debug " + key.Key,
	} {
		r := with(srv, strings.Fields(args)...)
		if r.status != exitDone || !strings.Contains(r.out, key.Key) || strings.Contains(r.out+r.err, key.Secret) {
			t.Errorf("%s: %+v", args, r)
		}
	}
	with(srv, "key", "show", "--secret", key.Key).want(t, exitUsage, "", "prismctl key rotate "+key.Key)
	if r := with(srv, "key", "create", "test"); !strings.HasPrefix(r.out, "key      ") || !strings.Contains(r.out, "\nsecret   ") {
		t.Errorf("a new key is shown as %q", r.out)
	}
}

func TestAKeyExpiresWhenItIsTold(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"":                     {},
		"720h":                 now.Add(720 * time.Hour),
		"2030-01-31":           time.Date(2030, 1, 31, 0, 0, 0, 0, time.Local),
		"2030-01-31T12:00:00Z": time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC),
	} {
		expires, err := parseExpires("--expires", text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if got := expires(now); !got.Equal(want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// A key of the command line, and a login with it: no settings of serve are needed.
func TestAnAddressIsRegisteredOnTheCommandLine(t *testing.T) {
	srv := prismtest.NewServer(t)
	with(srv, "app", "create", "My shop", "--id", "shop")
	const uri = "https://shop.example/callback"
	for _, step := range []struct {
		args     []string
		status   int
		out, err string
	}{
		{[]string{"app", "redirect", "list", "shop"}, exitDone, "", ""},
		{[]string{"app", "redirect", "add", "shop", uri}, exitDone, "app shop may be returned to at " + uri + "\n", ""},
		{[]string{"app", "redirect", "list", "shop"}, exitDone, uri + "\n", ""},
		{[]string{"app", "redirect", "list", "shop", "--output", "json"}, exitDone, `["` + uri + `"]` + "\n", ""},
		{[]string{"app", "redirect", "add", "shop", "/callback"}, exitRefused, "", "absolute address"},
		{[]string{"app", "redirect", "add", "nope", uri}, exitRefused, "", "unknown_app"},
		{[]string{"app", "redirect", "remove", "shop", uri}, exitDone, "app shop may no longer be returned to at " + uri + "\n", ""},
		{[]string{"app", "redirect", "remove", "shop", uri}, exitRefused, "", "unknown_redirect_uri"},
		{[]string{"app", "redirect", "list", "shop", "--output", "json"}, exitDone, "[]\n", ""},
		{[]string{"app", "redirect", "add", "shop", ""}, exitUsage, "", "the address is empty"},
	} {
		r := with(srv, step.args...)
		if r.status != step.status || r.out != step.out || !strings.Contains(r.err, step.err) {
			t.Errorf("%q: %+v", step.args, r)
		}
	}
}
