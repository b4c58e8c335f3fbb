package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/signin"
	"github.com/shopex/prism-go/oauth"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/prismtest"
)

const password = "open sesame"

// A person sits before a terminal and a browser.
type person struct {
	t       *testing.T
	srv     *prismtest.Server
	browser *http.Client
	env     map[string]string
	config  string      // directory
	opened  chan string // gets the addresses for the browser
}

// newPerson is alice, at a platform that lets prismctl log users in.
func newPerson(t *testing.T) *person {
	t.Helper()
	srv := prismtest.NewServer(t)
	srv.AddUser(platform.User{ID: "1001", Login: "alice"}, password)
	srv.AllowRedirect(withoutPort)
	return &person{t, srv, srv.Browser(), of(srv), t.TempDir(), make(chan string, 1)}
}

func (p *person) invocation(args ...string) invocation {
	open := func(_ context.Context, address string) error {
		p.opened <- address
		return nil
	}
	return invocation{args: args, env: p.env, config: p.config, browse: open}
}

// address is what a command that was begun wants to see in the browser.
func (p *person) address(done <-chan result) string {
	p.t.Helper()
	select {
	case address := <-p.opened:
		return address
	case r := <-done:
		p.t.Fatalf("it ended without a browser: %+v", r)
		return ""
	}
}

func (p *person) do(args ...string) result { return p.invocation(args...).run() }

// login signs alice in, with the log at its loudest.
func (p *person) login() result {
	p.t.Helper()
	done := begin(p.invocation("login", "-v", "debug"))
	page := p.srv.SignIn(p.browser, p.address(done), "alice", password)
	if page.StatusCode != http.StatusOK {
		p.t.Errorf("the browser ends at a page of HTTP %d", page.StatusCode)
	}
	return <-done
}

// signedIn is alice when she has signed in.
func signedIn(t *testing.T) *person {
	t.Helper()
	p := newPerson(t)
	if r := p.login(); r.status != exitDone {
		t.Fatalf("%+v", r)
	}
	return p
}

// keep is where the token of p is.
func (p *person) keep() *signin.Keep {
	p.t.Helper()
	k, err := signin.KeepFor(p.srv.Client(), func() (string, error) { return p.config, nil })
	if err != nil {
		p.t.Fatal(err)
	}
	return k
}

// token is what is kept.
func (p *person) token() *oauth.Token {
	p.t.Helper()
	token, err := p.keep().Load()
	if err != nil || token == nil {
		p.t.Fatalf("no token is kept: %v", err)
	}
	return token
}

// change changes the kept token behind the back of prismctl.
func (p *person) change(change func(*oauth.Token)) {
	p.t.Helper()
	token := p.token()
	change(token)
	if err := p.keep().Save(token); err != nil {
		p.t.Fatal(err)
	}
}

// expire makes the kept access token one that has expired.
func (p *person) expire() {
	p.t.Helper()
	p.change(func(token *oauth.Token) { token.Expiry = time.Now().Add(-time.Second) })
}

// hides fails the test if r shows a secret of p.
func (p *person) hides(r result) {
	p.t.Helper()
	secrets := []string{p.srv.Secret(), password}
	if token, _ := p.keep().Load(); token != nil {
		secrets = append(secrets, token.AccessToken, token.RefreshToken, token.SessionID)
	}
	for _, secret := range secrets {
		if strings.Contains(r.out+r.err, secret) {
			p.t.Errorf("a secret is in\n%s%s", r.out, r.err)
		}
	}
}

func TestAUserSignsInCallsAndSignsOut(t *testing.T) {
	p := newPerson(t)
	r := p.login()
	if r.status != exitDone || r.out != "Signed in as alice (user 1001)\n" {
		t.Errorf("login: %+v", r)
	}
	p.hides(r)
	for _, c := range []struct{ command, out string }{
		{"whoami", "alice (user 1001)\n"},
		{"whoami --output json", `{"id":"1001","login":"alice","data":{"@id":"1001","login":"alice"}}` + "\n"},
		{"get platform/oauth/user --as-user", `{"result":{"@id":"1001","login":"alice"},"error":null}`},
	} {
		r := p.do(append(strings.Fields(c.command), "-v", "debug")...)
		r.want(t, exitDone, r.out, "level=DEBUG")
		if strings.TrimSpace(r.out) != strings.TrimSpace(c.out) {
			t.Errorf("%s printed %q, want %q", c.command, r.out, c.out)
		}
		p.hides(r)
	}
	r = p.do("logout")
	r.want(t, exitDone, "Signed out\n", "The browser opens, to end your session")
	resp, err := p.browser.Get(p.address(nil))
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("the platform's logout: %v, %v", resp, err)
	} else {
		resp.Body.Close()
	}
	if token, err := p.keep().Load(); token != nil || err != nil {
		t.Errorf("after the logout there is %v, %v", token, err)
	}
	p.do("whoami").want(t, exitRefused, "", "nobody is signed in at "+p.srv.URL())
	p.do("logout").want(t, exitDone, "", "nobody was signed in")
}

func TestEveryMethodCallsAsTheUser(t *testing.T) {
	p := signedIn(t)
	p.env["PRISM_TOKEN"] = "another"
	p.srv.Handle("shop/order", prismtest.Answer("ok"))
	for _, method := range []string{"get", "post", "put", "delete"} {
		p.srv.Forget()
		r := p.do(method, "shop/order", "a=1", "--as-user")
		r.want(t, exitDone, r.out, "")
		if calls := p.srv.Calls("shop/order"); len(calls) != 1 || calls[0].UserID != "1001" {
			t.Errorf("%s: %v", method, calls)
		}
	}
}

func TestWhoamiIsWhatTheLoginSaidWhereThePlatformDoesNotTell(t *testing.T) {
	p := signedIn(t)
	p.srv.Handle("platform/oauth/user", prismtest.Fail(http.StatusNotFound, "unknown_api", "no such API"))
	p.do("whoami").want(t, exitDone, "alice (user 1001)\n", "does not tell who a user is")
}

func TestAnExpiredTokenIsRefreshedAndKept(t *testing.T) {
	p := signedIn(t)
	p.expire()
	before := p.token()
	p.srv.Forget()
	r := p.do("whoami", "-v", "debug")
	r.want(t, exitDone, "alice (user 1001)\n", "level=DEBUG")
	p.hides(r)
	if n := p.refreshes(); n != 1 {
		t.Errorf("%d refreshes", n)
	}
	after := p.token()
	if after.AccessToken == before.AccessToken || after.RefreshToken == before.RefreshToken {
		t.Error("the token is kept as it was")
	}
	p.srv.Forget()
	p.do("whoami").want(t, exitDone, "alice (user 1001)\n", "")
	if n := p.refreshes(); n != 0 {
		t.Errorf("a fresh token was refreshed %d times", n)
	}
}

// refreshes is how often the platform was asked for a token.
func (p *person) refreshes() (n int) {
	for _, call := range p.srv.Calls() {
		if call.Path == "/oauth/token" {
			n++
		}
	}
	return n
}

func TestATokenIsRefreshedShortlyBeforeItsEnd(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name       string
		life, left time.Duration
		want       bool
	}{
		{"fresh", time.Hour, time.Hour, false},
		{"two minutes left", time.Hour, 2 * time.Minute, false},
		{"a minute left", time.Hour, time.Minute, true},
		{"expired", time.Hour, -time.Second, true},
		{"short and young", time.Minute, 50 * time.Second, false},
		{"short and old", time.Minute, 30 * time.Second, true},
	} {
		token := &oauth.Token{Issued: now.Add(c.left - c.life), Expiry: now.Add(c.left)}
		if got := due(token, now); got != c.want {
			t.Errorf("%s: due is %v", c.name, got)
		}
	}
	if due(&oauth.Token{}, now) {
		t.Error("a token whose end is not known is due")
	}
}

func TestOfManyAtOnceOneRefreshes(t *testing.T) {
	p := signedIn(t)
	p.expire()
	p.srv.Forget()
	var done []<-chan result
	for range 10 {
		done = append(done, begin(p.invocation("whoami")))
	}
	for _, d := range done {
		(<-d).want(t, exitDone, "alice (user 1001)\n", "")
	}
	if n := p.refreshes(); n != 1 {
		t.Errorf("%d refreshes", n)
	}
}

func TestARefreshGoesOnForAWhileWhenTheCommandEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		longer, stop := afterwards(ctx)
		defer stop()
		time.Sleep(time.Hour)
		cancel()
		began := time.Now()
		<-longer.Done()
		if took := time.Since(began); took != refreshGrace {
			t.Errorf("it went on for %v", took)
		}
	})
}

func TestARefusedRefreshSaysToSignInAgain(t *testing.T) {
	p := signedIn(t)
	p.expire()
	p.change(func(token *oauth.Token) { token.RefreshToken = "nobody.knows-this-token" })
	r := p.do("get", "platform/oauth/user", "--as-user")
	r.want(t, exitRefused, "", `The login has ended: sign in again by "prismctl login"`)
	p.hides(r)
	p.change(func(token *oauth.Token) { token.RefreshToken = "" })
	p.do("whoami").want(t, exitRefused, "", `sign in again by "prismctl login"`)
}

func TestATokenThatThePlatformForgotSaysToSignInAgain(t *testing.T) {
	p := signedIn(t)
	p.srv.SignOut(p.browser)
	for _, command := range []string{"whoami", "get platform/oauth/user --as-user"} {
		r := p.do(strings.Fields(command)...)
		r.want(t, exitRefused, r.out, `The login has ended: sign in again by "prismctl login"`)
	}
}

func TestACallThatNeedsAUserSaysHowToBeOne(t *testing.T) {
	r := signedIn(t).do("get", "platform/oauth/user")
	r.want(t, exitRefused, r.out, `sign in by "prismctl login", and repeat this with --as-user`)
}

func TestATokenIsForOnePlatformAndOneKey(t *testing.T) {
	p := signedIn(t)
	other := newPerson(t)
	other.config = p.config
	other.do("whoami").want(t, exitRefused, "", "nobody is signed in")
	key := p.srv.NewKey()
	p.env["PRISM_KEY"], p.env["PRISM_SECRET"] = key.ID, key.Secret
	p.do("get", "platform/oauth/user", "--as-user").want(t, exitRefused, "", "nobody is signed in")

	// Even where a file has got the wrong name.
	if err := os.Rename(p.keep().File, other.keep().File); err != nil {
		t.Fatal(err)
	}
	other.do("whoami").want(t, exitRefused, "", "nobody is signed in")
	for _, srv := range []*prismtest.Server{p.srv, other.srv} {
		for _, call := range srv.Calls("platform/oauth/user") {
			t.Errorf("the token was sent: %v", call)
		}
	}
}

func TestAFileThatHoldsNoLoginSaysSo(t *testing.T) {
	p := signedIn(t)
	token := p.token().AccessToken
	for _, text := range []string{"", "{", `{"token":"` + token + `"}`, `[]`} {
		if err := os.WriteFile(p.keep().File, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r := p.do("whoami")
		r.want(t, exitRefused, "", "does not hold a login")
		if strings.Contains(r.err, token) {
			t.Errorf("it shows the token: %s", r.err)
		}
	}
	if r := p.login(); r.status != exitDone {
		t.Errorf("login: %+v", r)
	}
}

func TestNothingIsLeftBesideTheKeptLogin(t *testing.T) {
	p := signedIn(t)
	p.expire()
	p.do("whoami")
	files, err := filepath.Glob(filepath.Join(p.config, "prismctl", "*"))
	if err != nil || len(files) != 2 {
		t.Errorf("there are %v, %v", files, err)
	}
	text, err := os.ReadFile(p.keep().File)
	var found struct{ Server, Key string }
	if err != nil || json.Unmarshal(text, &found) != nil || found.Server != p.srv.URL() || found.Key != p.srv.Key() {
		t.Errorf("the file holds %q, %v", found, err)
	}
}

func TestWithoutAHomeThereIsNoLogin(t *testing.T) {
	p := newPerson(t)
	p.config = ""
	for _, command := range []string{"login", "logout", "whoami", "get a --as-user"} {
		p.do(strings.Fields(command)...).want(t, exitRefused, "", "there is no directory to keep a login in: there is no home")
	}
}

func TestAFileInTheWayIsNamed(t *testing.T) {
	p := newPerson(t)
	p.config = filepath.Join(p.config, "file")
	if err := os.WriteFile(p.config, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	done := begin(p.invocation("login"))
	if page := p.srv.SignIn(p.browser, p.address(done), "alice", password); !strings.HasSuffix(page.Request.URL.String(), "/oauth/done?error=failed") {
		t.Errorf("the browser ends at %s", page.Request.URL)
	}
	(<-done).want(t, exitRefused, "", p.config)
}
