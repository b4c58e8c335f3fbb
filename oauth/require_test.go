package oauth

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestVisitorsLogInAndComeBackToThePageTheyWanted(t *testing.T) {
	srv := newPlatform(t)
	for _, path := range []string{"/", "/orders", "/orders?page=2&q=a%20b+c&x=%2F%2Fevil", "/a%2Fb/%E4%B8%AD", "/orders/?", "/x;y=1?callback"} {
		t.Run(path, func(t *testing.T) {
			s := newShop(t, srv, nil)
			resp := srv.SignIn(srv.Browser(), s.url+path, joe, password)
			want := joe + " at " + strings.TrimSuffix(path, "?")
			if got := s.body(resp); got != want {
				t.Errorf("got %s %q, want %q", resp.Status, got, want)
			}
			s.wantReasons()
		})
	}
}

func TestSignedInUsersGetTheirPagesAndOthersDoNot(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.signedIn(joe)
	s.wantPage(browser, joe, "/a")
	s.wantPage(browser, joe, "/b?c=d")
	s.wantPage(s.signedIn("ann"), "ann", "/a")
	s.wantLogin(s.srv.Browser(), "/a")
	if got := s.lastToken().User().ID; got != "id-of-ann" {
		t.Errorf("OnToken got that of %q", got)
	}
}

// A user of the platform who opens a second application types nothing.
func TestUserOfThePlatformIsLetInWithoutAPassword(t *testing.T) {
	srv := newPlatform(t)
	first, second := newShop(t, srv, nil), newShop(t, srv, nil)
	browser := first.signedIn(joe)
	second.wantPage(browser, joe, "/x")
	first.wantPage(browser, joe, "/y")
}

func TestLoginWithoutPKCE(t *testing.T) {
	s := newShop(t, newPlatform(t), func(c *Config) { c.DisablePKCE = true })
	_, to := s.step(s.srv.Browser(), "/")
	if to.Query().Has("code_challenge") {
		t.Errorf("there is a challenge: %v", to.Query())
	}
	s.signedIn(joe)
}

func TestRequestsThatAreNoPageViewsGet401(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	for _, row := range []struct{ method, name, value string }{
		{"POST", "Accept", "text/html"},
		{"PUT", "Accept", "*/*"},
		{"DELETE", "", ""},
		{"OPTIONS", "", ""},
		{"GET", "Accept", "application/json"},
		{"GET", "Accept", "application/json, text/html;q=0.5"},
		{"GET", "Accept", "image/avif,image/webp"},
		{"GET", "X-Requested-With", "XMLHttpRequest"},
		{"GET", "Sec-Fetch-Mode", "cors"},
		{"GET", "Sec-Fetch-Mode", "no-cors"},
		{"GET", "Upgrade", "websocket"},
		{"HEAD", "Accept", "text/html"},
		{"GET", "Sec-Purpose", "prefetch;prerender"},
		{"GET", "Purpose", "prefetch"},
		{"GET", "X-Moz", "prefetch"},
		{"GET", "Sec-Fetch-Dest", "image"},
		{"GET", "Sec-Fetch-Dest", "script"},
		{"GET", "Sec-Fetch-Dest", "font"},
		// As browsers say it over plain HTTP: images, scripts and fonts, styles.
		{"GET", "Accept", "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"},
		{"GET", "Accept", "*/*"},
		{"GET", "Accept", "text/css,*/*;q=0.1"},
	} {
		t.Run(row.method+" "+row.name+" "+row.value, func(t *testing.T) {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(row.method, "/x", nil)
			if row.name != "" {
				r.Header.Set(row.name, row.value)
			}
			s.login.Require(http.NotFoundHandler()).ServeHTTP(w, r)
			var body map[string]string
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body["error"] != "login_required" {
				t.Errorf("got %q", w.Body)
			}
			h := w.Header()
			if w.Code != 401 || h.Get("Cache-Control") != "no-store" || !strings.Contains(h.Get("Vary"), "Sec-Purpose") || h.Get("Location") != "" || h.Get("Set-Cookie") != "" {
				t.Errorf("got %d %v", w.Code, h)
			}
		})
	}
	s.wantReasons() // it is nobody's failure
	if n := len(s.login.own.items); n != 0 {
		t.Errorf("%d records were made", n)
	}
}

func TestPageViewsAreRedirectedToTheLogin(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	for _, row := range []struct{ method, name, value string }{
		{"GET", "", ""},
		{"GET", "Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"},
		{"GET", "Sec-Fetch-Mode", "navigate"},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(row.method, s.url+"/x", nil)
		if row.name != "" {
			r.Header.Set(row.name, row.value)
		}
		s.login.Require(http.NotFoundHandler()).ServeHTTP(w, r)
		to, err := url.Parse(w.Header().Get("Location"))
		if w.Code != 303 || err != nil || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%v: got %d %v", row, w.Code, w.Header())
			continue
		}
		q := to.Query()
		if len(q.Get("state")) < 43 || q.Get("redirect_uri") != s.url+"/callback" || q.Get("client_id") != s.srv.Key() || q.Get("code_challenge_method") != "S256" {
			t.Errorf("%v: redirected to %v", row, to)
		}
	}
}

// A page of localhost, with the callback at 127.0.0.1: no cookie of the one host
// is seen at the other.
func TestPagesUnderAnotherHostLogInByTheHostOfTheCallback(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.srv.Browser()
	elsewhere := strings.Replace(s.url, "127.0.0.1", "localhost", 1) + "/x?a=b"
	if _, to := s.step(browser, elsewhere); to == nil || to.Host != s.login.callback.Host || to.Path != "/callback" {
		t.Fatalf("redirected to %v", to)
	}
	for range 2 { // with the login, and with the session
		resp := s.srv.SignIn(browser, elsewhere, joe, password)
		if got := s.body(resp); got != "joe at /x?a=b" || resp.Request.URL.Host != s.login.callback.Host {
			t.Errorf("ended at %v with %q", resp.Request.URL, got)
		}
	}
	s.wantReasons()
}

// A proxy may write its own name for the backend into Host.
func TestPagesBehindAProxyThatRewritesTheHostLogIn(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	site := s.login.Require(http.HandlerFunc(s.page))
	s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = "backend:8080"
		site.ServeHTTP(w, r)
	}))
	if got := s.body(s.srv.SignIn(s.srv.Browser(), s.url+"/x", joe, password)); got != "joe at /x" {
		t.Errorf("ended with %q", got)
	}
	s.wantReasons()
}

func TestOnlySealedPagesBeginALoginAtTheCallback(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	for _, forged := range []string{"", "/x", "//evil.example", secret(), newSealer(make([]byte, 32)).seal(&pending{Return: "//evil.example"})} {
		resp, to := s.step(s.srv.Browser(), "/callback?start="+url.QueryEscape(forged))
		if resp.StatusCode != 400 || to != nil {
			t.Errorf("%q: got %d to %v", forged, resp.StatusCode, to)
		}
		s.wantReasons(ReasonStateInvalid)
	}
	sealed := s.login.sealer.seal(&pending{Return: "/x"})
	if status, _ := s.send(noRedirects(s.srv.Browser()), "GET", "/callback?start="+sealed, "Accept", "text/html", "Sec-Purpose", "prefetch"); status != 401 {
		t.Errorf("a prefetch got %d", status)
	}
}

// What the Host header says is the visitor's choice.
func TestHostOfTheRequestLeadsNowhere(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "http://evil.example/x", nil)
	r.Header.Set("X-Forwarded-Host", "evil.example")
	s.login.Require(http.NotFoundHandler()).ServeHTTP(w, r)
	if to := w.Header().Get("Location"); w.Code != 303 || strings.Contains(to, "evil") {
		t.Errorf("got %d to %s", w.Code, to)
	}
}

func TestNoSessionIsMadeForWhoHasNotLoggedIn(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.srv.Browser()
	s.wantLogin(browser, "/a")
	if s.sessionCookie(browser) != "" {
		t.Error("a visitor got a session")
	}
}

func TestUserClientCallsInTheUsersName(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	s.serve(s.login.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/start" {
			s.page(w, r)
			return
		}
		res, err := UserClient(r.Context()).Get(r.Context(), "platform/oauth/user", nil)
		if err != nil {
			t.Error(err)
			return
		}
		w.Write(res.Body)
	})))
	if _, got := s.get(s.signedIn(joe), "/me"); !strings.Contains(got, "id-of-joe") {
		t.Errorf("the platform says %s", got)
	}
	calls := s.srv.Calls("platform/oauth/user")
	if len(calls) != 1 || calls[0].UserID != "id-of-joe" {
		t.Errorf("the platform saw %+v", calls)
	}
}

func TestOutsideOfRequireThereIsNoUser(t *testing.T) {
	ctx := t.Context()
	if u := User(ctx); u.ID != "" || u.Data != nil || UserToken(ctx) != nil || UserClient(ctx) != nil {
		t.Errorf("there is %+v", u)
	}
}

// setCookies returns the names of the cookies that an answer sets.
func setCookies(h http.Header) map[string][]*http.Cookie {
	byName := map[string][]*http.Cookie{}
	for _, c := range (&http.Response{Header: h}).Cookies() {
		byName[c.Name] = append(byName[c.Name], c)
	}
	return byName
}

func TestCookiesAreHiddenFromScriptsAndOtherSites(t *testing.T) {
	for _, scheme := range []string{"http", "https"} {
		l := newLogin(t, "http://127.0.0.1:1/api", Config{CallbackURL: scheme + "://shop.example/callback"})
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "http://shop.example/x", nil)
		l.Require(http.NotFoundHandler()).ServeHTTP(w, r)
		s, err := l.openSession(r)
		if err != nil || !s.owned {
			t.Fatal(s, err)
		}
		if err := l.logIn(w, s, &Token{AccessToken: "a"}); err != nil {
			t.Fatal(err)
		}
		cookies := setCookies(w.Header())
		if len(cookies) != 2 {
			t.Errorf("%s: %d cookies: %v", scheme, len(cookies), w.Header())
		}
		for name, list := range cookies {
			c := list[0]
			if len(list) != 1 || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" ||
				c.Secure != (scheme == "https") || strings.HasPrefix(name, "__Host-") != c.Secure {
				t.Errorf("%s: %v", scheme, list)
			}
		}
	}
}

// The site has a session of its own around all, in which it keeps a basket.
func TestSessionOfTheSiteIsSharedAndItsValuesKept(t *testing.T) {
	sessions := managerOf(quietStore())
	s := newShop(t, newPlatform(t), func(c *Config) { c.Sessions = sessions })
	mux := http.NewServeMux()
	mux.HandleFunc("/basket", func(w http.ResponseWriter, r *http.Request) {
		sessions.Put(r.Context(), "basket", "apples")
		io.WriteString(w, "put")
	})
	mux.Handle("/", s.login.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sessions.Put(r.Context(), "seen", sessions.GetInt(r.Context(), "seen")+1)
		fmt.Fprintf(w, "%s has %s, seen %d", User(r.Context()).Login, sessions.GetString(r.Context(), "basket"), sessions.GetInt(r.Context(), "seen"))
	})))
	mux.Handle("/logout", s.login.Logout())
	twice := 0
	s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sessions.LoadAndSave(mux).ServeHTTP(w, r)
		for name, list := range setCookies(w.Header()) {
			if len(list) > 1 {
				twice++
				t.Errorf("%s sets %s %d times", r.URL.Path, name, len(list))
			}
		}
	}))
	browser := s.srv.Browser()
	s.get(browser, "/basket")
	before := s.sessionCookie(browser)
	if got := s.body(s.srv.SignIn(browser, s.url+"/a", joe, password)); got != "joe has apples, seen 1" {
		t.Errorf("after the login: %q", got)
	}
	if after := s.sessionCookie(browser); before == "" || after == "" || after == before {
		t.Error("the login did not renew the id of the session")
	}
	if _, got := s.get(browser, "/b"); got != "joe has apples, seen 2" {
		t.Errorf("later: %q", got)
	}
	s.send(browser, "POST", "/logout", "Accept", "text/html")
	if got := s.body(s.srv.SignIn(browser, s.url+"/c", joe, password)); got != "joe has , seen 1" {
		t.Errorf("after a logout: %q", got)
	}
}

func TestValuesOfTheSiteAreSavedWithoutALoadAndSaveAround(t *testing.T) {
	sessions := managerOf(quietStore())
	s := newShop(t, newPlatform(t), func(c *Config) { c.Sessions = sessions })
	browser := s.signedIn(joe)
	s.serve(s.login.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sessions.Put(r.Context(), "seen", sessions.GetInt(r.Context(), "seen")+1)
		fmt.Fprint(w, sessions.GetInt(r.Context(), "seen"))
	})))
	for _, want := range []string{"1", "2", "3"} {
		if _, got := s.get(browser, "/"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Somebody else at the same browser must not find the basket of the one before.
func TestAnotherUsersLoginEmptiesTheSession(t *testing.T) {
	l := newLogin(t, "http://127.0.0.1:1/api", Config{CallbackURL: sampleBack})
	s, err := l.openSession(httptest.NewRequest("GET", "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	l.sessions.Put(s.r.Context(), "basket", "apples")
	for _, step := range []struct{ user, basket string }{{"joe", "apples"}, {"joe", "apples"}, {"ann", ""}} {
		before := l.handle(s.r)
		if err := l.logIn(httptest.NewRecorder(), s, &Token{AccessToken: "a", Data: map[string]any{"@id": step.user}}); err != nil {
			t.Fatal(err)
		}
		if got := l.sessions.GetString(s.r.Context(), "basket"); got != step.basket {
			t.Errorf("%s finds %q in the basket", step.user, got)
		}
		if rec, err := l.load(t.Context(), before); err != nil || rec != nil {
			t.Errorf("the token from before is still there: %v", err)
		}
	}
}

func TestProtectedPagesAreNotForSharedCaches(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	resp, _ := s.step(s.signedIn(joe), "/a")
	if got := resp.Header.Get("Cache-Control"); got != "private, no-cache" {
		t.Errorf("Cache-Control: %s", got)
	}
}

func TestStreamsCanBeFlushed(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.signedIn(joe)
	s.serve(s.login.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		io.WriteString(w, "ok")
	})))
	s.get(browser, "/a")
}

func TestSessionEndsAfterItsLifetime(t *testing.T) {
	sessions := managerOf(quietStore())
	sessions.Lifetime = time.Nanosecond
	s := newShop(t, newPlatform(t), func(c *Config) { c.Sessions = sessions })
	w := httptest.NewRecorder()
	opened, _ := s.login.openSession(httptest.NewRequest("GET", "/", nil))
	if err := s.login.logIn(w, opened, &Token{AccessToken: "a"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.login.identify(opened.r); err != errNobody {
		t.Errorf("got %v", err)
	}
}
