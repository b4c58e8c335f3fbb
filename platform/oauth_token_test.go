package platform_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

func TestTokensAreAnsweredAsDocumented(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	l := e.logIn()
	now := e.now().Unix()
	r := e.token(first(), codeParams(e.code(l)))
	r.want(t, 200, "")
	var got map[string]any
	if err := json.Unmarshal([]byte(r.body), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"access_token":    r.tokens.Access,
		"refresh_token":   r.tokens.Refresh,
		"session_id":      l.SessionID,
		"expires_in":      float64(now + 3600),
		"refresh_expires": float64(now + 30*24*3600),
		"data":            map[string]any{"@id": "7", "login": "ann", "mail": "ann@example.com"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("answered %v, want %v", got, want)
	}
	if r.header.Get("Cache-Control") != "no-store" || r.header.Get("Content-Type") != "application/json; charset=utf-8" || r.header.Get("X-Request-Id") == "" {
		t.Errorf("header %v", r.header)
	}
	if len(r.tokens.Access) != 53 || r.tokens.Access == r.tokens.Refresh || r.tokens.Session == l.Cookie {
		t.Errorf("answered %s", r.body)
	}
}

func TestARefreshGivesNewTokens(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	l := e.logIn()
	old := e.tokens(l)
	e.advance(59 * time.Minute)
	fresh := e.refreshed(old.Refresh)
	if fresh.Access == old.Access || fresh.Refresh == old.Refresh || fresh.Session != l.SessionID || !reflect.DeepEqual(fresh.Data, old.Data) {
		t.Errorf("first %+v, then %+v", old, fresh)
	}
	if fresh.Expires != e.now().Unix()+3600 || fresh.RefreshExpires != e.now().Unix()+30*24*3600 {
		t.Errorf("expiry of %+v", fresh)
	}
	if !e.good(old.Access) || !e.good(fresh.Access) {
		t.Error("an access token ended with the refresh")
	}
	e.advance(time.Minute)
	if e.good(old.Access) || !e.good(fresh.Access) {
		t.Error("the old access token has its old life, the new one its own")
	}
}

func TestAnOldRefreshTokenEndsItsFamily(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	l := e.logIn()
	a, other := e.tokens(l), e.tokens(l)
	b := e.refreshed(a.Refresh)
	c := e.refreshed(b.Refresh)
	e.refresh(first(), a.Refresh).want(t, 400, "invalid_grant")
	e.dead("after reuse", a, b, c)
	if !e.good(other.Access) {
		t.Error("another login of the session ended with it")
	}
	e.check(first(), l.SessionID).wantResult(t, "true")
}

func TestOfTwoRefreshesAtOnceExactlyOneWins(t *testing.T) {
	const n = 2
	m := &meeting{kind: "grant"}
	e := newTokenEnv(t, platform.Config{Store: &hookedStore{Store: twoKeys(), loaded: m.join}})
	old := e.tokens(e.logIn())
	m.arm(n)
	won, refused := e.atOnce(n, func() reply { return e.refresh(first(), old.Refresh) })
	if len(won) != 1 || refused != n-1 {
		t.Fatalf("%d won", len(won))
	}
	if !e.good(won[0].tokens.Access) {
		t.Error("the winner's access token is not good")
	}
	e.refreshed(won[0].tokens.Refresh)
}

// Late ones present an old token, which ends the family: but never do two win.
func TestOfManyRefreshesOneWins(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	old := e.tokens(e.logIn())
	if won, _ := e.atOnce(20, func() reply { return e.refresh(first(), old.Refresh) }); len(won) != 1 {
		t.Errorf("%d won", len(won))
	}
}

func TestRefreshTokensBelongToTheirKey(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	a := e.tokens(e.logIn())
	b := e.refreshed(a.Refresh)
	for _, token := range []string{a.Refresh, b.Refresh} {
		e.refresh(second(), token).want(t, 400, "invalid_grant")
	}
	if !e.good(b.Access) {
		t.Error("a foreign key ended the family")
	}
	e.refreshed(b.Refresh)
}

func TestWhatIsNoRefreshTokenIsRefused(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	a := e.tokens(e.logIn())
	for _, token := range []string{"x", "72jte6shi2q7da22bo2al2jn", strings.ToUpper(a.Refresh), a.Refresh + "a", a.Refresh[:26], strings.Repeat("a", 26) + "." + strings.Repeat("a", 26)} {
		r := e.refresh(first(), token)
		r.want(t, 400, "invalid_grant")
		if strings.Contains(r.body, token) && len(token) > 1 {
			t.Errorf("the refusal repeats the token: %s", r.body)
		}
	}
	e.refreshed(a.Refresh)
}

func TestRefreshTokensExpireByTheClockOfThePlatform(t *testing.T) {
	e := newTokenEnv(t, platform.Config{OAuth: platform.OAuth{RefreshLife: 24 * time.Hour}})
	a := e.tokens(e.logIn())
	e.advance(24*time.Hour - time.Second)
	b := e.refreshed(a.Refresh)
	e.advance(24*time.Hour - time.Second)
	c := e.refreshed(b.Refresh) // each refresh gives a new life
	e.advance(24 * time.Hour)
	e.refresh(first(), c.Refresh).want(t, 400, "invalid_grant")
}

func TestARefreshWorksWhenTheSessionIsIdleButNotAfterLogout(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	l := e.logIn()
	a := e.tokens(l)
	e.advance(31 * time.Minute)
	e.check(first(), l.SessionID).want(t, 400, "invalid_session")
	b := e.refreshed(a.Refresh)
	e.check(first(), l.SessionID).want(t, 400, "invalid_session") // that was no use of the session
	if !e.good(b.Access) {
		t.Error("the access token is not good while the session is idle")
	}
	e.logOut(l)
	e.dead("after logout", b)
}

func TestLogoutEndsAllTokensOfTheSession(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	l, elsewhere := e.logIn(), e.logIn()
	a, b, kept := e.tokens(l), e.tokens(l), e.tokens(elsewhere)
	code := e.code(l)
	e.logOut(l)
	e.logOut(l)
	e.dead("after logout", a, b)
	e.token(first(), codeParams(code)).want(t, 400, "invalid_grant")
	e.check(first(), l.SessionID).want(t, 400, "invalid_session")
	if !e.good(kept.Access) {
		t.Error("the login in another browser ended, too")
	}
}

func TestOnlySomeAccessTokensOfAGrantAreGoodAtATime(t *testing.T) {
	largest := 0
	store := &hookedStore{Store: twoKeys(), saving: func(_, _ string, value []byte) { largest = max(largest, len(value)) }}
	e := newTokenEnv(t, platform.Config{Store: store})
	all := []tokenReply{e.tokens(e.logIn())}
	for range 12 {
		all = append(all, e.refreshed(all[len(all)-1].Refresh))
	}
	for i, tokens := range all {
		if want := i >= len(all)-8; e.good(tokens.Access) != want {
			t.Errorf("access token %d of %d is good: %v", i, len(all), !want)
		}
	}
	if largest > 2048 {
		t.Errorf("a record has %d bytes", largest)
	}
}

// Each row changes a right request for a token.
func TestRefusalsOfTheTokenEndpointAreFlat(t *testing.T) {
	rows := []struct {
		name   string
		change func(e *tokenEnv, form url.Values)
		status int
		code   string
	}{
		{"right", func(*tokenEnv, url.Values) {}, 200, ""},
		{"wrong signature", func(_ *tokenEnv, f url.Values) { f.Set("sign", repeat("A", 32)) }, 401, "invalid_sign"},
		{"no signature", func(_ *tokenEnv, f url.Values) { f.Del("sign") }, 401, "missing_sign"},
		{"no key", func(_ *tokenEnv, f url.Values) { f.Del("client_id") }, 401, "missing_client_id"},
		{"unknown key", func(_ *tokenEnv, f url.Values) { f.Set("client_id", "nobody") }, 401, "unknown_key"},
		{"key twice", func(_ *tokenEnv, f url.Values) { f.Add("client_id", testKey) }, 400, "duplicate_parameter"},
		{"old", func(e *tokenEnv, f url.Values) { e.resign(f, -25*time.Hour-time.Minute) }, 401, "sign_time_expired"},
		{"no grant_type", func(e *tokenEnv, f url.Values) { f.Del("grant_type"); e.resign(f, 0) }, 400, "invalid_request"},
		{"other grant_type", func(e *tokenEnv, f url.Values) { f.Set("grant_type", "password"); e.resign(f, 0) }, 400, "unsupported_grant_type"},
		{"grant_type twice", func(e *tokenEnv, f url.Values) { f.Add("grant_type", "authorization_code"); e.resign(f, 0) }, 400, "invalid_request"},
		{"no code", func(e *tokenEnv, f url.Values) { f.Del("code"); e.resign(f, 0) }, 400, "invalid_request"},
		{"empty code", func(e *tokenEnv, f url.Values) { f.Set("code", ""); e.resign(f, 0) }, 400, "invalid_request"},
		{"code twice", func(e *tokenEnv, f url.Values) { f.Add("code", f.Get("code")); e.resign(f, 0) }, 400, "invalid_request"},
		{"redirect_uri twice", func(e *tokenEnv, f url.Values) { f["redirect_uri"] = []string{callback, callback}; e.resign(f, 0) }, 400, "invalid_request"},
		{"code_verifier twice", func(e *tokenEnv, f url.Values) { f["code_verifier"] = []string{"a", "b"}; e.resign(f, 0) }, 400, "invalid_request"},
		{"refresh_token missing", func(e *tokenEnv, f url.Values) { f.Set("grant_type", "refresh_token"); e.resign(f, 0) }, 400, "invalid_request"},
		{"refresh_token twice", func(e *tokenEnv, f url.Values) {
			f.Set("grant_type", "refresh_token")
			f["refresh_token"] = []string{"a", "b"}
			e.resign(f, 0)
		}, 400, "invalid_request"},
		{"secret mode", func(_ *tokenEnv, f url.Values) { bySecret(f, testSecret) }, 200, ""},
		{"wrong secret", func(_ *tokenEnv, f url.Values) { bySecret(f, "wrong") }, 401, "invalid_secret"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			e := newTokenEnv(t, platform.Config{})
			form := codeParams(e.code(e.logIn()))
			e.resign(form, 0)
			row.change(e, form)
			req, _ := http.NewRequest("POST", e.url+"/oauth/token", strings.NewReader(form.Encode()))
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r := e.send(req)
			r.want(t, row.status, row.code)
			wantFlat(t, r)
		})
	}
}

func (e *tokenEnv) resign(form url.Values, late time.Duration) {
	signedBy(testKey, testSecret, e.now().Add(late), "POST", "/oauth/token", nil, url.Values{}, form)
}

func bySecret(form url.Values, secret string) {
	for _, name := range []string{"sign", "sign_time", "sign_method"} {
		form.Del(name)
	}
	form.Set("client_secret", secret)
}

func wantFlat(t *testing.T, r reply) {
	t.Helper()
	if r.header.Get("Cache-Control") != "no-store" {
		t.Errorf("Cache-Control is %q", r.header.Get("Cache-Control"))
	}
	if r.status != 200 && (r.tokens.Error == "" || r.tokens.Description == "" || strings.Contains(r.body, `"result"`)) {
		t.Errorf("answered %d %s", r.status, r.body)
	}
	if strings.Contains(r.body, testSecret) {
		t.Errorf("the answer tells the secret: %s", r.body)
	}
}

// A client corrects its clock by what the refusal says.
func TestARefusedTimeAtTheTokenEndpointShowsTheClock(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	form := codeParams("x")
	e.resign(form, -26*time.Hour)
	req, _ := http.NewRequest("POST", e.url+"/oauth/token", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r := e.send(req)
	r.want(t, 401, "sign_time_expired")
	var flat struct{ Data map[string]any }
	if json.Unmarshal([]byte(r.body), &flat); flat.Data["server_time"] != float64(e.now().Unix()) {
		t.Errorf("answered %s", r.body)
	}
}

func TestTokensAreAskedForByPostOnly(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		r := e.as(first(), method, "/oauth/token", codeParams(e.code(e.logIn())))
		r.want(t, 405, "method_not_allowed")
		wantFlat(t, r)
		if r.header.Get("Allow") != "POST" {
			t.Errorf("Allow is %q", r.header.Get("Allow"))
		}
	}
}

// A code in a URL is a code in the logs of everyone on the way.
func TestACodeIsNotTakenFromTheURL(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	query, form := codeParams(e.code(e.logIn())), url.Values{}
	query.Del("grant_type")
	form.Set("grant_type", "authorization_code")
	signedBy(testKey, testSecret, e.now(), "POST", "/oauth/token", nil, query, form)
	req, _ := http.NewRequest("POST", e.url+"/oauth/token?"+query.Encode(), strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	e.send(req).want(t, 400, "invalid_request")
}

func TestSecretModeAtTheTokenEndpointIsForSafeWaysOnly(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	form := url.Values{"client_id": {testKey}, "client_secret": {testSecret}}
	r := e.record("POST", "/oauth/token?"+form.Encode(), "192.0.2.1:1")
	r.want(t, 403, "secret_over_http")
	wantFlat(t, r)
}

func TestTheOAuthServerLiesBesideTheBasePath(t *testing.T) {
	for base, path := range map[string]string{"": "/oauth", "/api": "/oauth", "/prism/api": "/prism/oauth", "/": "/oauth", "/a/b/c/": "/a/b/oauth"} {
		t.Run(base, func(t *testing.T) {
			e := newTokenEnv(t, platform.Config{BasePath: base})
			e.as(first(), "POST", path+"/token", codeParams(e.code(e.logIn()))).want(t, 200, "")
			e.as(first(), "POST", path+"/toke", nil).want(t, 404, "unknown_api")
			e.as(first(), "POST", "/x"+path+"/token", nil).want(t, 404, "unknown_api")
		})
	}
}

func TestWithoutUsersThereIsNoOAuthServer(t *testing.T) {
	var seen echo
	e := newEnv(t, platform.Config{Backend: &seen})
	e.record("POST", "/oauth/token", "127.0.0.1:1").want(t, 404, "unknown_api")
	if e.call("POST", "platform/oauth/session_check", nil); seen.path != "/api/platform/oauth/session_check" {
		t.Errorf("the backend saw %+v", seen)
	}
}

// What lets somebody act as the user is in no log, hook or record.
func TestSecretsOfALoginAreKeptNowhere(t *testing.T) {
	var mu sync.Mutex
	var told bytes.Buffer
	tell := func(v ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(&told, v...)
	}
	store := &hookedStore{Store: twoKeys(), saving: func(kind, id string, value []byte) { tell(kind, id, string(value)) }}
	e := newTokenEnv(t, platform.Config{
		Store:  store,
		Logger: slog.New(slog.NewTextHandler(&locked{mu: &mu, to: &told}, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Trace: &platform.Trace{Call: func(c platform.Call, o platform.Outcome) {
			c.UserAgent, c.RemoteAddr = "", ""
			tell(c, o)
		}},
		Override: func(c platform.Call) http.Handler { tell(c); return nil },
	})
	l := e.logIn()
	sum := sha256.Sum256([]byte("verifier-of-the-login"))
	code := e.codeWith(l, base64.RawURLEncoding.EncodeToString(sum[:]), "S256")
	r := e.token(first(), codeParams(code, "code_verifier", "verifier-of-the-login", "redirect_uri", callback))
	r.want(t, 200, "")
	a := r.tokens
	b := e.refreshed(a.Refresh)
	e.good(b.Access)
	e.refresh(first(), a.Refresh)
	e.token(first(), codeParams(code))
	mu.Lock()
	defer mu.Unlock()
	contains(t, told.String(), "grant_type", "method=POST", "used twice")
	for name, secret := range map[string]string{
		"cookie": l.Cookie, "code": code, "session's ID": l.SessionID, "access token": a.Access, "its half": a.Access[27:], "refresh token": b.Refresh,
		"its secret": b.Refresh[27:], "old refresh token": a.Refresh[27:], "key's secret": testSecret,
	} {
		if strings.Contains(told.String(), secret) {
			t.Errorf("the %s was told", name)
		}
	}
}

type locked struct {
	mu *sync.Mutex
	to *bytes.Buffer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(b)
}

func TestHooksSeeOnlyWhatIsNoSecretOfALogin(t *testing.T) {
	calls, trace := newEvents()
	e := newTokenEnv(t, platform.Config{Trace: trace})
	e.token(first(), codeParams("x", "redirect_uri", callback, "state", "y"))
	c := await[callEvent](t, calls, 1)
	if want := (url.Values{"grant_type": {"authorization_code"}, "redirect_uri": {callback}}); !reflect.DeepEqual(c.Params, want) || c.Path != "/oauth/token" || c.API != "" || c.Call.Key != testKey {
		t.Errorf("traced %+v", c)
	}
}

func TestAFailureInsideIsToldFlatAndTellsNothing(t *testing.T) {
	e := newTokenEnv(t, platform.Config{Store: failingStore{}})
	r := e.token(first(), codeParams("x"))
	r.want(t, 500, "internal_error")
	wantFlat(t, r)
	if strings.Contains(r.body, "rack") {
		t.Errorf("answered %s", r.body)
	}
}

func TestSomeoneWithManyAppsHasOneSession(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	l := e.logIn()
	code, err := e.p.Code(t.Context(), l, otherKey, callback, "", "")
	if err != nil {
		t.Fatal(err)
	}
	r := e.token(second(), codeParams(code))
	r.want(t, 200, "")
	sessions := []string{e.tokens(l).Session, e.tokens(l).Session, r.tokens.Session}
	if slices.Sort(sessions); sessions[0] != sessions[2] {
		t.Error("the apps got different sessions")
	}
}
