package platform_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

var (
	loopbackProxy = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	publicURL     = &url.URL{Scheme: "https", Host: "prism.example"}
)

// secretSent sends client_secret by HTTP with these headers and returns
// the code of the refusal, or "".
func secretSent(e *env, header http.Header) string {
	e.t.Helper()
	req, err := http.NewRequest("GET", e.url+"/api/platform/notify/status?client_id="+testKey+"&client_secret="+testSecret, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header = header
	return e.send(req).code()
}

func TestWhatPassedAProxyIsNotLocal(t *testing.T) {
	e := newEnv(t, platform.Config{Explain: true})
	if code := secretSent(e, http.Header{}); code != "" {
		t.Errorf("without a proxy: %s", code)
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Server", "Via", "X-Real-Ip"} {
		if code := secretSent(e, http.Header{name: {"for=127.0.0.1"}}); code != "secret_over_http" {
			t.Errorf("%s: a secret over http got %q", name, code)
		}
		req := e.request("GET", "platform/notify/status", nil)
		req.URL.RawQuery += "&more=1"
		req.Header.Set(name, "127.0.0.1")
		if r := e.send(req); r.code() != "invalid_sign" || strings.Contains(r.body, "string_to_sign") {
			t.Errorf("%s: the refusal was explained: %s", name, r.body)
		}
	}
}

func TestTheSchemeIsThatOfTheCallerOfATrustedProxy(t *testing.T) {
	e := newEnv(t, platform.Config{TrustedProxies: loopbackProxy})
	for _, row := range []struct {
		header http.Header
		code   string
	}{
		{http.Header{}, "secret_over_http"},
		{http.Header{"X-Forwarded-For": {"192.0.2.7"}}, "secret_over_http"},
		{http.Header{"X-Forwarded-For": {"127.0.0.1"}}, "secret_over_http"},
		{http.Header{"X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Proto": {"http"}}, "secret_over_http"},
		{http.Header{"X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Proto": {"https"}}, ""},
		{http.Header{"Forwarded": {"for=192.0.2.7;proto=https"}}, ""},
		{http.Header{"Forwarded": {"for=198.51.100.9"}, "X-Forwarded-For": {"192.0.2.7"}}, "ambiguous_forwarded"},
	} {
		if code := secretSent(e, row.header); code != row.code {
			t.Errorf("%v: got %q, want %q", row.header, code, row.code)
		}
	}
}

func TestBackendsAndHooksSeeTheCallerBehindATrustedProxy(t *testing.T) {
	var seen, hooked string
	e := newEnv(t, platform.Config{
		TrustedProxies: loopbackProxy,
		Backend:        http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.Header.Get("X-Caller-Ip") }),
		Trace:          &platform.Trace{Call: func(c platform.Call, _ platform.Outcome) { hooked = c.RemoteAddr }},
	})
	req := e.request("GET", "shop/orders", nil)
	req.Header.Set("X-Forwarded-For", "198.51.100.9, 192.0.2.7")
	e.send(req)
	if seen != "192.0.2.7" || hooked != "192.0.2.7" {
		t.Errorf("the backend saw %q, the hook %q", seen, hooked)
	}
}

func TestWrongLoginsOfOneVisitorDoNotKeepOthersOutBehindAProxy(t *testing.T) {
	p := newPageEnv(t, platform.Config{TrustedProxies: loopbackProxy, PublicURL: publicURL}).p
	for i := range 101 {
		status := proxiedLogin(p, "192.0.2.7", "user"+strconv.Itoa(i), "wrong")
		if want := map[bool]int{true: 401, false: 429}[i < 100]; status != want {
			t.Fatalf("wrong login %d got %d", i+1, status)
		}
	}
	if got := proxiedLogin(p, "192.0.2.8", "ann", annsPassword); got != http.StatusSeeOther {
		t.Errorf("somebody else got %d", got)
	}
}

// proxiedLogin fills in the login page behind a proxy and returns the status.
func proxiedLogin(p http.Handler, visitor, login, password string) int {
	page := httptest.NewRequest("GET", authorizePath(), nil)
	proxied(page, visitor)
	shown := httptest.NewRecorder()
	p.ServeHTTP(shown, page)
	form := url.Values{"login": {login}, "password": {password}, "form_token": {secureCookie(shown, "__Host-prism_form")}}
	post := httptest.NewRequest("POST", authorizePath(), strings.NewReader(form.Encode()))
	proxied(post, visitor)
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	post.Header.Set("Origin", "https://prism.example")
	for _, c := range shown.Result().Cookies() {
		post.AddCookie(c)
	}
	done := httptest.NewRecorder()
	p.ServeHTTP(done, post)
	return done.Code
}

// proxied makes r what nginx sends on without a line about Host.
func proxied(r *http.Request, visitor string) {
	r.RemoteAddr, r.Host = "127.0.0.1:40000", "127.0.0.1:8080"
	r.Header.Set("X-Forwarded-For", visitor)
}

func secureCookie(w *httptest.ResponseRecorder, name string) string {
	for _, c := range w.Result().Cookies() {
		if c.Name == name && c.Secure {
			return c.Value
		}
	}
	return ""
}

func TestThePublicURLDecidesCookiesAndTransport(t *testing.T) {
	p := newPageEnv(t, platform.Config{TrustedProxies: loopbackProxy, PublicURL: &url.URL{Scheme: "https", Host: "Prism.example:443"}}).p
	r := httptest.NewRequest("GET", authorizePath(), nil)
	proxied(r, "192.0.2.7")
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	if w.Code != 200 || secureCookie(w, "__Host-prism_form") == "" {
		t.Errorf("status %d, cookies %v", w.Code, w.Result().Cookies())
	}
	if got := w.Header().Get("Strict-Transport-Security"); got != "max-age=31536000" {
		t.Errorf("Strict-Transport-Security: %q", got)
	}
}

func TestAProxyThatIsNotTrustedIsToldOnce(t *testing.T) {
	var log bytes.Buffer
	e := newEnv(t, platform.Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	for range 3 {
		secretSent(e, http.Header{"X-Forwarded-For": {"192.0.2.7"}})
	}
	if n := strings.Count(log.String(), "not trusted"); n != 1 {
		t.Errorf("told %d times: %s", n, &log)
	}
}

func TestProxySettingsThatCannotBeMeantAreRefused(t *testing.T) {
	for name, cfg := range map[string]platform.Config{
		"no prefix":       {TrustedProxies: []netip.Prefix{{}}},
		"mapped prefix":   {TrustedProxies: []netip.Prefix{netip.MustParsePrefix("::ffff:10.0.0.0/104")}},
		"a path":          {PublicURL: &url.URL{Scheme: "https", Host: "prism.example", Path: "/x"}},
		"no scheme":       {PublicURL: &url.URL{Host: "prism.example"}},
		"only a port":     {PublicURL: &url.URL{Scheme: "https", Host: ":443"}},
		"a password":      {PublicURL: &url.URL{Scheme: "https", Host: "prism.example", User: url.User("x")}},
		"another scheme":  {PublicURL: &url.URL{Scheme: "ftp", Host: "prism.example"}},
		"with a fragment": {PublicURL: &url.URL{Scheme: "https", Host: "prism.example", Fragment: "x"}},
	} {
		cfg.Store, cfg.Queues = new(memory.Store), newQueues(memory.Config{})
		if _, err := platform.New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestAHeaderOfManyLinesIsRefused(t *testing.T) {
	e := newEnv(t, platform.Config{})
	req := e.request("GET", "platform/notify/status", nil)
	for i := range 300 {
		req.Header.Set("X-"+strconv.Itoa(i), "")
	}
	if r := e.send(req); r.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", r.status)
	}
}
