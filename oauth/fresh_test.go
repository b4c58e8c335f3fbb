package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/shopex/prism-go/prismtest"
)

// never is for tests in which the platform is not asked about sessions.
func never(c *Config) { c.CheckEvery = CheckNever }

// together sends n requests for a page at once, and returns the bodies.
func (s *shop) together(browser *http.Client, n int, bodies chan<- string) {
	var all sync.WaitGroup
	for range n {
		all.Go(func() { _, body := s.get(browser, "/x"); bodies <- body })
	}
	all.Wait()
}

// showToken makes the pages of a shop tell the access token they got.
func (s *shop) showToken() {
	s.serve(s.login.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(UserToken(r.Context()).AccessToken))
	})))
}

func TestHundredRequestsOnAnExpiredTokenAreOneRefresh(t *testing.T) {
	s := newShop(t, newPlatform(t), never)
	browser := s.signedIn(joe)
	old := s.lastToken().AccessToken
	s.showToken()
	s.advance(2 * time.Hour)
	bodies := make(chan string, 100)
	s.together(browser, 100, bodies)
	if n := s.refreshes(); n != 1 {
		t.Errorf("%d refreshes", n)
	}
	want := s.lastToken().AccessToken
	for range 100 {
		if got := <-bodies; got != want || got == old {
			t.Error("a request did not get the new token")
		}
	}
	s.wantReasons()
	if len(s.tokens) != 2 {
		t.Errorf("OnToken was called %d times", len(s.tokens))
	}
}

// Several processes with one store are several Logins with one manager.
func TestProcessesThatShareAStoreRefreshOnce(t *testing.T) {
	srv := newPlatform(t)
	sessions := managerOf(quietStore())
	s := newShop(t, srv, func(c *Config) { c.CheckEvery, c.Sessions = CheckNever, sessions })
	other := newProcess(t, s, managerOf(sessions.Store))
	browser := s.signedIn(joe)
	for round := 1; round <= 3; round++ {
		s.advance(2 * time.Hour)
		bodies := make(chan string, 40)
		var all sync.WaitGroup
		for _, each := range []*shop{s, other} {
			all.Go(func() { each.together(browser, 20, bodies) })
		}
		all.Wait()
		for range 40 {
			if got := <-bodies; got != "joe at /x" {
				t.Fatalf("round %d: a request got %q", round, got)
			}
		}
		if n := s.refreshes(); n != round {
			t.Errorf("round %d: %d refreshes", round, n)
		}
	}
	s.wantReasons()
	other.wantReasons()
}

// newProcess returns a shop as another process of s would be, at an address of
// its own.
func newProcess(t testing.TB, s *shop, sessions *scs.SessionManager) *shop {
	other := newShop(t, s.srv, func(c *Config) {
		c.CheckEvery, c.Sessions, c.CallbackURL, c.Now = CheckNever, sessions, s.url+"/callback", s.now
	})
	return other
}

func TestTokenIsRefreshedAheadOfItsEnd(t *testing.T) {
	s := newShop(t, newPlatform(t), never)
	browser := s.signedIn(joe)
	s.advance(58 * time.Minute)
	s.wantPage(browser, joe, "/x")
	if n := s.refreshes(); n != 0 {
		t.Errorf("%d refreshes too early", n)
	}
	s.advance(time.Minute + 30*time.Second)
	s.wantPage(browser, joe, "/x")
	if n := s.refreshes(); n != 1 {
		t.Errorf("%d refreshes ahead of the end", n)
	}
}

func TestUserStaysForDaysByRefreshing(t *testing.T) {
	s := newShop(t, newPlatform(t), never)
	browser := s.signedIn(joe)
	for day := range 20 {
		s.advance(24 * time.Hour)
		s.wantPage(browser, joe, "/x")
		if n := s.refreshes(); n != day+1 {
			t.Errorf("%d refreshes on day %d", n, day)
		}
	}
}

// A wrong clock of one machine must sign nobody out.
func TestClockTwoDaysOffOnOneSide(t *testing.T) {
	for name, move := range map[string]func(*shop, time.Duration){
		"the site's":     func(s *shop, d time.Duration) { s.ahead.Add(int64(d)) },
		"the platform's": func(s *shop, d time.Duration) { s.srv.Advance(d) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, newPlatform(t), never)
			for _, d := range []time.Duration{48 * time.Hour, -96 * time.Hour} {
				move(s, d)
				browser := s.signedIn(joe)
				for range 3 {
					s.wantPage(browser, joe, "/x")
				}
			}
			if n := s.refreshes(); n != 0 {
				t.Errorf("%d refreshes of a fresh token", n)
			}
			s.wantReasons()
		})
	}
	t.Run("both, while signed in", func(t *testing.T) {
		s := newShop(t, newPlatform(t), nil)
		browser := s.signedIn(joe)
		s.advance(48 * time.Hour)
		s.wantLogin(browser, "/x") // the platform's session is idle for too long
		s.wantReasons(ReasonSessionEnded)
		s.advance(-48 * time.Hour)
		s.signedIn(joe)
	})
	t.Run("back, while signed in", func(t *testing.T) {
		s := newShop(t, newPlatform(t), never)
		browser := s.signedIn(joe)
		s.ahead.Store(int64(-48 * time.Hour))
		s.wantPage(browser, joe, "/x")
		s.wantPage(browser, joe, "/x")
		if n := s.refreshes(); n != 1 {
			t.Errorf("%d refreshes, want 1 as the end was not known any more", n)
		}
	})
}

// The site's session is written as a whole at the end of a request. What it
// writes must not hold the refresh token from before another request's refresh.
func TestSlowRequestDoesNotBringTheOldRefreshTokenBack(t *testing.T) {
	inBubble(t, slowRequestDoesNotBringTheOldRefreshTokenBack)
}

func slowRequestDoesNotBringTheOldRefreshTokenBack(t *testing.T, srv *prismtest.Server) {
	sessions := managerOf(quietStore())
	s := newShop(t, srv, func(c *Config) { c.CheckEvery, c.Sessions = CheckNever, sessions })
	browser := s.signedIn(joe)
	inside, goOn := make(chan struct{}), make(chan struct{})
	s.serve(sessions.LoadAndSave(s.login.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(inside)
			<-goOn
			sessions.Put(r.Context(), "slow", true)
		}
		s.page(w, r)
	}))))
	var slow sync.WaitGroup
	slow.Go(func() { s.wantPage(browser, joe, "/slow") })
	<-inside
	s.advance(2 * time.Hour)
	s.wantPage(browser, joe, "/fast")
	close(goOn)
	slow.Wait()
	for n := 1; n <= 3; n++ {
		s.wantPage(browser, joe, "/x")
		if got := s.refreshes(); got != n {
			t.Errorf("%d refreshes, want %d", got, n)
		}
		s.advance(2 * time.Hour)
	}
	s.wantReasons()
}

// It would be written after the logout has deleted the session.
func TestSlowRequestDoesNotBringASessionBackAfterLogout(t *testing.T) {
	sessions := managerOf(quietStore())
	s := newShop(t, newPlatform(t), func(c *Config) { c.Sessions = sessions })
	browser := s.signedIn(joe)
	stolen := s.sessionCookie(browser)
	inside, goOn := make(chan struct{}), make(chan struct{})
	mux := http.NewServeMux()
	mux.Handle("/logout", s.login.Logout())
	mux.Handle("/", s.login.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(inside)
			<-goOn
			sessions.Put(r.Context(), "slow", true)
		}
		s.page(w, r)
	})))
	s.serve(mux)
	var slow sync.WaitGroup
	slow.Go(func() { s.wantPage(browser, joe, "/slow") })
	<-inside
	s.send(browser, "POST", "/logout", "Accept", "*/*", "Sec-Fetch-Mode", "cors")
	close(goOn)
	slow.Wait()
	if s.sessionCookie(browser) != stolen {
		t.Error("the slow request was expected to set the cookie again")
	}
	s.wantLogin(browser, "/x")
}

func TestBrowserThatLeavesDuringARefreshLosesNothing(t *testing.T) {
	s := newShop(t, newPlatform(t), never)
	browser := s.signedIn(joe)
	s.advance(2 * time.Hour)
	asked, goOn := make(chan struct{}), make(chan struct{})
	s.wire.set(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		resp, err := next.RoundTrip(r)
		if err != nil || resp.StatusCode != 200 {
			return resp, err // the client has to learn the platform's clock
		}
		close(asked) // with a new token on its way
		<-goOn
		if r.Context().Err() != nil {
			t.Error("the refresh was cancelled with the browser's request")
		}
		return resp, err
	})
	ctx, leave := context.WithCancel(t.Context())
	done := make(chan struct{})
	handler := *s.handler.Load()
	go func() {
		defer close(done)
		r := httptest.NewRequestWithContext(ctx, "GET", "/x", nil)
		r.AddCookie(&http.Cookie{Name: s.login.sessions.Cookie.Name, Value: s.sessionCookie(browser)})
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}()
	<-asked
	s.wire.set(nil)
	leave()
	close(goOn)
	<-done
	s.wantPage(browser, joe, "/x")
	if n := s.refreshes(); n != 1 {
		t.Errorf("%d refreshes", n)
	}
	s.wantReasons()
}

// A waiting request whose browser leaves does not wait on.
func TestBrowserThatLeavesDoesNotWaitForARefresh(t *testing.T) {
	s := newShop(t, newPlatform(t), never)
	browser := s.signedIn(joe)
	s.advance(2 * time.Hour)
	asked, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s.wire.set(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		once.Do(func() { close(asked) })
		<-goOn
		return next.RoundTrip(r)
	})
	var first sync.WaitGroup
	first.Go(func() { s.wantPage(browser, joe, "/x") })
	<-asked
	ctx, leave := context.WithCancel(t.Context())
	leave()
	r := httptest.NewRequestWithContext(ctx, "GET", "/x", nil)
	r.AddCookie(&http.Cookie{Name: s.login.sessions.Cookie.Name, Value: s.sessionCookie(browser)})
	w := httptest.NewRecorder()
	(*s.handler.Load()).ServeHTTP(w, r)
	if w.Code != 503 {
		t.Errorf("got %d", w.Code)
	}
	close(goOn)
	first.Wait()
	s.wantReasons() // that the browser left is nobody's failure
}

func TestRefusedRefreshLeadsToTheLogin(t *testing.T) {
	srv := newPlatform(t)
	s := newShop(t, srv, never)
	browser := s.signedIn(joe)
	srv.SignOut(browser)
	s.wantPage(browser, joe, "/x") // nobody has asked yet
	s.advance(2 * time.Hour)
	s.wantLogin(browser, "/x")
	s.wantReasons(ReasonSessionEnded)
	if s.sessionCookie(browser) != "" {
		t.Error("the session is still there")
	}
	if got := s.body(srv.SignIn(browser, s.url+"/y", joe, password)); got != "joe at /y" {
		t.Errorf("then the login ended with %q", got)
	}
}

// Another process was quicker, and writes while this one is refused.
func TestRefusedRefreshTakesWhatAnotherProcessGot(t *testing.T) {
	for _, late := range []time.Duration{0, 400 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			sessions := managerOf(quietStore())
			l := newLogin(t, "http://127.0.0.1:1/api", Config{CallbackURL: sampleBack, Sessions: sessions})
			old, newer := &Token{AccessToken: "a", RefreshToken: "old"}, &Token{AccessToken: "b", RefreshToken: "new"}
			deadline := time.Now().Add(time.Hour)
			if err := l.save(t.Context(), "h", &record{Token: old}, deadline); err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(late, func() { l.save(t.Context(), "h", &record{Token: newer}, deadline) })
			time.Sleep(time.Nanosecond)
			got, err := l.awaitSuccessor(t.Context(), "h", old, ErrLoginRequired)
			if err != nil || got.AccessToken != "b" {
				t.Errorf("%v late: got %v %v", late, got, err)
			}
		})
	}
}

func TestUnreachablePlatformAndAnExpiredToken(t *testing.T) {
	for policy, want := range map[Outage]int{OutageKeepsSession: 503, OutageEndsSession: 303, OutageRefusesRequest: 503} {
		s := newShop(t, newPlatform(t), func(c *Config) { c.CheckEvery, c.Outage = CheckNever, policy })
		browser := s.signedIn(joe)
		s.wire.cut(true)
		s.advance(59*time.Minute + 30*time.Second)
		s.wantPage(browser, joe, "/x") // due, but good for now
		s.wantReasons(ReasonPlatformFailed)
		s.advance(time.Minute)
		resp, _ := s.step(browser, "/x")
		if resp.StatusCode != want {
			t.Errorf("policy %d: got %d, want %d", policy, resp.StatusCode, want)
		}
		s.reasons()
		s.wire.cut(false)
		s.ahead.Add(int64(pause))
		if policy != OutageEndsSession {
			if resp.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			s.wantPage(browser, joe, "/x")
		} else {
			s.wantLogin(browser, "/x")
		}
	}
}

// Otherwise each request would wait for as long as a dead platform takes.
func TestPlatformThatIsAwayIsNotAskedByEveryRequest(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.signedIn(joe)
	var asked atomic.Int32
	s.wire.set(func(*http.Request, http.RoundTripper) (*http.Response, error) { asked.Add(1); return nil, errCut })
	s.advance(59*time.Minute + 30*time.Second)
	for range 10 {
		s.wantPage(browser, joe, "/x")
	}
	if n := asked.Load(); n != 2 { // about the session, and for a token
		t.Errorf("the platform was asked %d times", n)
	}
	s.wantReasons(ReasonPlatformFailed, ReasonPlatformFailed)
}

func TestScriptsGet503AsJSON(t *testing.T) {
	s := newShop(t, newPlatform(t), never)
	browser := s.signedIn(joe)
	s.wire.cut(true)
	s.advance(2 * time.Hour)
	status, body := s.send(browser, "GET", "/x", "Accept", "application/json")
	if status != 503 || !strings.Contains(body, `"platform_failed"`) {
		t.Errorf("got %d %s", status, body)
	}
}

func TestTokenWithoutARefreshTokenIsUsedToItsEnd(t *testing.T) {
	l := newLogin(t, "http://127.0.0.1:1/api", Config{CallbackURL: sampleBack, CheckEvery: CheckNever})
	now := time.Now()
	for _, row := range []struct {
		expiry time.Time
		want   error
	}{{now.Add(time.Second * 20), nil}, {now.Add(-time.Second), ErrLoginRequired}, {time.Time{}, nil}} {
		s, err := l.openSession(httptest.NewRequest("GET", "/", nil))
		if err != nil {
			t.Fatal(err)
		}
		if err := l.logIn(httptest.NewRecorder(), s, &Token{AccessToken: "a", Issued: now.Add(-time.Hour), Expiry: row.expiry}); err != nil {
			t.Fatal(err)
		}
		if _, err := l.identify(s.r); !errors.Is(err, row.want) {
			t.Errorf("until %v: %v", row.expiry, err)
		}
	}
}

// A platform that took the token and whose new one cannot be kept.
func TestNewTokenThatCannotBeStoredIsNotUsed(t *testing.T) {
	inBubble(t, newTokenThatCannotBeStoredIsNotUsed)
}

func newTokenThatCannotBeStoredIsNotUsed(t *testing.T, srv *prismtest.Server) {
	var broken atomic.Bool
	store := &brokenStore{quietStore(), func(op string) bool { return op == "commit" && broken.Load() }}
	s := newShop(t, srv, func(c *Config) { c.CheckEvery, c.Sessions = CheckNever, managerOf(store) })
	browser := s.signedIn(joe)
	s.advance(2 * time.Hour)
	s.wire.set(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		broken.Store(true)
		return next.RoundTrip(r)
	})
	if status, body := s.get(browser, "/x"); status != 500 || !strings.Contains(body, "cannot store") {
		t.Errorf("got %d %s", status, body)
	}
	s.wantReasons(ReasonStoreFailed)
	if len(s.tokens) != 1 {
		t.Error("OnToken was told of a token that was not stored")
	}
}

func TestStoreThatFailsOnceDoesNotLoseTheNewToken(t *testing.T) {
	inBubble(t, storeThatFailsOnceDoesNotLoseTheNewToken)
}

func storeThatFailsOnceDoesNotLoseTheNewToken(t *testing.T, srv *prismtest.Server) {
	var failures atomic.Int32
	store := &brokenStore{quietStore(), func(op string) bool { return op == "commit" && failures.Add(-1) >= 0 }}
	s := newShop(t, srv, func(c *Config) { c.CheckEvery, c.Sessions = CheckNever, managerOf(store) })
	browser := s.signedIn(joe)
	s.advance(2 * time.Hour)
	s.wire.set(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		failures.Store(2)
		return next.RoundTrip(r)
	})
	s.wantPage(browser, joe, "/x")
	s.wire.set(nil)
	s.advance(2 * time.Hour)
	s.wantPage(browser, joe, "/x")
	s.wantReasons()
}
