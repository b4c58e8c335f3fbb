package platform_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

func TestAWrongPasswordShowsTheFormAgain(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	b := e.browser()
	wrong := b.logIn(authorizePath(), "ann", "wr0ng pass")
	wrong.want(401, `role="alert"`, `value="ann"`, "Login or password is wrong.")
	if strings.Contains(wrong.body, "wr0ng") {
		t.Error("the password is on the page")
	}
	if b.cookie("prism_session") != "" {
		t.Error("a wrong password gave a session")
	}
	unknown := b.logIn(authorizePath(), "bob", annsPassword)
	if unknown.status != wrong.status || strings.Replace(unknown.body, "bob", "ann", 1) != wrong.body {
		t.Error("an unknown login is answered otherwise than a wrong password")
	}
	form := wrong.form()
	form.Set("login", "ann")
	form.Set("password", annsPassword)
	b.open("POST", authorizePath(), form).sentTo(callback)
}

func TestAnEmptyLoginOrPasswordIsWrong(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	b := e.browser()
	for range 10 { // they are no guesses, so they do not count either
		b.logIn(authorizePath(), "ann", "").want(401)
		b.logIn(authorizePath(), "", annsPassword).want(401)
		b.open("POST", authorizePath(), b.get(authorizePath()).form()).want(401)
	}
	if n := e.users.asked.Load(); n != 0 {
		t.Errorf("Users was asked %d times", n)
	}
}

// Whoever makes a browser send the form must have read the page in that very
// browser: no password is even looked at else.
func TestAForeignFormLogsNobodyIn(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	foreign := e.browser().get(authorizePath()).form().Get("form_token")
	rows := []struct {
		name   string
		token  []string
		cookie string // in place of the browser's own
		header []string
		code   string
	}{
		{"another site", nil, "", []string{"Sec-Fetch-Site", "cross-site"}, "cross_site"},
		{"a sibling site", nil, "", []string{"Sec-Fetch-Site", "same-site"}, "cross_site"},
		{"another origin", nil, "", []string{"Origin", "https://evil.example"}, "cross_site"},
		{"another port", nil, "", []string{"Origin", "http://127.0.0.1:1"}, "cross_site"},
		{"an opaque origin", nil, "", []string{"Origin", "null"}, "cross_site"},
		{"no token", []string{}, "", nil, "form_expired"},
		{"an empty token", []string{""}, "", nil, "form_expired"},
		{"another browser's token", []string{foreign}, "", nil, "form_expired"},
		{"a token too many", []string{"own", foreign}, "", nil, "form_expired"},
		{"no cookie", nil, "-", nil, "form_expired"},
		{"no cookie and no token", []string{""}, "-", nil, "form_expired"},
		{"a cookie of its own making", []string{"x"}, "x", nil, "form_expired"},
		{"a cookie in capitals", []string{strings.ToUpper(foreign)}, strings.ToUpper(foreign), nil, "form_expired"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			logged, trace := newEvents()
			e := newPageEnv(t, platform.Config{Trace: trace})
			b := e.browser()
			form := b.get(authorizePath()).form()
			own := form.Get("form_token")
			if row.token != nil {
				form["form_token"] = row.token
				if len(row.token) > 0 && row.token[0] == "own" {
					form["form_token"][0] = own
				}
			}
			switch row.cookie {
			case "":
			case "-":
				b = e.browser()
			default:
				b.setCookie("prism_form", row.cookie)
			}
			form.Set("login", "ann")
			form.Set("password", annsPassword)
			b.open("POST", authorizePath(), form, row.header...).want(403)
			if e.users.asked.Load() != 0 || b.cookie("prism_session") != "" {
				t.Error("the password was looked at")
			}
			if got := await[callEvent](t, logged, 2).Code; got != row.code {
				t.Errorf("refused with %s, want %s", got, row.code)
			}
		})
	}
}

// Whoever still has the page open from before, or had no cookie yet, gets on
// with the form that the refusal shows.
func TestAnExpiredFormCanBeSentAgain(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	b := e.browser()
	again := b.open("POST", authorizePath(), url.Values{"login": {"ann"}, "password": {annsPassword}}, "Sec-Fetch-Site", "same-origin")
	again.want(403, `role="alert"`, `value="ann"`)
	form := again.form()
	form.Set("login", "ann")
	form.Set("password", annsPassword)
	b.open("POST", authorizePath(), form, "Origin", e.url).sentTo(callback)
}

func TestABrokenCookieIsReplaced(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	b := e.browser()
	b.setCookie("prism_form", "x")
	b.setCookie("prism_session", "")
	b.logIn(authorizePath(), "ann", annsPassword).sentTo(callback)
}

func TestAllOpenPagesOfABrowserWork(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	b := e.browser()
	one, two := b.get(authorizePath()).form(), b.get(authorizePath("state", "2")).form()
	for _, form := range []url.Values{two, one} {
		form.Set("login", "ann")
		form.Set("password", annsPassword)
		b.open("POST", authorizePath(), form).sentTo(callback)
	}
}

func TestTheFormIsReadAsAFormOnly(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	b := e.browser()
	form := b.get(authorizePath()).form()
	form.Set("login", "ann")
	form.Set("password", annsPassword)
	for _, media := range []string{"text/plain", "multipart/form-data", "application/json", ""} {
		b.open("POST", authorizePath(), form, "Content-Type", media).want(403)
	}
	b.open("POST", authorizePath()+"&"+form.Encode(), url.Values{}).want(403) // what stands in an address stands in logs
	if e.users.asked.Load() != 0 {
		t.Error("a password was looked at that no form had")
	}
}

// A session that somebody else knows, or has put into the browser, is not the
// one of the login that follows.
func TestASessionFromBeforeTheLoginIsWorthNothing(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	b := e.browser()
	b.setCookie("prism_session", "chosenbytheattacker2345678")
	b.logIn(authorizePath(), "ann", annsPassword).sentTo(callback)
	if got := b.cookie("prism_session"); got == "chosenbytheattacker2345678" || !e.knows(got) || e.knows("chosenbytheattacker2345678") {
		t.Error("the login made the attacker's cookie good")
	}

	attacker := e.loggedIn()
	planted := attacker.cookie("prism_session")
	victim := e.browser()
	page := victim.get(authorizePath())
	victim.setCookie("prism_session", planted)
	form := page.form()
	form.Set("login", "ann")
	form.Set("password", annsPassword)
	code := victim.open("POST", authorizePath(), form).sentTo(callback).Get("code")
	if victim.cookie("prism_session") == planted || e.knows(planted) {
		t.Error("the attacker's session outlived the victim's login")
	}
	if !e.good(e.exchange(code).Access) {
		t.Error("the victim's own session is over")
	}
	attacker.get(authorizePath()).want(200, `name="password"`)
}

func TestALoginEndsTheOldSessionOfTheBrowser(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	b := e.browser()
	form := b.get(authorizePath()).form()
	old := e.exchange(b.logIn(authorizePath(), "ann", annsPassword).sentTo(callback).Get("code"))
	form.Set("login", "ann")
	form.Set("password", annsPassword)
	b.open("POST", authorizePath(), form).sentTo(callback)
	e.dead("after another login", old)
	e.check(first(), old.Session).want(t, 400, "invalid_session")
}

func TestCookiesAreForThePlatformOnly(t *testing.T) {
	rows := []struct {
		name, prefix string
		cfg          platform.Config
		tls, secure  bool
	}{
		{"plain", "", platform.Config{}, false, false},
		{"behind a proxy", "__Host-", platform.Config{OAuth: platform.OAuth{SecureCookies: true}}, false, true},
		{"over TLS", "__Host-", platform.Config{}, true, true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			e := newPageEnv(t, row.cfg)
			server := httptest.NewUnstartedServer(e.p)
			if row.tls {
				server.StartTLS()
			} else {
				server.Start()
			}
			defer server.Close()
			page := send(t, server, "GET", nil)
			form := page.form()
			form.Set("login", "ann")
			form.Set("password", annsPassword)
			in := send(t, server, "POST", form, (&http.Response{Header: page.header}).Cookies()...)
			in.sentTo(callback)
			cookies := append((&http.Response{Header: page.header}).Cookies(), (&http.Response{Header: in.header}).Cookies()...)
			if len(cookies) != 3 {
				t.Fatalf("the answers have cookies %v and %v, want three", page.header["Set-Cookie"], in.header["Set-Cookie"])
			}
			for i, name := range []string{"prism_form", "prism_device", "prism_session"} {
				c := cookies[i]
				if name == "prism_device" {
					if c.MaxAge != 180*24*60*60 || len(c.Value) != 26+1+64 {
						t.Errorf("cookie is %v", c)
					}
					c.MaxAge, c.Value = 0, c.Value[:26]
				}
				if c.Name != row.prefix+name || c.Secure != row.secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode ||
					c.Path != "/" || c.Domain != "" || c.MaxAge != 0 || len(c.Value) != 26 {
					t.Errorf("cookie is %v", c)
				}
			}
		})
	}
}

// send sends cookies whatever their attributes say.
func send(t *testing.T, server *httptest.Server, method string, form url.Values, cookies ...*http.Cookie) view {
	t.Helper()
	client := server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	req, err := http.NewRequest(method, server.URL+authorizePath(), strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range cookies {
		req.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	r := readReply(t, resp)
	return view{t, r.status, r.header, r.body, r.header.Get("Location")}
}

func TestTheSecureNameAloneCountsOverTLS(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	l := e.logIn()
	for name, known := range map[string]bool{"prism_session": false, "__Host-prism_session": true} {
		r := httptest.NewRequest("GET", authorizePath(), nil)
		r.TLS = &tls.ConnectionState{}
		r.AddCookie(&http.Cookie{Name: name, Value: l.Cookie})
		w := newRecorder()
		e.p.ServeHTTP(w, r)
		if (w.Code == http.StatusSeeOther) != known {
			t.Errorf("cookie %s over TLS: answered %d", name, w.Code)
		}
	}
}

func TestTooManyFailuresAreRefusedForAWhile(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	for range 4 {
		e.browser().logIn(authorizePath(), "ann", "wrong").want(401)
	}
	e.browser().logIn(authorizePath(), "ann", annsPassword).sentTo(callback) // counts for nothing, either way
	b := e.browser()
	b.logIn(authorizePath(), "ann", "wrong").want(401)
	for _, login := range []string{"ann", " ANN "} {
		v := b.logIn(authorizePath(), login, annsPassword)
		v.want(429, `role="alert"`, "in 3 min")
		if got := v.header.Get("Retry-After"); got != "180" {
			t.Errorf("Retry-After is %q, want 180", got)
		}
	}
	if n := e.users.asked.Load(); n != 6 {
		t.Errorf("Users was asked %d times, want 6", n)
	}
	b.logIn(authorizePath(), "bob", "wrong").want(401) // another login is not touched
	e.advance(3*time.Minute - time.Second)
	b.logIn(authorizePath(), "ann", annsPassword).want(429, "in 1 min")
	e.advance(time.Second)
	b.logIn(authorizePath(), "ann", annsPassword).sentTo(callback)
}

// Anybody can fail under anybody's login: that must not lock its owner out of the
// browsers that know the owner.
func TestWrongGuessesElsewhereDoNotLockTheOwnerOut(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	owner := e.browser()
	owner.logIn(authorizePath(), "ann", annsPassword).sentTo(callback)
	e.advance(48 * time.Hour)
	stranger := e.browser()
	for range 5 {
		stranger.logIn(authorizePath(), "ann", "wrong").want(401)
	}
	stranger.logIn(authorizePath(), "ann", annsPassword).want(429)
	owner.logIn(authorizePath(), "bob", "wrong").want(401) // it vouches for no other login
	owner.logIn(authorizePath(), "ann", annsPassword).sentTo(callback)

	stolen, form := owner.cookie("prism_device"), stranger.get(authorizePath()).form()
	for _, forged := range []string{"", "x", stolen[:26], stolen[:26] + ".", stolen + "0", "aaaaaaaaaaaaaaaaaaaaaaaaaa" + stolen[26:]} {
		stranger.setCookie("prism_device", forged)
		form.Set("login", "ann")
		form.Set("password", annsPassword)
		stranger.open("POST", authorizePath(), form).want(429)
	}
	stranger.setCookie("prism_device", stolen) // as good as one more address
	for range 5 {
		stranger.logIn(authorizePath(), "ann", "wrong").want(401)
	}
	stranger.logIn(authorizePath(), "ann", annsPassword).want(429)
}

func TestGuessesAtTheSameTimeDoNotOutrunTheLimit(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	form := e.browser().get(authorizePath()).form()
	var group sync.WaitGroup
	var refused atomic.Int64
	for i := range 60 {
		group.Go(func() {
			b := e.browser()
			b.setCookie("prism_form", form.Get("form_token"))
			guess := url.Values{"form_token": form["form_token"], "login": {"ann"}, "password": {fmt.Sprint(i)}}
			v, err := b.try(t.Context(), "POST", authorizePath(), guess)
			if err != nil || v.status != 401 && v.status != 429 {
				t.Errorf("answered %d, %v", v.status, err)
			}
			if v.status == 429 {
				refused.Add(1)
			}
		})
	}
	group.Wait()
	if n := e.users.asked.Load(); n != 5 || refused.Load() != 55 {
		t.Errorf("%d guesses were checked and %d refused, want 5 and 55", n, refused.Load())
	}
}

func TestABrokenUsersIsNoWrongGuess(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	e.users.instead = func(context.Context, string, string) (platform.User, error) {
		return platform.User{}, errors.New("the directory is on fire")
	}
	b := e.browser()
	for range 10 {
		v := b.logIn(authorizePath(), "ann", annsPassword)
		v.want(500, "internal_error")
		if strings.Contains(v.body, "fire") {
			t.Error("the page shows the inside of the platform")
		}
	}
	e.users.instead = nil
	b.logIn(authorizePath(), "ann", annsPassword).sentTo(callback)
}

func TestAUsersThatPanicsTakesNoPlaceFromOthers(t *testing.T) {
	e := newPageEnv(t, platform.Config{OAuth: platform.OAuth{LoginFailures: 1000}})
	e.users.instead = func(context.Context, string, string) (platform.User, error) { panic("bug") }
	b := e.browser()
	for range runtime.GOMAXPROCS(0) + 1 {
		b.logIn(authorizePath(), "ann", annsPassword).want(500)
	}
	e.users.instead = nil
	b.logIn(authorizePath(), "ann", annsPassword).sentTo(callback)
}

// handed is a platform that gets its requests without a network, so that a
// test can run in virtual time.
type handed struct {
	p     *platform.Platform
	users *countingUsers
}

func newHanded(t *testing.T, failures int) *handed {
	t.Helper()
	h := &handed{users: &countingUsers{}}
	p, err := platform.New(platform.Config{
		Store: twoApps(), Queues: newQueues(memory.Config{}), Users: h.users,
		OAuth: platform.OAuth{LoginFailures: failures},
	})
	if err != nil {
		t.Fatal(err)
	}
	h.p = p
	return h
}

// logIn returns the status of the answer.
func (h *handed) logIn(ctx context.Context) int {
	const token = "abcdefghijklmnopqrstuvwxyz"
	form := url.Values{"form_token": {token}, "login": {"ann"}, "password": {annsPassword}}
	r := httptest.NewRequestWithContext(ctx, "POST", authorizePath(), strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(&http.Cookie{Name: "prism_form", Value: token})
	w := newRecorder()
	h.p.ServeHTTP(w, r)
	return w.Code
}

// Checking a password takes a processor for long, so only as many are checked
// at a time as there are processors. Whoever waits may go away, and has not
// guessed.
func TestPasswordsAreCheckedAFewAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		places := runtime.GOMAXPROCS(0)
		h := newHanded(t, places+3)
		release := make(chan struct{})
		h.users.instead = func(context.Context, string, string) (platform.User, error) {
			<-release
			return platform.User{}, platform.ErrWrongPassword
		}
		var checked, waiting sync.WaitGroup
		for range places {
			checked.Go(func() { h.logIn(t.Context()) })
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		for range 3 {
			waiting.Go(func() { h.logIn(ctx) })
		}
		synctest.Wait()
		if n := h.users.asked.Load(); n != int64(places) {
			t.Errorf("%d passwords are checked at a time, want %d", n, places)
		}
		cancel()
		waiting.Wait()
		close(release)
		checked.Wait()
		for range 3 {
			if status := h.logIn(t.Context()); status != 401 {
				t.Errorf("a guess after some that were never looked at: status %d", status)
			}
		}
		if status := h.logIn(t.Context()); status != 429 {
			t.Errorf("a guess too many: status %d", status)
		}
	})
}

// Whoever hangs up while the password is checked may have guessed.
func TestHangingUpDoesNotTakeAGuessBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHanded(t, 5)
		h.users.instead = func(ctx context.Context, _, _ string) (platform.User, error) {
			<-ctx.Done()
			return platform.User{}, ctx.Err()
		}
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			h.logIn(ctx)
			cancel()
		}
		if status := h.logIn(t.Context()); status != 429 {
			t.Errorf("the sixth guess: status %d, want 429", status)
		}
	})
}

// The names of the pages stand in logs and hooks, what people type there does
// not.
func TestNothingSecretOfALoginIsLoggedOrTraced(t *testing.T) {
	var log lockedBuffer
	seen, trace := newEvents()
	e := newPageEnv(t, platform.Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), Trace: trace})
	b := e.browser()
	const state = "st4tesecret"
	b.logIn(authorizePath("state", state), "ann", "wr0ngpassw0rd").want(401)
	code := b.logIn(authorizePath("state", state), "ann", annsPassword).sentTo(callback).Get("code")
	session := b.cookie("prism_session")
	b.get(authorizePath("state", state)).sentTo(callback)
	b.get("/oauth/logout?redirect_uri="+url.QueryEscape(callback), "Referer", "https://shop.example/", "Sec-Fetch-Site", "none").sentTo(callback)
	events, _ := seen.all()
	text := log.String() + fmt.Sprintf("%+v", events)
	for _, secret := range []string{state, "wr0ngpassw0rd", annsPassword, code, session, b.cookie("prism_form")} {
		if secret == "" || strings.Contains(text, secret) {
			t.Errorf("%q is in the log or the hooks", secret)
		}
	}
	contains(t, text, "/oauth/authorize", "/oauth/logout", "wrong_password", "status=303")
}
