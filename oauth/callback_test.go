package oauth

import (
	"bytes"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// wentBack opens a page, logs in at the platform, and returns the address of
// the callback, which has not been opened.
func (s *shop) wentBack(browser *http.Client, path string) string {
	s.t.Helper()
	patient := *browser
	patient.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/callback" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	resp := s.srv.SignIn(&patient, s.url+path, joe, password)
	to, err := resp.Location()
	if err != nil {
		s.t.Fatalf("the platform answered %s: %v", resp.Status, err)
	}
	return to.String()
}

// wantFailed checks that an address of the callback ends in a page, without a
// session.
func (s *shop) wantFailed(browser *http.Client, address string, status int, reason Reason) {
	s.t.Helper()
	before := s.sessionCookie(browser)
	resp, to := s.step(browser, address)
	page, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != status || to != nil || !strings.Contains(html.UnescapeString(string(page)), texts["en"].reasons[reason]) {
		s.t.Errorf("got %d to %v: %s", resp.StatusCode, to, page)
	}
	if s.sessionCookie(browser) != before {
		s.t.Error("the session has changed")
	}
	s.wantReasons(reason)
	if before == "" {
		s.wantLogin(browser, "/after")
	}
}

func TestForgedCallbacksGetAPageAndNoSession(t *testing.T) {
	srv := newPlatform(t)
	change := func(address, name, value string) string {
		u, _ := url.Parse(address)
		q := u.Query()
		q.Set(name, value)
		if value == "" {
			q.Del(name)
		}
		u.RawQuery = q.Encode()
		return u.String()
	}
	t.Run("no state", func(t *testing.T) {
		s := newShop(t, srv, nil)
		browser := srv.Browser()
		s.wantFailed(browser, change(s.wentBack(browser, "/x"), "state", ""), 400, ReasonStateMissing)
	})
	t.Run("nothing at all", func(t *testing.T) {
		s := newShop(t, srv, nil)
		s.wantFailed(srv.Browser(), s.url+"/callback", 400, ReasonStateMissing)
	})
	t.Run("an invented state", func(t *testing.T) {
		s := newShop(t, srv, nil)
		browser := srv.Browser()
		s.wantFailed(browser, change(s.wentBack(browser, "/x"), "state", secret()), 400, ReasonStateInvalid)
	})
	t.Run("the state twice", func(t *testing.T) {
		s := newShop(t, srv, nil)
		browser := srv.Browser()
		s.wantFailed(browser, s.wentBack(browser, "/x")+"&state=x", 400, ReasonStateInvalid)
	})
	t.Run("the state of another browser, which has its own", func(t *testing.T) {
		s := newShop(t, srv, nil)
		attacker, victim := srv.Browser(), srv.Browser()
		s.wantLogin(victim, "/x")
		s.wantFailed(victim, s.wentBack(attacker, "/x"), 400, ReasonStateInvalid)
	})
	t.Run("the state of another browser, in one without any", func(t *testing.T) {
		s := newShop(t, srv, nil)
		s.wantFailed(srv.Browser(), s.wentBack(srv.Browser(), "/x"), 400, ReasonStateInvalid)
	})
	t.Run("a replayed state", func(t *testing.T) {
		s := newShop(t, srv, nil)
		browser := srv.Browser()
		address := s.wentBack(browser, "/x")
		if _, got := s.get(browser, address); got != "joe at /x" {
			t.Fatalf("got %q", got)
		}
		before, n := s.sessionCookie(browser), len(s.tokens)
		if _, got := s.get(browser, address); got != "joe at /x" {
			t.Errorf("going back ended with %q", got)
		}
		if s.sessionCookie(browser) != before || len(s.tokens) != n {
			t.Error("the replay changed the session")
		}
		s.send(noRedirects(browser), "POST", "/logout", "Accept", "text/html")
		s.wantFailed(browser, address, 400, ReasonStateInvalid)
	})
	t.Run("an old state", func(t *testing.T) {
		s := newShop(t, srv, nil)
		browser := srv.Browser()
		address := s.wentBack(browser, "/x")
		s.ahead.Store(int64(loginTime + time.Second))
		s.wantFailed(browser, address, 400, ReasonStateInvalid)
	})
	t.Run("no code", func(t *testing.T) {
		s := newShop(t, srv, nil)
		browser := srv.Browser()
		s.wantFailed(browser, change(s.wentBack(browser, "/x"), "code", ""), 400, ReasonCodeMissing)
	})
	t.Run("a refused code", func(t *testing.T) {
		s := newShop(t, srv, nil)
		browser := srv.Browser()
		s.wantFailed(browser, change(s.wentBack(browser, "/x"), "code", "invented"), 400, ReasonCodeRefused)
	})
	t.Run("another login's code", func(t *testing.T) { // PKCE binds it
		s := newShop(t, srv, nil)
		one, other := s.wentBack(srv.Browser(), "/x"), srv.Browser()
		u, _ := url.Parse(one)
		s.wantFailed(other, change(s.wentBack(other, "/x"), "code", u.Query().Get("code")), 400, ReasonCodeRefused)
	})
	t.Run("denied", func(t *testing.T) {
		s := newShop(t, srv, nil)
		browser := srv.Browser()
		address := change(s.wentBack(browser, "/x"), "error", "access_denied")
		s.wantFailed(browser, address+"&error_description=%3Cscript%3E", 403, ReasonAccessDenied)
	})
}

func TestCallbackTakesGETOnly(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.srv.Browser()
	address := s.wentBack(browser, "/x")
	for _, method := range []string{"POST", "HEAD", "PUT"} {
		resp := s.sendRaw(browser, method, address)
		if s.body(resp); resp.StatusCode != 405 || resp.Header.Get("Allow") != "GET" {
			t.Errorf("%s: got %d, Allow: %s", method, resp.StatusCode, resp.Header.Get("Allow"))
		}
	}
	if _, got := s.get(browser, address); got != "joe at /x" {
		t.Errorf("then the callback ended with %q", got)
	}
}

func TestCallbackCanBeMountedElsewhere(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	mux := http.NewServeMux()
	mux.Handle("/callback", s.login.Callback())
	mux.Handle("/start", s.login.Require(http.HandlerFunc(s.page)))
	s.serve(mux)
	s.signedIn(joe)
}

func TestPlatformThatIsAwayAtTheCallbackGives503(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.srv.Browser()
	address := s.wentBack(browser, "/x")
	s.wire.cut(true)
	s.wantFailed(browser, address, 503, ReasonPlatformFailed)
	s.wire.cut(false)
	s.wantFailed(browser, address, 400, ReasonStateInvalid) // the state was good once
	s.wantPage(browser, joe, "/again")
}

// Where the browser is sent at the end was written by whoever made the link.
func TestReturnAddressIsAlwaysOfThisSite(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	for _, target := range []string{
		"//evil.example", "//evil.example/x", "///evil.example", "/%5Cevil.example", "/%5C/evil.example", "/%2Fevil.example",
		"http://evil.example/x", "//evil.example/%2e%2e", "/%09/evil.example",
	} {
		r, err := http.ReadRequest(bufioReader("GET " + target + " HTTP/1.1\r\nHost: shop.example\r\n\r\n"))
		if err != nil {
			t.Errorf("%s: %v", target, err)
			continue
		}
		w := httptest.NewRecorder()
		s.login.Require(http.NotFoundHandler()).ServeHTTP(w, r)
		if w.Code != 303 {
			t.Errorf("%s: got %d", target, w.Code)
		}
		wantLocal(t, s.login.returnPath(r.URL))
	}
	for _, u := range []url.URL{{Path: `\\evil`}, {Path: `/\evil`}, {Opaque: "//evil"}, {Host: "evil", Path: "x"}, {Path: "//evil"}, {Path: `/x\..\\evil`}, {}} {
		wantLocal(t, s.login.returnPath(&u))
	}
}

// wantLocal checks that a browser at this site stays there.
func wantLocal(t *testing.T, location string) {
	t.Helper()
	base, _ := url.Parse("https://shop.example/callback")
	to, err := base.Parse(strings.NewReplacer(`\`, "/", "\t", "", "\n", "", "\r", "").Replace(location)) // as browsers do
	if err != nil || to.Host != "shop.example" || to.Scheme != "https" || location[0] != '/' {
		t.Errorf("%q leads to %v (%v)", location, to, err)
	}
}

func FuzzReturnPathStaysOnThisSite(f *testing.F) {
	for _, s := range []string{"/", "//evil", `/\evil`, "/a?b=//c", "/%2F%2Fevil", "http://evil/x", "?x", "/a b", "mailto:x", "/\x80"} {
		f.Add(s)
	}
	l := newLogin(f, "http://127.0.0.1:1/api", Config{CallbackURL: sampleBack})
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		got := l.returnPath(u)
		if got == "" || got[0] != '/' || len(got) > 1 && (got[1] == '/' || got[1] == '\\') || strings.ContainsAny(got, "\r\n\t\x00") || len(got) > longestReturn {
			t.Errorf("%q becomes %q", target, got)
		}
	})
}

func TestLongPathsAreNotKept(t *testing.T) {
	l := newLogin(t, "http://127.0.0.1:1/api", Config{CallbackURL: sampleBack, AfterLogin: "/home"})
	if got := l.returnPath(&url.URL{Path: "/x", RawQuery: strings.Repeat("a", longestReturn)}); got != "/home" {
		t.Errorf("%d bytes are kept", len(got))
	}
}

// Who has put a session id into a browser, or has seen the one of a visitor,
// has nothing when that one logs in.
func TestSessionIdFromBeforeTheLoginIsUseless(t *testing.T) {
	sessions := managerOf(quietStore())
	s := newShop(t, newPlatform(t), func(c *Config) { c.Sessions = sessions })
	mux := http.NewServeMux()
	mux.Handle("/put", sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { sessions.Put(r.Context(), "a", "b") })))
	mux.Handle("/", s.login.Require(http.HandlerFunc(s.page)))
	s.serve(mux)
	victim := s.srv.Browser()
	s.get(victim, "/put")
	stolen := s.sessionCookie(victim)
	s.srv.SignIn(victim, s.url+"/", joe, password)
	s.wantPage(victim, joe, "/mine")
	thief := s.srv.Browser()
	u, _ := url.Parse(s.url)
	thief.Jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: stolen}})
	if stolen == "" || stolen == s.sessionCookie(victim) {
		t.Error("the id was not renewed")
	}
	s.wantLogin(thief, "/mine")
}

// The ids of records have the form of session ids.
func TestRecordSentAsASessionSignsNobodyIn(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.signedIn(joe)
	_, to := s.step(s.srv.Browser(), "/x")
	_ = browser
	ids := []string{to.Query().Get("state")}
	for id := range s.login.own.items {
		if id != s.sessionCookie(browser) {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		thief := s.srv.Browser()
		u, _ := url.Parse(s.url)
		thief.Jar.SetCookies(u, []*http.Cookie{{Name: s.login.sessions.Cookie.Name, Value: id}})
		s.wantLogin(thief, "/mine")
	}
}

func TestTabsThatLogInAtTheSameTimeAllArrive(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.srv.Browser()
	paths := []string{"/a", "/b", "/c", "/d", "/e"}
	addresses := make([]string, len(paths))
	var all sync.WaitGroup
	for i, path := range paths { // none has a cookie yet
		all.Go(func() { _, to := s.step(browser, path); addresses[i] = to.String() })
	}
	all.Wait()
	for i, address := range addresses {
		if got := s.body(s.srv.SignIn(browser, address, joe, password)); got != "joe at "+paths[i] {
			t.Errorf("the tab of %s ended with %q", paths[i], got)
		}
	}
	s.wantReasons()
}

func TestManyTabsShareOneCookie(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.srv.Browser()
	for range 20 {
		s.wantLogin(browser, "/x")
	}
	u, _ := url.Parse(s.url)
	if cookies := browser.Jar.Cookies(u); len(cookies) != 1 {
		t.Errorf("%d cookies: %v", len(cookies), cookies)
	}
}

// One of many requests with the same state may pass, and no other.
func TestStateIsGoodForOneOfManyAtOnce(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.srv.Browser()
	address := s.wentBack(browser, "/x")
	var all sync.WaitGroup
	var mu sync.Mutex
	statuses := map[int]int{}
	for range 20 {
		all.Go(func() {
			resp, _ := s.step(browser, address)
			mu.Lock()
			defer mu.Unlock()
			statuses[resp.StatusCode]++
		})
	}
	all.Wait()
	if statuses[303] < 1 || statuses[303]+statuses[400] != 20 || len(s.tokens) != 1 {
		t.Errorf("got %v and %d logins", statuses, len(s.tokens))
	}
}

// A browser that takes no more cookies, or sends two requests at once, has none
// that says the state was used.
func TestAStateIsGoodOnceEvenIfTheBrowserForgetsIt(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.srv.Browser()
	address := s.wentBack(browser, "/x")
	forgetful := *browser
	forgetful.Jar = fixedJar(browser.Jar.Cookies(s.login.callback))
	for i, want := range []int{303, 400, 400} {
		if resp, _ := s.step(&forgetful, address); resp.StatusCode != want {
			t.Errorf("try %d: got %d, want %d", i, resp.StatusCode, want)
		}
	}
	if len(s.tokens) != 1 {
		t.Errorf("%d logins by one state", len(s.tokens))
	}
}

// fixedJar sends these and keeps none.
type fixedJar []*http.Cookie

func (j fixedJar) SetCookies(*url.URL, []*http.Cookie) {}
func (j fixedJar) Cookies(*url.URL) []*http.Cookie     { return j }

// Every process of the key finishes what another one began, and knows by the
// browser that a state was used.
func TestAStateIsGoodOnceInAllProcesses(t *testing.T) {
	store := quietStore()
	s := newShop(t, newPlatform(t), func(c *Config) { c.Sessions = managerOf(store) })
	other := newProcess(t, s, managerOf(store))
	browser := s.srv.Browser()
	address := s.wentBack(browser, "/x")
	handler := other.handler.Load()
	s.handler.Store(handler)
	if _, got := s.get(browser, address); got != "joe at /x" {
		t.Fatalf("the other process ended with %q", got)
	}
	s.handler.Store(otherwise(s.login.Require(http.HandlerFunc(s.page))))
	s.get(browser, address)
	if n := len(s.tokens) + len(other.tokens); n != 1 {
		t.Errorf("%d logins by one state", n)
	}
}

func otherwise(h http.Handler) *http.Handler { return &h }

func TestVisitorsWhoHaveNotLoggedInHoldNothing(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	for range 1000 {
		r := httptest.NewRequest("GET", s.url+"/x?"+strings.Repeat("y", 900), nil)
		w := httptest.NewRecorder()
		(*s.handler.Load()).ServeHTTP(w, r)
		if w.Code != 303 || len(w.Header().Get("Location")) > 4096 {
			t.Fatalf("got %d to an address of %d bytes", w.Code, len(w.Header().Get("Location")))
		}
	}
	if n := len(s.login.own.items) + len(s.login.shared.states.m); n != 0 {
		t.Errorf("%d records", n)
	}
}

// More logins than a login cookie can hold: none of them works twice.
func TestNoStateWorksTwiceHoweverManyThereWere(t *testing.T) {
	m := loginCookie{name: "n", secret: secret()}
	first, bound := stateID("first"), digest(m.secret)
	m = m.use(first)
	for i := range 3 * mostUsed {
		if !m.hasUsed(first) && bytes.Equal(digest(m.secret), bound) {
			t.Fatalf("after %d more the first one works again", i)
		}
		again, ok := parseLoginCookie(&http.Cookie{Name: m.name, Value: m.value()})
		if !ok || again.used != m.used {
			t.Fatalf("%q is not read", m.value())
		}
		m = again.use(stateID(secret()))
	}
}

func FuzzSealedPagesAreOnlyOurs(f *testing.F) {
	l := newLogin(f, "http://127.0.0.1:1/api", Config{CallbackURL: sampleBack})
	other := newLogin(f, "http://127.0.0.1:1/api", Config{CallbackURL: sampleBack + "2"})
	f.Add("/x", "")
	f.Add("/", other.sealer.seal(&pending{Return: "/"}))
	f.Fuzz(func(t *testing.T, page, forged string) {
		if l.sealer.open(forged) != nil {
			t.Errorf("%q opens", forged)
		}
		page = l.returnPath(&url.URL{Path: page})
		sealed := l.sealer.seal(&pending{Return: page})
		if p := l.sealer.open(sealed); p == nil || p.Return != page {
			t.Errorf("%q becomes %+v", page, p)
		}
		if l.sealer.open(sealed+"\n") != nil || l.sealer.open(sealed[:len(sealed)-1]) != nil || other.sealer.open(sealed) != nil {
			t.Errorf("%q opens in another form, or for another callback", sealed)
		}
	})
}
