package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/prismtest"
)

const longID = "订单.查询.按照下单时间和付款状态并且按照店铺编号.列表"

// withCalls is a platform through which calls have gone: one that a backend has answered,
// and one that was refused. It returns their IDs.
func withCalls(t *testing.T) (srv *prismtest.Server, done, refused string) {
	t.Helper()
	srv = prismtest.NewServer(t)
	dir := t.TempDir()
	put(t, dir, map[string]string{"api.json": `{"url":"` + aBackend(t) + `","prefix":"orders","apis":{"` + longID + `":{"path":"list","method":["GET"]},"me":{"path":"me","method":["GET"],"require_oauth":true}}}`})
	with(srv, "api", "import", filepath.Join(dir, "api.json"), "--app", "test", "--online").want(t, exitDone, "orders has 2 APIs and is on line\n", "")
	callIt(t, srv, "orders/list", exitDone)
	callIt(t, srv, "orders/me", exitRefused)
	lines := parsed(t, with(srv, "calls", "tail", "--output", "json").out)
	if len(lines) != 2 {
		t.Fatalf("%d calls: %v", len(lines), lines)
	}
	return srv, lines[0]["id"].(string), lines[1]["id"].(string)
}

// callIt calls an API through the gateway, and returns when the platform has noted that.
func callIt(t *testing.T, srv *prismtest.Server, path string, status int) {
	t.Helper()
	count := func() int { return strings.Count(with(srv, "calls", "tail", "--output", "json").out, "\n") }
	before := count()
	if r := with(srv, "get", path, "token=s3cret"); r.status != status {
		t.Fatalf("%s: %+v", path, r)
	}
	srv.WaitUntil("the call to be noted", func() bool { return count() > before })
}

// fitsScreen fails the test for a line that the columns of a screen do not hold.
func fitsScreen(t *testing.T, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		if n := words.Width(strings.TrimSuffix(line, "\n")); n > screenWidth {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestTheLastCallsAreShownOneALine(t *testing.T) {
	srv, done, refused := withCalls(t)
	r := with(srv, "calls", "tail")
	lines := strings.Split(r.out, "\n")
	if r.status != exitDone || len(lines) != 4 || !strings.HasPrefix(lines[0], "TIME ") || !strings.Contains(lines[1], " 200 ") || !strings.Contains(lines[1], done+"  orders/") || !strings.Contains(lines[1], "…") || !strings.Contains(lines[2], " 403 ") {
		t.Errorf("%+v", r)
	}
	fitsScreen(t, r.out)
	for args, want := range map[string]string{
		"--failed": refused, "--api me": refused, "-n 1": refused, "--service orders --api " + longID: done,
		"--app nobody": "", "--client nobody": "", "--app test --client " + srv.Key() + " --failed": refused,
	} {
		r := with(srv, append([]string{"calls", "tail", "--output", "json"}, strings.Fields(args)...)...)
		got := ""
		if all := parsed(t, r.out); len(all) == 1 {
			got, _ = all[0]["id"].(string)
		}
		if r.status != exitDone || r.err != "" || got != want {
			t.Errorf("%s: %+v, want %s", args, r, want)
		}
	}
	line := parsed(t, with(srv, "calls", "tail", "--failed", "--output", "json").out)[0]
	for name, want := range map[string]any{"service": "orders", "api": "me", "status": 403.0, "code": "user_required", "app": "test", "key": srv.Key(), "method": "GET"} {
		if line[name] != want {
			t.Errorf("%s is %v, want %v", name, line[name], want)
		}
	}
}

func TestACallIsShownWithBothSidesAndNoSecret(t *testing.T) {
	srv, done, refused := withCalls(t)
	text := with(srv, "calls", "show", done)
	for _, want := range []string{"api      orders " + longID, "status   200 OK", "\ncaller: GET /api/", "\nbackend: GET ", "\nbackend: 200 OK", `{"path":"/list"}`} {
		if !strings.Contains(text.out, want) {
			t.Errorf("%q is not in\n%s", want, text.out)
		}
	}
	detail := with(srv, "calls", "show", done, "--output", "json")
	line := parsed(t, detail.out)[0]
	if backend, _ := line["backend"].(map[string]any); line["id"] != done || backend["answer_body"] != `{"path":"/list"}` || backend["status"] != 200.0 {
		t.Errorf("%s", detail.out)
	}
	if r := parsed(t, with(srv, "calls", "show", refused, "--output", "json").out)[0]; r["backend"] != nil {
		t.Errorf("the call was refused, and has a backend: %v", r)
	}
	for _, r := range []result{text, detail} {
		if r.status != exitDone || r.err != "" || strings.Contains(r.out, "s3cret") || strings.Contains(r.out, srv.Secret()) {
			t.Errorf("%+v", r)
		}
	}
}

func TestACallWithAWrongSignatureIsShownWithItsCause(t *testing.T) {
	srv := prismtest.NewServer(t)
	key := srv.NewKey()
	env := of(srv)
	env["PRISM_KEY"], env["PRISM_SECRET"] = key.ID, "not-the-secret-of-it"
	if r := (invocation{args: []string{"get", "orders/list"}, env: env}).run(); r.status != exitRefused {
		t.Fatalf("%+v", r)
	}
	id := parsed(t, with(srv, "calls", "tail", "--output", "json").out)[0]["id"].(string)
	r := with(srv, "calls", "show", id)
	for _, want := range []string{"steps    signature refused\n", "causes   other-secret", "why      The signature is wrong", "to sign  ***&GET&%2Fapi%2Forders%2Flist&&", "because  the signature does not match"} {
		if !strings.Contains(r.out, want) || strings.Contains(r.out, key.Secret) {
			t.Errorf("%q is not in\n%s", want, r.out)
		}
	}
}

func TestACallIsReplayed(t *testing.T) {
	srv, done, refused := withCalls(t)
	r := with(srv, "calls", "replay", done, "--target", "/api/orders/list", "--header", "Accept: text/plain", "--body", "")
	made, rest, _ := strings.Cut(r.out, "  ")
	if r.status != exitDone || rest != "200 OK\n" {
		t.Fatalf("%+v", r)
	}
	if r := with(srv, "calls", "show", made); !strings.Contains(r.out, "repeats  "+done+", by ") || !strings.Contains(r.out, "Accept: text/plain") {
		t.Errorf("%+v", r)
	}
	if r := with(srv, "calls", "replay", refused); r.status != exitRefused || !strings.Contains(r.err, "query token") {
		t.Errorf("a call with a token: %+v", r)
	}
	with(srv, "calls", "replay", done, "--header", "x").want(t, exitUsage, "", "--header must be such as 'Accept: application/json'")
}

func TestCallsAreCountedByAPIAppAndKey(t *testing.T) {
	srv, _, _ := withCalls(t)
	r := with(srv, "calls", "stats")
	if lines := strings.Split(r.out, "\n"); r.status != exitDone || len(lines) != 4 || !strings.HasPrefix(lines[0], "SINCE ") || !strings.HasSuffix(lines[0], " API") || !strings.Contains(r.out, "orders/") {
		t.Errorf("%+v", r)
	}
	fitsScreen(t, r.out)
	for args, want := range map[string]struct {
		name           string
		calls, refused float64
	}{
		"--by app": {"test", 2, 1}, "--by key": {srv.Key(), 2, 1}, "--name orders/me": {"orders/me", 1, 1},
		"--name orders/" + longID + " --bucket minute": {"orders/" + longID, 1, 0},
	} {
		r := with(srv, append([]string{"calls", "stats", "--output", "json"}, strings.Fields(args)...)...)
		all := parsed(t, r.out)
		if len(all) != 1 || all[0]["name"] != want.name || all[0]["calls"] != want.calls || all[0]["refused"] != want.refused {
			t.Errorf("%s: %+v, want %+v", args, r, want)
		}
	}
	with(srv, "calls", "stats", "--past", "721h").want(t, exitUsage, "", "--past must be 1m to 720h")
}

func TestCallsAreForAdminKeysAndKnownIDs(t *testing.T) {
	srv := prismtest.NewServer(t)
	key := srv.NewKey()
	for _, c := range []struct {
		args   string
		key    platform.Key
		status int
		err    string
	}{
		{"tail", key, exitRefused, "forbidden_admin"}, {"tail --follow", key, exitRefused, "forbidden_admin"},
		{"show x", key, exitRefused, "forbidden_admin"}, {"stats", key, exitRefused, "forbidden_admin"},
		{"show KNX2J5VHC6ZQ4LRT3VXW5KQ2MB", platform.Key{ID: srv.Key(), Secret: srv.Secret()}, exitRefused, "unknown_call"},
		{"tail -n 201", key, exitUsage, "-n must be 1 to 200"},
	} {
		env := of(srv)
		env["PRISM_KEY"], env["PRISM_SECRET"] = c.key.ID, c.key.Secret
		r := invocation{args: strings.Fields("calls " + c.args), env: env}.run()
		if r.status != c.status || r.out != "" || !strings.Contains(r.err, c.err) || strings.Contains(r.err, c.key.Secret) {
			t.Errorf("%s: %+v", c.args, r)
		}
	}
}

// A platform that is restarted, or away for a while, does not end what somebody watches.
func TestFollowedCallsGoOnWhenThePlatformComesBack(t *testing.T) {
	srv, done, _ := withCalls(t)
	ctx, end := context.WithCancel(t.Context())
	defer end()
	lines, notices := newLive(), newLive()
	ended := begin(invocation{ctx: ctx, args: []string{"calls", "tail", "-f", "--output", "json", "--api", longID}, env: of(srv), out: lines, err: notices})
	next := func(l *live, n int, want string) {
		t.Helper()
		if line := l.line(t, n); !strings.Contains(line, want) {
			t.Fatalf("%q, want %q", line, want)
		}
	}
	next(lines, 1, done)
	callIt(t, srv, "orders/list", exitDone)
	next(lines, 2, longID)
	srv.Refuse(true)
	srv.Cut()
	next(notices, 2, "It is asked again until it answers, or until Ctrl-C.")
	srv.Restart()
	srv.Refuse(false)
	next(notices, 3, "the platform answers again")
	callIt(t, srv, "orders/list", exitDone)
	next(lines, 3, longID)
	end()
	if r := <-ended; r.status != exitInterrupted {
		t.Errorf("after Ctrl-C: %+v", r)
	}
}
