package oauth

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A browser that loses the session cookie, or a site whose processes have no
// store in common, would be sent around for ever.
func TestLoginsInALoopEndInAPage(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.signedIn(joe)
	forgetful := *browser
	forgetful.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/callback" || r.URL.Host != s.login.callback.Host {
			return browser.Transport.RoundTrip(r)
		}
		r = r.Clone(r.Context())
		var kept []string
		for _, c := range r.Cookies() {
			if c.Name != s.login.sessions.Cookie.Name {
				kept = append(kept, c.Name+"="+c.Value)
			}
		}
		r.Header.Set("Cookie", strings.Join(kept, "; "))
		return browser.Transport.RoundTrip(r)
	})
	for range 2 { // to try again is allowed
		status, body := s.get(&forgetful, "/x")
		if status != 400 || !strings.Contains(body, "cookies") {
			t.Errorf("got %d %s", status, body)
		}
		s.wantReasons(ReasonLoginLooped)
	}
	if n := len(s.tokens); n > 1+2*mostRounds {
		t.Errorf("%d logins", n)
	}
}

// Whoever logs out and in again quickly is in no loop.
func TestQuickLoginsThatReachAPageAreNoLoop(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.signedIn(joe)
	for range 3 * mostRounds {
		s.send(noRedirects(browser), "POST", "/logout", "Accept", "text/html")
		s.wantPage(browser, joe, "/x")
	}
	s.wantReasons()
}

func TestLoginsFarApartAreNoLoop(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	for rounds, age := range map[int]time.Duration{mostRounds: roundTime + 2*time.Second, mostRounds - 1: 0} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/x", nil)
		m := s.login.newLoginCookie()
		m.rounds, m.last = rounds, s.now().Add(-age)
		r.AddCookie(&http.Cookie{Name: m.name, Value: m.value()})
		(*s.handler.Load()).ServeHTTP(w, r)
		if w.Code != 303 {
			t.Errorf("%d rounds, %v ago: got %d", rounds, age, w.Code)
		}
	}
}

func TestBrowserWithoutCookiesGetsAPage(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.srv.Browser()
	address := s.wentBack(browser, "/x")
	browser.Jar = nil
	resp, to := s.step(browser, address)
	if resp.StatusCode != 400 || to != nil {
		t.Errorf("got %d to %v", resp.StatusCode, to)
	}
	s.wantReasons(ReasonStateInvalid)
}

func FuzzMark(f *testing.F) {
	f.Add(secret()+".2.1700000000", "prism_x")
	f.Add(secret()+".0.0", "prism_x")
	f.Add(secret()+".-1.9", "")
	f.Add("..", "x")
	f.Fuzz(func(t *testing.T, value, name string) {
		m, ok := parseLoginCookie(&http.Cookie{Name: name, Value: value})
		if !ok {
			return
		}
		again, ok := parseLoginCookie(&http.Cookie{Name: m.name, Value: m.value()})
		if !ok || again != m || m.rounds < 0 {
			t.Errorf("%q becomes %+v and then %+v", value, m, again)
		}
	})
}

func TestMarksThatAreNoneAreIgnored(t *testing.T) {
	l := newLogin(t, "http://127.0.0.1:1/api", Config{CallbackURL: sampleBack})
	r := httptest.NewRequest("GET", "/x", nil)
	for range 100 {
		r.AddCookie(&http.Cookie{Name: l.loginCookiePrefix() + secret()[:4], Value: strings.Repeat("x", rand.N(60))})
	}
	if n := len(l.loginCookies(r)); n != 0 {
		t.Errorf("%d marks", n)
	}
	for range 100 {
		m := l.newLoginCookie()
		r.AddCookie(&http.Cookie{Name: m.name, Value: m.value()})
	}
	if n := len(l.loginCookies(r)); n != mostCookies {
		t.Errorf("%d marks", n)
	}
}
