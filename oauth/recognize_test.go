package oauth

import (
	"fmt"
	"net/http"
	"testing"
)

// newFront is a shop whose front page is for everybody.
func newFront(t *testing.T) *shop {
	s := newShop(t, newPlatform(t), nil)
	mux := http.NewServeMux()
	mux.Handle("/", s.login.Require(http.HandlerFunc(s.page)))
	mux.Handle("/front", s.login.Recognize(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := s.login.sessions.GetInt(r.Context(), "visits") + 1
		s.login.sessions.Put(r.Context(), "visits", n)
		fmt.Fprintf(w, "%q, visit %d", User(r.Context()).Login, n)
	})))
	s.serve(mux)
	return s
}

func (s *shop) wantFront(browser *http.Client, want string) {
	s.t.Helper()
	if status, got := s.get(browser, "/front"); status != http.StatusOK || got != want {
		s.t.Errorf("the front page is %d %q, want %q", status, got, want)
	}
}

func TestAPageForEverybodyKnowsWhoIsSignedIn(t *testing.T) {
	s := newFront(t)
	browser := s.srv.Browser()
	s.wantFront(browser, `"", visit 1`)
	s.srv.SignIn(browser, s.url+"/", joe, password).Body.Close()
	s.wantFront(browser, `"joe", visit 2`)
	s.wantReasons()
}

// Nobody is sent to the login, and what the site keeps in the session stays.
func TestAPageForEverybodyNoticesTheEndOfASession(t *testing.T) {
	s := newFront(t)
	browser := s.signedIn(joe)
	s.wantFront(browser, `"joe", visit 1`)
	s.srv.SignOut(browser)
	s.advance(defaultCheckEvery)
	s.wantFront(browser, `"", visit 2`)
	s.wantReasons(ReasonSessionEnded)
	s.wantFront(browser, `"", visit 3`)
	s.wantReasons()
	s.wantLogin(browser, "/x")
}
