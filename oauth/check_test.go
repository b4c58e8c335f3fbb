package oauth

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

func TestPlatformIsAskedOnceInAWhileWhetherTheSessionLives(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.signedIn(joe)
	for range 5 {
		s.wantPage(browser, joe, "/x")
	}
	if n := s.checks(); n != 0 {
		t.Errorf("%d checks right after the login", n)
	}
	for round := 1; round <= 3; round++ {
		s.advance(defaultCheckEvery)
		bodies := make(chan string, 30)
		s.together(browser, 30, bodies)
		if n := s.checks(); n != round {
			t.Errorf("%d checks, want %d", n, round)
		}
	}
}

func TestUserWhoSignedOutElsewhereIsOutHereWithinAMinute(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.signedIn(joe)
	s.srv.SignOut(browser)
	s.wantPage(browser, joe, "/x")
	s.advance(defaultCheckEvery)
	s.wantLogin(browser, "/x")
	s.wantReasons(ReasonSessionEnded)
	if s.sessionCookie(browser) != "" || len(s.login.own.items) != 1 { // a note of the end
		t.Errorf("%d records are left", len(s.login.own.items))
	}
	if status, _ := s.send(browser, "POST", "/x"); status != 401 {
		t.Errorf("a script got %d", status)
	}
}

func TestCheckNeverAsksNothing(t *testing.T) {
	s := newShop(t, newPlatform(t), never)
	browser := s.signedIn(joe)
	s.srv.SignOut(browser)
	s.advance(20 * time.Minute)
	s.wantPage(browser, joe, "/x")
	if n := s.checks(); n != 0 {
		t.Errorf("%d checks", n)
	}
}

// The platform ends sessions that nobody has asked about for half an hour.
func TestChecksKeepThePlatformsSessionAlive(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.signedIn(joe)
	for range 6 {
		s.advance(20 * time.Minute)
		s.wantPage(browser, joe, "/x")
	}
	s.wantReasons()
}

func TestUnreachablePlatformAtACheck(t *testing.T) {
	for policy, want := range map[Outage]int{OutageKeepsSession: 200, OutageEndsSession: 303, OutageRefusesRequest: 503} {
		s := newShop(t, newPlatform(t), func(c *Config) { c.Outage = policy })
		browser := s.signedIn(joe)
		s.wire.cut(true)
		s.advance(defaultCheckEvery)
		for range 3 {
			if resp, _ := s.step(browser, "/x"); resp.StatusCode != want {
				t.Errorf("policy %d: got %d, want %d", policy, resp.StatusCode, want)
			}
		}
		if got := s.reasons(); got[0] != ReasonPlatformFailed || policy != OutageEndsSession && len(got) != 1 {
			t.Errorf("policy %d: OnError got %q", policy, got)
		}
		s.wire.cut(false)
		s.ahead.Add(int64(pause))
		if policy == OutageEndsSession {
			s.wantLogin(browser, "/x")
		} else {
			s.wantPage(browser, joe, "/x")
		}
	}
}

// Others wait for the same answer, and would be signed out with it.
func TestBrowserThatLeavesDuringACheckSignsNobodyOut(t *testing.T) {
	s := newShop(t, newPlatform(t), func(c *Config) { c.Outage = OutageEndsSession })
	browser := s.signedIn(joe)
	s.advance(defaultCheckEvery)
	asked, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s.wire.set(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		once.Do(func() { close(asked) })
		<-goOn
		return next.RoundTrip(r)
	})
	ctx, leave := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		r := httptest.NewRequestWithContext(ctx, "GET", "/x", nil)
		r.AddCookie(&http.Cookie{Name: s.login.sessions.Cookie.Name, Value: s.sessionCookie(browser)})
		(*s.handler.Load()).ServeHTTP(httptest.NewRecorder(), r)
	})
	<-asked
	all.Go(func() { s.wantPage(browser, joe, "/x") })
	leave()
	close(goOn)
	all.Wait()
	s.wantPage(browser, joe, "/y")
	s.wantReasons()
}

// That is the operator's trouble, and no reason to sign everyone out.
func TestRefusedKeyIsNotTheEndOfASession(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.signedIn(joe)
	s.wire.set(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
		r.Header.Set("Authorization", "Bearer so that the signature is wrong")
		return next.RoundTrip(r)
	})
	s.advance(defaultCheckEvery)
	s.wantPage(browser, joe, "/x")
	s.wantReasons(ReasonPlatformFailed)
}
