package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/leak"
	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/prismtest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// An app is the program at work.
type app struct {
	url  string
	stop func() error
}

// start runs the program against srv, on a free port.
func start(t *testing.T, srv *prismtest.Server) app {
	t.Helper()
	env := map[string]string{"PRISM_URL": srv.URL(), "PRISM_KEY": srv.Key(), "PRISM_SECRET": srv.Secret()}
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- run(ctx, "127.0.0.1:0", func(name string) string { return env[name] }, in) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return app{strings.Fields(line)[1], func() error { cancel(); return <-done }}
}

func platformWithAlice(t *testing.T) *prismtest.Server {
	t.Helper()
	srv := prismtest.NewServer(t)
	srv.AddUser(platform.User{ID: "1001", Login: "alice", Data: map[string]string{"city": "<Shanghai>"}}, "open sesame")
	srv.AllowRedirect("http://127.0.0.1"+callbackPath, "http://127.0.0.1/")
	return srv
}

// body reads an answer.
func body(t *testing.T, resp *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func wantPart(t *testing.T, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("%q is not in\n%s", part, text)
	}
}

func TestAUserSignsInCallsAnAPIAndSignsOut(t *testing.T) {
	srv := platformWithAlice(t)
	a := start(t, srv)
	browser := srv.Browser()
	defer browser.CloseIdleConnections()

	resp, err := browser.Get(a.url + "/")
	wantPart(t, body(t, resp, err), `href="/account"`)

	resp = srv.SignIn(browser, a.url+"/account", "alice", "open sesame")
	if got := resp.Request.URL.String(); got != a.url+"/account" {
		t.Errorf("the login leads to %s", got)
	}
	page := body(t, resp, nil)
	wantPart(t, page, "Hello, alice")
	wantPart(t, page, "&lt;Shanghai&gt;")
	calls := srv.Calls("platform/oauth/user")
	if len(calls) != 1 || calls[0].UserID != "1001" {
		t.Errorf("the API was called like this: %v", calls)
	}

	resp, err = browser.PostForm(a.url+"/logout", url.Values{})
	wantPart(t, body(t, resp, err), "Everyone can read this page")
	if resp.Request.URL.String() != a.url+"/" {
		t.Errorf("the logout leads to %s", resp.Request.URL)
	}
	resp, err = browser.Get(a.url + "/account")
	wantPart(t, body(t, resp, err), `type="password"`)
	if err := a.stop(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestTheAccountSaysThatTheAPIFailed(t *testing.T) {
	srv := platformWithAlice(t)
	srv.Handle("platform/oauth/user", prismtest.Fail(http.StatusForbidden, "not_yet", "later"))
	a := start(t, srv)
	browser := srv.Browser()
	resp := srv.SignIn(browser, a.url+"/account", "alice", "open sesame")
	page := body(t, resp, nil)
	wantPart(t, page, `role="alert"`)
	wantPart(t, page, "Hello, alice")
	if resp.StatusCode != http.StatusBadGateway {
		t.Errorf("HTTP %d", resp.StatusCode)
	}
	browser.CloseIdleConnections()
	if err := a.stop(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestLogoutIsNoLink(t *testing.T) {
	srv := platformWithAlice(t)
	a := start(t, srv)
	resp, err := http.Get(a.url + "/logout")
	body(t, resp, err)
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("HTTP %d", resp.StatusCode)
	}
	http.DefaultClient.CloseIdleConnections()
	if err := a.stop(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestItSaysWhatIsMissing(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience.Of(10*time.Second))
	defer cancel()
	for _, c := range []struct{ listen, server, err string }{
		{"127.0.0.1:0", "", "set PRISM_URL, PRISM_KEY and PRISM_SECRET"},
		{"127.0.0.1:0", "ws://x/api", "Config.Server"},
		{"nowhere", "http://127.0.0.1:1/api", "missing port"},
	} {
		env := map[string]string{"PRISM_URL": c.server, "PRISM_KEY": "k", "PRISM_SECRET": "s"}
		err := run(ctx, c.listen, func(name string) string { return env[name] }, io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%v: error %v", c, err)
		}
	}
}
