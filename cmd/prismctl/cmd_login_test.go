package main

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/shopex/prism-go/cmd/prismctl/internal/signin"
	"github.com/shopex/prism-go/prismtest"
)

// comesBack is the address at which prismctl waits, with query.
func comesBack(t *testing.T, address string, query url.Values) string {
	t.Helper()
	asked, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return asked.Query().Get("redirect_uri") + "?" + query.Encode()
}

// stateOf is the state of a login.
func stateOf(t *testing.T, address string) string {
	t.Helper()
	asked, err := url.Parse(address)
	if err != nil || asked.Query().Get("state") == "" {
		t.Fatalf("%q, %v", address, err)
	}
	return asked.Query().Get("state")
}

// get returns the status and the page at address.
func get(t *testing.T, method, address string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestALoginAsksForACodeThatOnlyItCanUse(t *testing.T) {
	p := newPerson(t)
	asks := p.invocation("login")
	var before url.Values
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		asks.ctx = ctx
		done := begin(asks)
		asked, err := url.Parse(p.address(done))
		cancel()
		<-done
		query := asked.Query()
		if err != nil || query.Get("code_challenge_method") != "S256" || len(query.Get("code_challenge")) != 43 || len(query.Get("state")) < 22 {
			t.Errorf("it asks %v, %v", asked, err)
		}
		for _, name := range []string{"state", "code_challenge"} {
			if before.Get(name) == query.Get(name) {
				t.Errorf("two logins have the same %s", name)
			}
		}
		before = query
	}
}

func TestAForgedCallbackIsRefusedAndTheLoginGoesOn(t *testing.T) {
	p := newPerson(t)
	done := begin(p.invocation("login"))
	address := p.address(done)
	state := stateOf(t, address)
	for _, c := range []struct {
		name, method string
		query        url.Values
		status       int
	}{
		{"no state", "GET", url.Values{"code": {"c"}}, http.StatusBadRequest},
		{"an empty state", "GET", url.Values{"code": {"c"}, "state": {""}}, http.StatusBadRequest},
		{"another state", "GET", url.Values{"code": {"c"}, "state": {"x" + state[1:]}}, http.StatusBadRequest},
		{"two states", "GET", url.Values{"code": {"c"}, "state": {state, state}}, http.StatusBadRequest},
		{"an error without state", "GET", url.Values{"error": {"access_denied"}}, http.StatusBadRequest},
		{"a look ahead", "HEAD", url.Values{"code": {"c"}, "state": {state}}, http.StatusMethodNotAllowed},
		{"a post", "POST", url.Values{"code": {"c"}, "state": {state}}, http.StatusMethodNotAllowed},
	} {
		status, page := get(t, c.method, comesBack(t, address, c.query))
		if status != c.status || c.method != "HEAD" && !strings.Contains(page, "<h1>") || strings.Contains(page, state) {
			t.Errorf("%s: HTTP %d\n%s", c.name, status, page)
		}
	}
	other := strings.Replace(comesBack(t, address, nil), signin.Path, "/favicon.ico", 1)
	if status, _ := get(t, "GET", other); status != http.StatusNotFound {
		t.Errorf("another path: HTTP %d", status)
	}
	page := p.srv.SignIn(p.browser, address, "alice", password)
	if at := page.Request.URL; page.StatusCode != http.StatusOK || at.Path != "/oauth/done" || at.RawQuery != "" {
		t.Errorf("the right one: HTTP %d from %s", page.StatusCode, at)
	}
	(<-done).want(t, exitDone, "Signed in as alice (user 1001)\n", "The browser opens, to sign in")
}

func TestALoginThatThePlatformDeniesExits1(t *testing.T) {
	for _, c := range []struct {
		query url.Values
		err   string
		code  string // that the platform's page explains
	}{
		{url.Values{"error": {"access_denied"}}, "the platform refused the login: access_denied", "access_denied"},
		{url.Values{"error": {"access_denied"}, "error_description": {"not \x1b[31mtoday\n"}}, "the platform refused the login: access_denied: not [31mtoday\n", "access_denied"},
		{url.Values{"error": {strings.Repeat("é", 1000)}}, "é...", ""},
		{url.Values{}, "without a code", "failed"},
		{url.Values{"code": {"unknown-code"}}, "invalid_grant", "invalid_grant"},
	} {
		p := newPerson(t)
		done := begin(p.invocation("login"))
		address := p.address(done)
		c.query.Set("state", stateOf(t, address))
		shown, err := p.browser.Get(comesBack(t, address, c.query))
		if err != nil {
			t.Fatal(err)
		}
		shown.Body.Close()
		at := shown.Request.URL
		if code := at.Query().Get("error"); shown.StatusCode != http.StatusOK || at.Path != "/oauth/done" || code == "" || c.code != "" && code != c.code {
			t.Errorf("HTTP %d from %s", shown.StatusCode, at)
		}
		r := <-done
		r.want(t, exitRefused, "", c.err)
		if strings.Contains(r.err, "unknown-code") {
			t.Errorf("the code is in %s", r.err)
		}
		if token, err := p.keep().Load(); token != nil || err != nil {
			t.Errorf("%v, %v is kept", token, err)
		}
	}
}

func TestALoginIsInterrupted(t *testing.T) {
	p := newPerson(t)
	ctx, cancel := context.WithCancel(t.Context())
	login := p.invocation("login")
	login.ctx = ctx
	done := begin(login)
	address := p.address(done)
	cancel()
	(<-done).want(t, exitInterrupted, "", "The browser opens, to sign in")
	back, _ := url.Parse(comesBack(t, address, nil))
	if conn, err := net.Dial("tcp", back.Host); err == nil {
		conn.Close()
		t.Error("it still waits for the browser")
	}
}

func TestALoginThatNobodyDoesExits4(t *testing.T) {
	p := newPerson(t)
	p.do("login", "--timeout", "500ms").want(t, exitTimeout, "", "nobody has signed in within 500ms")
}

// printed returns the address that a command prints for a browser.
func printed(t *testing.T, out io.Reader) string {
	t.Helper()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if address := strings.TrimSpace(lines.Text()); strings.HasPrefix(address, "http") {
			return address
		}
	}
	t.Fatalf("no address is printed: %v", lines.Err())
	return ""
}

func TestWithoutABrowserTheAddressIsPrinted(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		err  string
	}{
		"unwanted": {[]string{"login", "--no-browser"}, "To sign in, open this address in a browser of this machine:"},
		"missing":  {[]string{"login"}, "No browser could be opened (there is no display). To sign in, open this address:"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPerson(t)
			login := p.invocation(c.args...)
			if len(c.args) == 1 {
				login.browse = nil
			}
			out, in := io.Pipe()
			login.err = in
			done := begin(login)
			address := printed(t, out)
			go io.Copy(io.Discard, out)
			p.srv.SignIn(p.browser, address, "alice", password)
			(<-done).want(t, exitDone, "Signed in as alice (user 1001)\n", c.err)
			in.Close()
			if len(p.opened) > 0 {
				t.Error("a browser was opened")
			}
		})
	}
	p := signedIn(t)
	p.do("logout", "--no-browser").want(t, exitDone, "Signed out\n", "To end your session on the platform, too, open this address in a browser of this machine:")
	if len(p.opened) > 0 {
		t.Error("a browser was opened")
	}
}

func TestThePortToComeBackToCanBeChosen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	p := newPerson(t)
	p.do("login", "--port", port).want(t, exitRefused, "", "Choose another port by --port")
	taken.Close()
	done := begin(p.invocation("login", "--port", port))
	address := p.address(done)
	if back := comesBack(t, address, nil); back != "http://127.0.0.1:"+port+signin.Path+"?" {
		t.Errorf("the browser comes back to %s", back)
	}
	p.srv.SignIn(p.browser, address, "alice", password)
	(<-done).want(t, exitDone, "Signed in as alice (user 1001)\n", "open this address")
}

func TestAnAddressThatIsNotRegisteredIsNamed(t *testing.T) {
	srv := prismtest.NewServer(t)
	login := invocation{args: []string{"login", "--port", "8999"}, env: of(srv), config: t.TempDir()}
	r := login.run()
	r.want(t, exitRefused, "", "the browser must not be sent back to http://127.0.0.1:8999/callback")
	if !strings.Contains(r.err, "prismctl serve --redirect http://127.0.0.1/callback\n") {
		t.Errorf("it does not say what to do: %s", r.err)
	}
}

func TestAPlatformWithoutALoginSaysSo(t *testing.T) {
	for status, want := range map[int]string{404: "has no login", 502: "answers HTTP 502"} {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		env := map[string]string{"PRISM_URL": web.URL + "/api", "PRISM_KEY": "k", "PRISM_SECRET": "s"}
		invocation{args: []string{"login"}, env: env, config: t.TempDir()}.run().want(t, exitRefused, "", want)
		web.Close()
	}
}

func TestALoginOfAWrongSecretIsRefusedAndTellsTheBrowser(t *testing.T) {
	p := newPerson(t)
	p.env["PRISM_SECRET"] = "another"
	done := begin(p.invocation("login"))
	if page := p.srv.SignIn(p.browser, p.address(done), "alice", password); page.Request.URL.RequestURI() != "/oauth/done?error=invalid_sign" {
		t.Errorf("the browser ends at %s", page.Request.URL)
	}
	(<-done).want(t, exitRefused, "", "invalid_sign")
}

func TestAPlatformWithoutALastPageLeavesThatToPrismctl(t *testing.T) {
	for secret, want := range map[string]struct {
		status, exit int
	}{"": {http.StatusOK, exitDone}, "another": {http.StatusBadRequest, exitRefused}} {
		p := newPerson(t)
		at, _ := url.Parse(p.srv.URL())
		pass := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: at.Scheme, Host: at.Host})
		older := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/oauth/done" {
				http.NotFound(w, r)
				return
			}
			pass.ServeHTTP(w, r)
		}))
		defer older.Close()
		p.env["PRISM_URL"] = older.URL + at.Path
		p.env["PRISM_SECRET"] = cmp.Or(secret, p.env["PRISM_SECRET"])
		done := begin(p.invocation("login"))
		page := p.srv.SignIn(p.browser, p.address(done), "alice", password)
		if page.StatusCode != want.status || page.Request.URL.Path != signin.Path {
			t.Errorf("HTTP %d from %s", page.StatusCode, page.Request.URL)
		}
		if csp := page.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || page.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("the page has the header %v", page.Header)
		}
		if r := <-done; r.status != want.exit {
			t.Errorf("%+v", r)
		}
	}
}
