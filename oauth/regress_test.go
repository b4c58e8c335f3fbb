package oauth

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/shopex/prism-go/prismtest"
)

// a callback that Require does not recognise (a proxy or StripPrefix cuts the
// path) sends the browser round for ever.
func TestCallbackUnderAnotherPathIsAPageAndNeverALoop(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	s.srv.AllowRedirect("http://127.0.0.1/app/callback")
	login, err := New(s.login.client, Config{CallbackURL: s.url + "/app/callback", OnError: s.onError})
	if err != nil {
		t.Fatal(err)
	}
	s.serve(http.StripPrefix("/app", login.Require(http.HandlerFunc(s.page))))
	browser := s.srv.Browser()
	hops := 0
	browser.CheckRedirect = func(*http.Request, []*http.Request) error {
		if hops++; hops > 30 {
			return http.ErrUseLastResponse
		}
		return nil
	}
	resp := s.srv.SignIn(browser, s.url+"/app/x", joe, password)
	if body := s.body(resp); resp.StatusCode != 500 || strings.Contains(body, "state=") {
		t.Errorf("got %s: %s", resp.Status, body)
	}
	s.wantReasons(ReasonCallbackMisrouted)
	if hops > 30 {
		t.Errorf("redirected %d times, and on", hops)
	}
}

// the token of before cannot be deleted.
func TestOnTokenGetsEveryTokenThatSignsIn(t *testing.T) {
	var armed atomic.Bool
	var n atomic.Int32
	store := &brokenStore{quietStore(), func(op string) bool {
		return armed.Load() && op == "delete" && n.Add(1) == 2
	}}
	s := newShop(t, newPlatform(t), func(c *Config) { c.Sessions = managerOf(store) })
	browser := s.srv.Browser()
	// two tabs begin
	s.get(browser, "/warm")
	a := s.wentBack(browser, "/a")
	b := s.wentBack(browser, "/b")
	s.get(browser, a)
	had := len(s.tokens)
	armed.Store(true)
	s.get(browser, b)
	armed.Store(false)
	s.wantPage(browser, joe, "/c")
	s.wantReasons(ReasonStoreFailed)
	if len(s.tokens) != had+1 {
		t.Errorf("signed in by a token that OnToken never got")
	}
}

func TestEndOfASessionIsToldOnce(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.signedIn(joe)
	s.srv.SignOut(browser)
	s.advance(2 * time.Minute)
	arrived := make(chan struct{})
	s.wire.set(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		<-arrived
		return next.RoundTrip(r)
	})
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() { s.send(browser, "GET", "/x", "Accept", "application/json") })
	}
	time.Sleep(300 * time.Millisecond)
	close(arrived)
	all.Wait()
	if got := s.reasons(); len(got) != 1 {
		t.Errorf("OnError was told %d times of one session's end", len(got))
	}
}

func TestLoginOfAUserWithoutAnIDEmptiesTheSession(t *testing.T) {
	l := newLogin(t, "http://127.0.0.1:1/api", Config{CallbackURL: sampleBack})
	s, _ := l.openSession(httptest.NewRequest("GET", "/", nil))
	l.logIn(httptest.NewRecorder(), s, &Token{AccessToken: "a", Data: map[string]any{"login": "joe"}})
	l.sessions.Put(s.r.Context(), "basket", "joe's")
	l.logIn(httptest.NewRecorder(), s, &Token{AccessToken: "b", Data: map[string]any{"login": "ann"}})
	if got := l.sessions.GetString(s.r.Context(), "basket"); got != "" {
		t.Errorf("ann has %s basket", got)
	}
}

func TestErrorPageOfACallbackBehindStripPrefixLeadsOn(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	s.serve(http.StripPrefix("/callback", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/inner"
		s.login.Callback().ServeHTTP(w, r)
	})))
	_, body := s.get(s.srv.Browser(), "/callback?state=invented&code=stolen")
	if strings.Contains(body, "stolen") {
		t.Errorf("the page quotes the code and leads to the failed callback: %s", body)
	}
}

func TestOnTokenAtALoginOutlivesTheBrowser(t *testing.T) {
	var got error
	s := newShop(t, newPlatform(t), nil)
	ctx, cancel := context.WithCancel(t.Context())
	s.login.cfg.OnToken = func(c context.Context, _ *Token) { cancel(); got = c.Err() }
	s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/callback" {
			r = r.WithContext(ctx)
		}
		s.login.Require(http.HandlerFunc(s.page)).ServeHTTP(w, r)
	}))
	s.srv.SignIn(s.srv.Browser(), s.url+"/x", joe, password)
	if got != nil {
		t.Errorf("OnToken's context: %v", got)
	}
}

func TestRequireInsideOfRequireSetsACookieOnce(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	s.serve(s.login.Require(s.login.Require(http.HandlerFunc(s.page))))
	browser := s.srv.Browser()
	resp := s.srv.SignIn(browser, s.url+"/x", joe, password)
	seen := map[string]int{}
	for _, c := range resp.Cookies() {
		if seen[c.Name]++; seen[c.Name] > 1 {
			t.Errorf("Set-Cookie twice: %s", c.Name)
		}
	}
}

// ctxAwareStore fails when its context has ended, as databases do.
type ctxAwareStore struct{ scs.Store }

func (c ctxAwareStore) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	if ctx.Err() != nil {
		return nil, false, ctx.Err()
	}
	return c.Store.Find(token)
}
func (c ctxAwareStore) CommitCtx(ctx context.Context, token string, v []byte, e time.Time) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return c.Store.Commit(token, v, e)
}
func (c ctxAwareStore) DeleteCtx(ctx context.Context, token string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return c.Store.Delete(token)
}

// a refresh that began after a long wait for others' claims.
func TestRefreshAfterALongWaitLosesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *prismtest.Server) {
		store := ctxAwareStore{quietStore()}
		s := newShop(t, srv, func(c *Config) { c.CheckEvery, c.Sessions = CheckNever, managerOf(store) })
		browser := s.signedIn(joe)
		s.advance(2 * time.Hour)
		// two processes died, one after the other
		handle := s.handleOf(browser)
		deadline := time.Now().Add(24 * time.Hour)
		put := func(name string, left time.Duration) {
			s.login.put(context.Background(), s.login.id(claimKind, handle), &lease{name, s.now().Add(left)}, deadline)
		}
		put("dead", claimLife)
		time.AfterFunc(29*time.Second, func() { put("dead too", claimLife-2*time.Second) })
		s.wire.set(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			res, err := next.RoundTrip(r.Clone(context.WithoutCancel(r.Context())))
			time.Sleep(4 * time.Second)
			if r.Context().Err() != nil && err == nil {
				res.Body.Close()
				return nil, r.Context().Err()
			}
			return res, err
		})
		s.wantPage(browser, joe, "/x")
		s.wire.set(nil)
		time.Sleep(time.Minute)
		s.wantPage(browser, joe, "/y")
	})
}

func (s *shop) handleOf(browser *http.Client) string {
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: s.login.sessions.Cookie.Name, Value: s.sessionCookie(browser)})
	opened, err := s.login.openSession(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.login.handle(opened.r)
}

// logout between the look and the write of a refresh, with IdleTimeout.
type hookStore struct {
	scs.Store
	mu     sync.Mutex
	commit func(token string)
}

func (h *hookStore) Commit(token string, v []byte, e time.Time) error {
	h.mu.Lock()
	f := h.commit
	h.mu.Unlock()
	if f != nil {
		f(token)
	}
	return h.Store.Commit(token, v, e)
}

func TestLogoutDuringTheWriteOfARefreshIsFinal(t *testing.T) {
	store := &hookStore{Store: quietStore()}
	m := managerOf(store)
	m.IdleTimeout = 30 * time.Minute
	s := newShop(t, newPlatform(t), func(c *Config) { c.CheckEvery, c.Sessions = CheckNever, m })
	browser := s.signedIn(joe)
	thief := s.srv.Browser() // has the cookie, too: or another tab
	id := s.login.id(tokenKind, s.handleOf(browser))
	cookie := s.sessionCookie(browser)
	s.advance(2 * time.Hour)
	var once sync.Once
	store.mu.Lock()
	store.commit = func(token string) {
		if token != id {
			return
		}
		once.Do(func() {
			store.mu.Lock()
			store.commit = nil
			store.mu.Unlock()
			r, _ := http.NewRequest("POST", s.url+"/logout", nil)
			r.AddCookie(&http.Cookie{Name: m.Cookie.Name, Value: cookie})
			r.Header.Set("Accept", "application/json")
			resp, err := thief.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			resp.Body.Close()
		})
	}
	store.mu.Unlock()
	s.get(browser, "/x")
	r := httptest.NewRequest("GET", "/after", nil)
	r.AddCookie(&http.Cookie{Name: m.Cookie.Name, Value: cookie})
	w := httptest.NewRecorder()
	s.login.Require(http.HandlerFunc(s.page)).ServeHTTP(w, r)
	if w.Code == 200 {
		t.Errorf("signed in after the logout: %s", w.Body)
	}
}

// With CheckNever no outcomes of checks are kept.
func TestCheckNeverRemembersNothing(t *testing.T) {
	l := newLogin(t, "http://127.0.0.1:1/api", Config{CallbackURL: sampleBack, CheckEvery: CheckNever})
	for range 100 {
		s, _ := l.openSession(httptest.NewRequest("GET", "/", nil))
		l.logIn(httptest.NewRecorder(), s, &Token{AccessToken: "a"})
	}
	if n := len(l.shared.checks.m); n != 0 {
		t.Errorf("%d outcomes kept that are never looked at", n)
	}
}

// a claim that reaches the store after another process has stored the new
// token puts the used refresh token back.
type stallStore struct {
	scs.Store
	stall *atomic.Int32 // the commit that takes long
}

func (s stallStore) Commit(token string, v []byte, e time.Time) error {
	if s.stall.Add(-1) == 0 {
		time.Sleep(2 * time.Second)
	}
	return s.Store.Commit(token, v, e)
}

func TestClaimWrittenLateDoesNotBringTheOldRefreshTokenBack(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *prismtest.Server) {
		shared := quietStore()
		s := newShop(t, srv, func(c *Config) { c.CheckEvery, c.Sessions = CheckNever, managerOf(shared) })
		var stall atomic.Int32
		other := newProcess(t, s, managerOf(stallStore{shared, &stall}))
		browser := s.signedIn(joe)
		s.advance(2 * time.Hour)
		stall.Store(1) // the claim of the other
		bodies := make(chan string, 2)
		var all sync.WaitGroup
		for _, each := range []*shop{other, s} {
			all.Go(func() { each.together(browser, 1, bodies) })
			time.Sleep(10 * time.Millisecond)
		}
		all.Wait()
		s.wantPage(browser, joe, "/y")
		time.Sleep(2 * time.Minute)
		s.wantPage(browser, joe, "/z")
		s.wantReasons()
		other.wantReasons()
	})
}
