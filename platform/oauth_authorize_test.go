package platform_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/shopex/prism-go/platform"
)

func TestALoginLeadsBackToTheAppWithACode(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	b := e.browser()
	back := b.logIn(authorizePath(), "ann", annsPassword).sentTo(callback)
	if back.Get("state") != "st4te" || back.Get("code") == "" || len(back) != 2 {
		t.Fatalf("sent back with %v, want a code and the state", back)
	}
	tokens := e.exchange(back.Get("code"))
	if !e.good(tokens.Access) {
		t.Error("the access token brings no user")
	}
	e.check(first(), tokens.Session).wantResult(t, "true")
	if id := b.cookie("prism_session"); id == tokens.Session || id == "" {
		t.Error("what apps get as session_id is the secret of the browser")
	}
}

func TestASecondLoginIsNotAskedFor(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	b := e.loggedIn()
	again := b.get(authorizePath("state", "")).sentTo(callback)
	if again.Get("code") == "" || again.Has("state") {
		t.Errorf("sent back with %v, want a code only", again)
	}
	other := "https://other.example/cb"
	if back := b.get(authorizePath("client_id", otherKey, "redirect_uri", other)).sentTo(other); back.Get("code") == "" {
		t.Errorf("sent to the other app with %v, want a code", back)
	}
	if n := e.users.asked.Load(); n != 1 {
		t.Errorf("the password was checked %d times", n)
	}
}

func TestAnIdleSessionNeedsAnotherLogin(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	b := e.loggedIn()
	e.advance(30 * 60e9)
	b.get(authorizePath()).want(200, `name="password"`)
}

// What looks like a registered address is none. Nothing leads a browser there,
// logged in or not.
func TestABrowserIsSentOnlyToRegisteredAddresses(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	stranger, user := e.browser(), e.loggedIn()
	for _, uri := range []string{
		"https://evil.example/", "//evil.example/", "/auth/callback", "javascript:alert(1)", "data:text/html,x",
		callback + "&b=2", callback + "#x", callback + "#", "https://shop.example/auth/callback", "https://shop.example/auth/callback?a=2",
		"https://shop.example/auth/callback/?a=1", "https://shop.example/auth/../auth/callback?a=1", "https://shop.example/auth/./callback?a=1",
		"https://shop.example//auth/callback?a=1", "https://shop.example/auth/%63allback?a=1", "https://shop.example/AUTH/callback?a=1",
		"https://SHOP.example/auth/callback?a=1", "HTTPS://shop.example/auth/callback?a=1", "http://shop.example/auth/callback?a=1",
		"https://shop.example:443/auth/callback?a=1", "https://shop.example:8443/auth/callback?a=1", "https://shop.example./auth/callback?a=1",
		"https://shop.example.evil.example/auth/callback?a=1", "https://evilshop.example/auth/callback?a=1",
		"https://shop.example@evil.example/auth/callback?a=1", "https://u:p@shop.example/auth/callback?a=1",
		"https://evil.example\\@shop.example/auth/callback?a=1", "https://shop.example\\.evil.example/auth/callback?a=1",
		" " + callback, callback + " ", callback + "\r\nX-Evil: 1", callback + "\x00",
		"https://other.example/cb",
		"http://127.0.0.1:80@evil.example/cb", "http://127.0.0.1:8080.evil.example/cb", "http://127.0.0.1.evil.example/cb",
		"http://127.0.0.1:/cb", "http://127.0.0.1:0/cb", "http://127.0.0.1:65536/cb", "http://127.0.0.1:080/cb", "http://127.0.0.1:8a/cb",
		"http://127.0.0.1:80/cb/", "http://127.0.0.1:80/cb?x", "http://127.0.0.1:80/cb#x", "http://127.0.0.2/cb", "http://127.1/cb",
		"https://127.0.0.1:80/cb", "http://localhost:80/cb", "http://u@127.0.0.1:80/cb", "http://127.0.0.1:80\\@evil.example/cb",
		"http://[::1]:80@evil.example/cb", "http://[::1%25eth0]:80/cb", "http://[0:0:0:0:0:0:0:1]:80/cb",
	} {
		path := authorizePath("redirect_uri", uri)
		stranger.get(path).want(400, "unknown_redirect_uri")
		user.get(path).want(400, "unknown_redirect_uri")
		user.get(path + "&response_type=token").want(400)
		user.open("POST", path, url.Values{"login": {"ann"}, "password": {annsPassword}}).want(400)
	}
	for _, path := range []string{
		authorizePath("redirect_uri", ""), authorizePath("client_id", ""), authorizePath("client_id", "nobody"),
		authorizePath("client_id", otherKey),
		authorizePath() + "&redirect_uri=https%3A%2F%2Fevil.example%2F", authorizePath() + "&client_id=" + testKey,
		authorizePath() + "&state=x", authorizePath() + "&response_type=code", authorizePath() + "&a=%zz",
		authorizePath("code_challenge", "x") + "&code_challenge=x", authorizePath("code_challenge_method", "x") + "&code_challenge_method=x",
	} {
		user.get(path).want(400)
	}
}

func TestOnlyThePortOfALoopbackAddressIsFree(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	b := e.loggedIn()
	for _, uri := range []string{"http://127.0.0.1/cb", "http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb", "http://[::1]/cb", "http://[::1]:8080/cb"} {
		if back := b.get(authorizePath("redirect_uri", uri)).sentTo(uri); back.Get("code") == "" {
			t.Errorf("sent to %s with %v, want a code", uri, back)
		}
	}
}

func TestAnAppIsToldWhatIsWrongWithItsRequest(t *testing.T) {
	challenge := strings.Repeat("a", 43)
	rows := []struct {
		params []string
		code   string
	}{
		{[]string{"response_type", "token"}, "unsupported_response_type"},
		{[]string{"response_type", "code token"}, "unsupported_response_type"},
		{[]string{"response_type", "CODE"}, "unsupported_response_type"},
		{[]string{"code_challenge_method", "S256"}, "invalid_request"},
		{[]string{"code_challenge", challenge[1:]}, "invalid_request"},
		{[]string{"code_challenge", strings.Repeat("a", 129)}, "invalid_request"},
		{[]string{"code_challenge", challenge + "="}, "invalid_request"},
		{[]string{"code_challenge", challenge, "code_challenge_method", "s256"}, "invalid_request"},
		{[]string{"code_challenge", challenge, "code_challenge_method", "none"}, "invalid_request"},
		{[]string{"code_challenge", challenge, "code_challenge_method", "plain"}, "invalid_request"},
		{[]string{"code_challenge", challenge}, "invalid_request"}, // which means plain
	}
	e := newPageEnv(t, platform.Config{})
	for _, b := range []*browser{e.browser(), e.loggedIn()} {
		for _, row := range rows {
			back := b.get(authorizePath(row.params...)).sentTo(callback)
			if back.Get("error") != row.code || back.Get("error_description") == "" || back.Get("state") != "st4te" || back.Has("code") {
				t.Errorf("%v: sent back with %v, want error %s", row.params, back, row.code)
			}
		}
	}
}

func TestWhatIsNotUnderstoodIsIgnored(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	b := e.loggedIn()
	b.get(authorizePath("view", "mobile", "ttl", "3600", "scope", "all") + "&x=1&x=2").sentTo(callback)
}

// The manual's own example and the published C# SDK leave response_type out.
func TestALoginNeedsNoResponseType(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	back := e.browser().logIn(authorizePath("response_type", ""), "ann", annsPassword).sentTo(callback)
	if back.Get("code") == "" || back.Get("state") != "st4te" {
		t.Errorf("sent back with %v, want a code", back)
	}
}

// The state comes back byte for byte, and can be nothing but a parameter.
func TestTheStateComesBackAsItWas(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	b := e.loggedIn()
	for _, state := range []string{
		"a b+c%20d", "中文", "\xff\xfe", "\x00", "x\r\nSet-Cookie: evil=1\r\n\r\n<script>", "a&code=evil", "#x", `"'<>`, ";", "=", repeat("s", 7000),
	} {
		v := b.get(authorizePath("state", state))
		back := v.sentTo(callback)
		if back.Get("state") != state || len(back["code"]) != 1 || back.Get("code") == "evil" {
			t.Errorf("state %q came back as %q, code %q", state, back.Get("state"), back["code"])
		}
		if len(v.header["Set-Cookie"]) != 0 || strings.ContainsAny(v.location, "\r\n<>\"") {
			t.Errorf("state %q got into the header: %v", state, v.header)
		}
	}
}

func TestAHeadRequestUsesNoSession(t *testing.T) {
	var codes atomic.Int64
	store := &hookedStore{Store: twoApps(), saving: func(kind, _ string, _ []byte) {
		if kind == "code" {
			codes.Add(1)
		}
	}}
	e := newPageEnv(t, platform.Config{Store: store})
	b := e.loggedIn()
	before := codes.Load()
	b.open("HEAD", authorizePath(), nil).want(200)
	if codes.Load() != before {
		t.Error("a HEAD request made a code")
	}
}

func TestPagesAreForBrowsersOnly(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	b := e.browser()
	for _, page := range []string{"/oauth/authorize", "/oauth/logout"} {
		for _, method := range []string{"PUT", "DELETE", "OPTIONS", "PATCH", "BREW"} {
			v := b.open(method, page, nil)
			v.want(405, "method_not_allowed")
			if v.header.Get("Allow") != "GET, HEAD, POST" {
				t.Errorf("%s %s: Allow is %q", method, page, v.header.Get("Allow"))
			}
		}
	}
	for _, path := range []string{"/oauth/", "/oauth/authorize/", "/oauth/authorize/x", "/oauth/Authorize", "/oauth/login", "/api/oauth/authorize", "/x/oauth/authorize"} {
		if v := b.get(path); v.status == 200 || v.status == 303 {
			t.Errorf("%s answered %d", path, v.status)
		}
	}
}

func TestThePagesLieBesideTheBasePath(t *testing.T) {
	for base, prefix := range map[string]string{"/": "", "/prism/api": "/prism", "/api-sandbox": ""} {
		e := newPageEnv(t, platform.Config{BasePath: base})
		b := e.browser()
		b.logIn(prefix+authorizePath(), "ann", annsPassword).sentTo(callback)
		b.get(prefix+"/oauth/logout", typed...).want(200)
		if b.session() {
			t.Errorf("base path %s: logout did not end the session", base)
		}
	}
}

func TestWithoutUsersThereIsNoPage(t *testing.T) {
	e := newEnv(t, platform.Config{})
	for _, path := range []string{authorizePath(), "/oauth/logout"} {
		resp, err := e.client.Get(e.url + path)
		if err != nil {
			t.Fatal(err)
		}
		if r := readReply(t, resp); r.status != 401 && r.status != 404 || len(r.header["Set-Cookie"]) != 0 {
			t.Errorf("%s answered %d %s", path, r.status, r.body)
		}
	}
}

func TestGiantRequestsAreRefused(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	b := e.browser()
	b.get(authorizePath("state", repeat("s", 9000))).want(http.StatusRequestURITooLong, "request_too_large")
	b.get("/oauth/logout?"+repeat("a", 9000)).want(http.StatusRequestURITooLong, "request_too_large")
	b.get("/oauth/logout?"+repeat("a&", 1001)).want(400, "invalid_query")
	form := b.get(authorizePath()).form()
	for _, field := range []string{"login", "password", "x"} {
		big := url.Values{"form_token": form["form_token"], field: {repeat("x", 70_000)}}
		b.open("POST", authorizePath(), big).want(413, "request_too_large")
	}
	form.Set("login", repeat("l", 30_000))
	form.Set("password", repeat("p", 30_000))
	v := b.open("POST", authorizePath(), form)
	v.want(401, `role="alert"`)
	if strings.Contains(v.body, "pppp") {
		t.Error("the password is on the page")
	}
}

func TestABrokenStoreShowsAPageThatSaysNothing(t *testing.T) {
	store := &brokenStore{Store: twoApps(), load: "app"}
	e := newPageEnv(t, platform.Config{Store: store})
	v := e.browser().get(authorizePath())
	v.want(500, "internal_error", v.header.Get("X-Request-Id"))
	if strings.Contains(v.body, "fire") {
		t.Error("the page shows the inside of the platform")
	}
}
