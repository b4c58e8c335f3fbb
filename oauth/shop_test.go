package oauth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/prismtest"
)

// A shop is a site behind the login, beside a real platform. Its pages say who
// is there.
type shop struct {
	t     testing.TB
	srv   *prismtest.Server
	url   string
	login *Login
	wire  *wire

	handler atomic.Pointer[http.Handler] // of the site
	ahead   atomic.Int64                 // of the local clock

	mu     sync.Mutex // guards what follows
	errs   []error    // what OnError got
	tokens []*Token   // what OnToken got
	pages  []string   // bodies of answers
	logged bytes.Buffer
}

const (
	joe      = "joe"
	password = "correct horse"
)

func newPlatform(t testing.TB) *prismtest.Server {
	t.Helper()
	return newPlatformIn(t, prismtest.Config{})
}

// inBubble runs a test with a platform in a bubble, where waiting takes no time.
func inBubble(t *testing.T, test func(t *testing.T, srv *prismtest.Server)) {
	synctest.Test(t, func(t *testing.T) { test(t, newPlatformIn(t, prismtest.Config{Pipe: true})) })
}

func newPlatformIn(t testing.TB, cfg prismtest.Config) *prismtest.Server {
	t.Helper()
	srv := prismtest.NewServerConfig(t, cfg)
	for _, path := range []string{"/callback", "/", "/bye"} {
		srv.AllowRedirect("http://127.0.0.1" + path)
	}
	srv.AddUser(platform.User{ID: "id-of-joe", Login: joe}, password)
	srv.AddUser(platform.User{ID: "id-of-ann", Login: "ann"}, password)
	return srv
}

func newShop(t testing.TB, srv *prismtest.Server, change func(*Config)) *shop {
	t.Helper()
	return newShopFor(t, srv, srv.ClientConfig(), change)
}

func newShopFor(t testing.TB, srv *prismtest.Server, client prism.Config, change func(*Config)) *shop {
	t.Helper()
	s := &shop{t: t, srv: srv}
	s.url = srv.Site(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*s.handler.Load()).ServeHTTP(w, r) }))
	s.wire = &wire{next: client.HTTPClient.Transport}
	client.HTTPClient = &http.Client{Transport: s.wire}
	client.Retry.Tries = 1
	client.Logger = slog.New(slog.NewTextHandler(lockedWriter{&s.mu, &s.logged}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg := Config{CallbackURL: s.url + "/callback", Now: s.now, OnError: s.onError, OnToken: s.onToken}
	if change != nil {
		change(&cfg)
	}
	c, err := prism.New(client)
	if err != nil {
		t.Fatal(err)
	}
	if s.login, err = New(c, cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.login.Close)
	mux := http.NewServeMux()
	mux.Handle("/", s.login.Require(http.HandlerFunc(s.page)))
	mux.Handle("/logout", s.login.Logout())
	s.serve(mux)
	return s
}

func (s *shop) serve(h http.Handler) { s.handler.Store(&h) }

func (s *shop) page(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s at %s", User(r.Context()).Login, r.URL.RequestURI())
}

func (s *shop) now() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

// advance moves both clocks.
func (s *shop) advance(d time.Duration) {
	s.ahead.Add(int64(d))
	s.srv.Advance(d)
}

func (s *shop) onError(r *http.Request, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errs = append(s.errs, err)
}

func (s *shop) onToken(_ context.Context, t *Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = append(s.tokens, t)
}

// reasons returns those of the errors since the last call.
func (s *shop) reasons() []Reason {
	s.mu.Lock()
	defer s.mu.Unlock()
	var reasons []Reason
	for _, err := range s.errs {
		var e *LoginError
		if !errors.As(err, &e) {
			s.t.Errorf("OnError got no LoginError: %v", err)
			continue
		}
		reasons = append(reasons, e.Reason)
	}
	s.errs = nil
	return reasons
}

func (s *shop) wantReasons(want ...Reason) {
	s.t.Helper()
	if got := s.reasons(); !slices.Equal(got, want) {
		s.t.Errorf("OnError got %q, want %q", got, want)
	}
}

func (s *shop) lastToken() *Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens[len(s.tokens)-1]
}

// signedIn returns a browser in which a user has logged in.
func (s *shop) signedIn(user string) *http.Client {
	s.t.Helper()
	browser := s.srv.Browser()
	resp := s.srv.SignIn(browser, s.url+"/start", user, password)
	if got := s.body(resp); got != user+" at /start" {
		s.t.Fatalf("the login of %s ended at %s with %s %q", user, resp.Request.URL.Path, resp.Status, got)
	}
	return browser
}

func (s *shop) body(resp *http.Response) string {
	s.t.Helper()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages = append(s.pages, string(text))
	return string(text)
}

// get opens a page and follows redirects.
func (s *shop) get(browser *http.Client, address string) (int, string) {
	s.t.Helper()
	return s.send(browser, http.MethodGet, address, "Accept", "text/html")
}

func (s *shop) send(browser *http.Client, method, address string, header ...string) (int, string) {
	s.t.Helper()
	resp := s.sendRaw(browser, method, address, header...)
	return resp.StatusCode, s.body(resp)
}

func (s *shop) sendRaw(browser *http.Client, method, address string, header ...string) *http.Response {
	s.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = s.url + address
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, address, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := browser.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp
}

// step makes one request, and tells where it leads.
func (s *shop) step(browser *http.Client, address string) (*http.Response, *url.URL) {
	s.t.Helper()
	patient := *browser
	patient.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp := s.sendRaw(&patient, http.MethodGet, address, "Accept", "text/html")
	text := s.body(resp)
	resp.Body = io.NopCloser(strings.NewReader(text))
	to, _ := resp.Location()
	return resp, to
}

// wantPage checks that a signed-in user gets a page.
func (s *shop) wantPage(browser *http.Client, user, path string) {
	s.t.Helper()
	if status, got := s.get(browser, path); status != 200 || got != user+" at "+path {
		s.t.Errorf("got %d %q, want the page %s of %s", status, got, path, user)
	}
}

// wantLogin checks that a page is protected.
func (s *shop) wantLogin(browser *http.Client, path string) {
	s.t.Helper()
	resp, to := s.step(browser, path)
	if resp.StatusCode != http.StatusSeeOther || to == nil || !strings.HasSuffix(to.Path, "/oauth/authorize") {
		s.t.Errorf("got %d to %v, want a redirect to the login", resp.StatusCode, to)
	}
}

// cookie returns what the browser would send to the site.
func (s *shop) cookie(browser *http.Client, name string) string {
	u, _ := url.Parse(s.url)
	for _, cookie := range browser.Jar.Cookies(u) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

func (s *shop) sessionCookie(browser *http.Client) string {
	return s.cookie(browser, s.login.sessions.Cookie.Name)
}

// refreshes counts the refresh tokens that the platform has taken.
func (s *shop) refreshes() int {
	n := 0
	for _, c := range s.srv.Calls() {
		if c.Path == "/oauth/token" && c.Params.Get("grant_type") == "refresh_token" && c.Status == 200 {
			n++
		}
	}
	return n
}

// checks counts the questions whether a session lives.
func (s *shop) checks() int { return len(s.srv.Calls("platform/oauth/session_check")) }

// A wire is a transport that can be cut, and told to do other things.
type wire struct {
	next http.RoundTripper

	mu sync.Mutex
	do func(r *http.Request, next http.RoundTripper) (*http.Response, error)
}

func (w *wire) set(do func(r *http.Request, next http.RoundTripper) (*http.Response, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.do = do
}

func (w *wire) cut(on bool) {
	if !on {
		w.set(nil)
		return
	}
	w.set(func(*http.Request, http.RoundTripper) (*http.Response, error) { return nil, errCut })
}

var errCut = errors.New("the wire is cut")

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	do := w.do
	w.mu.Unlock()
	if do != nil {
		return do(r, w.next)
	}
	return w.next.RoundTrip(r)
}

type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (w lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.w.Write(p)
}

// A brokenStore fails when it is told to.
type brokenStore struct {
	scs.Store
	broken func(operation string) bool
}

var errStore = errors.New("the store is broken")

func (b *brokenStore) Find(token string) ([]byte, bool, error) {
	if b.broken("find") {
		return nil, false, errStore
	}
	return b.Store.Find(token)
}

func (b *brokenStore) Commit(token string, value []byte, expiry time.Time) error {
	if b.broken("commit") {
		return errStore
	}
	return b.Store.Commit(token, value, expiry)
}

func (b *brokenStore) Delete(token string) error {
	if b.broken("delete") {
		return errStore
	}
	return b.Store.Delete(token)
}

// managerOf returns one that two shops may share.
func managerOf(store scs.Store) *scs.SessionManager { return newSessions(store, "session") }

func quietStore() scs.Store { return memstore.NewWithCleanupInterval(0) }

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
