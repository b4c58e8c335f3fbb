package platform_test

import (
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/sign"
)

func logoutPath(redirect, client string) string {
	query := url.Values{}
	if redirect != "" {
		query.Set("redirect_uri", redirect)
	}
	if client != "" {
		query.Set("client_id", client)
	}
	return "/oauth/logout?" + query.Encode()
}

var typed = []string{"Sec-Fetch-Site", "none"}

func TestALogoutEndsTheLoginEverywhere(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	b := e.browser()
	tokens := e.exchange(b.logIn(authorizePath(), "ann", annsPassword).sentTo(callback).Get("code"))
	cookie := b.cookie("prism_session")
	b.get("/oauth/logout", typed...).want(200, "You are signed out")
	e.dead("after logout", tokens)
	e.check(first(), tokens.Session).want(t, 400, "invalid_session")
	if b.cookie("prism_session") != "" {
		t.Error("the browser still has its cookie")
	}
	b.setCookie("prism_session", cookie) // a copy of it is worth nothing
	b.get(authorizePath()).want(200, `name="password"`)
	b.get("/oauth/logout", typed...).want(200, "You are signed out")
}

func TestALogoutOfOneBrowserLeavesTheOthers(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	a, b := e.loggedIn(), e.loggedIn()
	a.get("/oauth/logout", typed...).want(200)
	if !b.session() {
		t.Error("the other browser is logged out, too")
	}
}

func TestALogoutLeadsBackToAnAppOfTheUser(t *testing.T) {
	rows := []struct {
		name, redirect, client string
		back                   bool
	}{
		{"an app of the session", "https://shop.example/bye", "", true},
		{"a program on the user's machine", "http://127.0.0.1:4711/cb", "", true},
		{"an app that is named", "https://other.example/cb", otherKey, true},
		{"an app of the session, another one named", "https://shop.example/bye", otherKey, true},
		{"an app of the session, none of this name", "https://shop.example/bye", "nobody", true},
		{"an app that the user never saw", "https://other.example/cb", "", false},
		{"nobody's address", "https://evil.example/", "", false},
		{"nobody's address with an app", "https://evil.example/", testKey, false},
		{"more than was registered", "https://shop.example/bye?x=1", "", false},
		{"a parent path", "https://shop.example/", "", false},
		{"an address without a scheme", "//evil.example/", "", false},
		{"a path", "/bye", "", false},
		{"a script", "javascript:alert(1)", "", false},
		{"a host behind a name", "https://shop.example@evil.example/bye", "", false},
		{"a header", "https://shop.example/bye\r\nX-Evil: 1", "", false},
		{"a fragment", "https://shop.example/bye#x", "", false},
	}
	e := newPageEnv(t, platform.Config{})
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			b := e.loggedIn()
			v := b.get(logoutPath(row.redirect, row.client), typed...)
			if b.session() || b.cookie("prism_session") != "" {
				t.Error("the session goes on")
			}
			if !row.back {
				v.want(200, "You are signed out")
				return
			}
			if v.status != 303 || v.location != row.redirect {
				t.Errorf("answered %d, Location %q", v.status, v.location)
			}
		})
	}
}

func TestALogoutWithoutASessionLeadsBackToTheNamedApp(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	b := e.browser()
	b.get(logoutPath("https://shop.example/bye", testKey), typed...).sentTo("https://shop.example/bye")
	b.get(logoutPath("https://shop.example/bye", ""), typed...).want(200, "You are signed out")
	b.setCookie("prism_session", "long gone")
	b.get(logoutPath("https://shop.example/bye", testKey), typed...).sentTo("https://shop.example/bye")
	if b.cookie("prism_session") != "" {
		t.Error("the browser still has its cookie")
	}
}

func TestAnIdleUserCanLogOut(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	b := e.browser()
	tokens := e.exchange(b.logIn(authorizePath(), "ann", annsPassword).sentTo(callback).Get("code"))
	e.advance(45 * 60e9)
	b.get(logoutPath("https://shop.example/bye", ""), typed...).sentTo("https://shop.example/bye")
	e.dead("after logout", tokens)
}

// Only a page that opens in front of the user logs out: browsers fetch
// addresses for many other reasons.
func TestOnlyAnOpenedPageLogsOut(t *testing.T) {
	opened := []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}
	rows := []struct {
		name, method string
		header       []string
		out          bool
	}{
		{"an old browser", "GET", nil, false}, // it does not say which page has the link
		{"a link of another application", "GET", append([]string{"Sec-Fetch-Site", "same-site"}, opened...), false},
		{"a link on another site with an app's address", "GET", append([]string{"Sec-Fetch-Site", "cross-site"}, opened...), false},
		{"a link of the platform", "GET", append([]string{"Sec-Fetch-Site", "same-origin"}, opened...), true},
		{"typed in", "GET", append([]string{"Sec-Fetch-Site", "none"}, opened...), true},
		{"a HEAD request", "HEAD", nil, false},
		{"a HEAD request that says it opens a page", "HEAD", opened, false},
		{"an image", "GET", []string{"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, false},
		{"a script's fetch", "GET", []string{"Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"}, false},
		{"a frame", "GET", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, false},
		{"prefetching", "GET", append([]string{"Sec-Purpose", "prefetch"}, opened...), false},
		{"prerendering", "GET", append([]string{"Sec-Purpose", "prefetch;prerender"}, opened...), false},
		{"prefetching of old", "GET", append([]string{"Purpose", "prefetch"}, opened...), false},
		{"prefetching of Firefox", "GET", append([]string{"X-Moz", "prefetch"}, opened...), false},
	}
	e := newPageEnv(t, platform.Config{})
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			b := e.loggedIn()
			v := b.open(row.method, logoutPath("https://shop.example/bye", ""), nil, row.header...)
			if b.session() == row.out || (v.status == 303) != row.out {
				t.Errorf("answered %d, and the session is alive: %v", v.status, b.session())
			}
			if !row.out && b.cookie("prism_session") == "" {
				t.Error("the cookie is gone")
			}
		})
	}
}

// Any site can lead the user to the logout, with all that is public of an app.
func TestAnotherSiteCannotLogTheUserOutUnasked(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	const bye = "https://shop.example/bye"
	for _, from := range [][]string{nil, {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}} {
		for _, path := range []string{logoutPath("", ""), logoutPath("https://evil.example/", ""), logoutPath(bye, testKey), logoutPath(bye, testKey) + "&logout_proof=x"} {
			b := e.loggedIn()
			ask := b.get(path, from...)
			ask.want(200, "Sign out?", "<form")
			if !b.session() {
				t.Fatal("the session was ended unasked")
			}
			b.open("POST", path, ask.form(), "Sec-Fetch-Site", "same-origin")
			if b.session() {
				t.Error("the session goes on, though the user wanted to end it")
			}
		}
	}
}

// The proof is of one session, one key and one address.
func TestAnAppThatProvesItselfLogsItsUserOutUnasked(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	const bye = "https://shop.example/bye"
	b := e.browser()
	tokens := e.exchange(b.logIn(authorizePath(), "ann", annsPassword).sentTo(callback).Get("code"))
	proof := func(secret, session, back string) string {
		return hex.EncodeToString(sign.DeriveKey(secret, "prism logout "+session+" "+back))
	}
	for _, wrong := range []string{
		"", proof(otherSecret, tokens.Session, bye), proof(testSecret, "other", bye), proof(testSecret, tokens.Session, callback), proof(testSecret, tokens.Session, ""),
	} {
		b.get(logoutPath(bye, testKey)+"&logout_proof="+wrong).want(200, "Sign out?")
	}
	right := proof(testSecret, tokens.Session, bye)
	b.get(logoutPath(bye, otherKey)+"&logout_proof="+right).want(200, "Sign out?")
	if v := b.open("GET", logoutPath(bye, testKey)+"&logout_proof="+right, nil, "Sec-Fetch-Dest", "image", "Sec-Fetch-Mode", "no-cors"); v.status != 200 || !b.session() {
		t.Errorf("an image: answered %d", v.status)
	}
	b.get(logoutPath(bye, testKey) + "&logout_proof=" + right).sentTo(bye)
	e.dead("after logout", tokens)
}

func TestAForeignFormLogsNobodyOut(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	foreign := e.loggedIn().get(authorizePath("client_id", otherKey, "redirect_uri", "https://other.example/cb"))
	if foreign.status != 303 {
		t.Fatalf("answered %d", foreign.status)
	}
	other := e.browser().get(authorizePath()).form()
	b := e.loggedIn()
	own := url.Values{"form_token": {b.cookie("prism_form")}}
	path := logoutPath("https://shop.example/bye", "")
	for _, row := range []struct {
		form   url.Values
		header []string
	}{
		{own, []string{"Sec-Fetch-Site", "cross-site"}},
		{own, []string{"Sec-Fetch-Site", "same-site"}},
		{own, []string{"Origin", "https://evil.example"}},
		{own, []string{"Content-Type", "text/plain"}},
		{other, nil},
		{url.Values{}, nil},
		{url.Values{"form_token": {""}}, nil},
	} {
		v := b.open("POST", path, row.form, row.header...)
		v.want(403, "Sign out?")
		if policy := v.header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' https:;") {
			t.Errorf("the form cannot lead back to the app: %s", policy)
		}
	}
	if !b.session() {
		t.Fatal("a foreign form ended the session")
	}
	b.open("POST", path, own).sentTo("https://shop.example/bye")
	if b.session() {
		t.Error("the user's own form did not end the session")
	}
}

func TestAnUnclearLogoutDoesNothing(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	b := e.loggedIn()
	bye := logoutPath("https://shop.example/bye", testKey)
	for _, path := range []string{bye + "&redirect_uri=https%3A%2F%2Fevil.example%2F", bye + "&client_id=x", bye + "&a=%"} {
		b.get(path, typed...).want(400)
	}
	if !b.session() {
		t.Error("the session was ended")
	}
}

func TestALogoutThatFailsSaysSo(t *testing.T) {
	store := &brokenStore{Store: twoApps()}
	e := newPageEnv(t, platform.Config{Store: store})
	b := e.loggedIn()
	cookie := b.cookie("prism_session")
	for _, fault := range []brokenStore{{remove: true}, {load: "app"}, {load: "session"}} {
		store.remove, store.load = fault.remove, fault.load
		b.get(logoutPath("https://shop.example/bye", ""), typed...).want(500, "Something went wrong")
	}
	store.remove, store.load = false, ""
	if b.cookie("prism_session") != cookie || !b.session() {
		t.Error("the cookie is gone, but the session is not")
	}
}
