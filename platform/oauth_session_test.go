package platform_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

func TestEachSessionCheckExtendsTheSession(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	l := e.logIn()
	e.tokens(l)
	for range 5 {
		e.advance(30*time.Minute - time.Second)
		e.check(first(), l.SessionID).wantResult(t, "true")
	}
	e.advance(30 * time.Minute)
	e.check(first(), l.SessionID).want(t, 400, "invalid_session")
	if alive, err := e.p.Alive(t.Context(), l.Cookie); alive || err != nil {
		t.Errorf("the browser is logged in: %v, %v", alive, err)
	}
}

func TestTheBrowserExtendsItsSession(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	l := e.logIn()
	e.tokens(l)
	for range 3 {
		e.advance(29 * time.Minute)
		if alive, err := e.p.Alive(t.Context(), l.Cookie); !alive || err != nil {
			t.Fatalf("the browser is logged in: %v, %v", alive, err)
		}
	}
	e.advance(29 * time.Minute)
	e.check(first(), l.SessionID).wantResult(t, "true")
}

func TestASessionIsKnownByItsCookieAlone(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	l := e.logIn()
	for _, cookie := range []string{"", "x", l.SessionID, l.Cookie + "a", l.Cookie[:25]} {
		if alive, err := e.p.Alive(t.Context(), cookie); alive || err != nil {
			t.Errorf("a wrong cookie: %v, %v", alive, err)
		}
		if known, err := e.p.Known(t.Context(), cookie); known || err != nil {
			t.Errorf("a wrong cookie: %v, %v", known, err)
		}
	}
	if len(l.SessionID) != 26 || len(l.Cookie) != 26 || l.SessionID == l.Cookie {
		t.Errorf("session id of %d bytes, cookie of %d", len(l.SessionID), len(l.Cookie))
	}
}

// Apps go on refreshing while the session is idle, so its user must be able to
// end it.
func TestAnIdleSessionCanBeEnded(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	l := e.logIn()
	a := e.tokens(l)
	e.advance(time.Hour)
	if known, err := e.p.Known(t.Context(), l.Cookie); !known || err != nil {
		t.Errorf("the idle session is known: %v, %v", known, err)
	}
	e.logOut(l)
	if known, err := e.p.Known(t.Context(), l.Cookie); known || err != nil {
		t.Errorf("the session is known after its end: %v, %v", known, err)
	}
	e.dead("after logout", a)
}

func TestASessionCheckIsForTheAppsOfTheSession(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	l := e.logIn()
	e.check(first(), l.SessionID).want(t, 400, "invalid_session") // it was not logged in to yet
	e.tokens(l)
	e.advance(20 * time.Minute)
	e.check(second(), l.SessionID).want(t, 400, "invalid_session")
	e.advance(20 * time.Minute)
	e.check(first(), l.SessionID).want(t, 400, "invalid_session") // the other's check extended nothing
}

func TestASessionCheckNeedsOneSessionID(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	l := e.logIn()
	e.tokens(l)
	const path = "/api/platform/oauth/session_check"
	e.as(first(), "POST", path, nil).want(t, 400, "missing_parameter")
	e.as(first(), "POST", path, url.Values{"session_id": {l.SessionID, l.SessionID}}).want(t, 400, "invalid_parameter")
	e.as(first(), "GET", path, url.Values{"session_id": {l.SessionID}}).want(t, 405, "method_not_allowed")
	e.check(first(), "no such session \xff").want(t, 400, "invalid_session")
	e.check(first(), repeat("x", 10_000)).want(t, 400, "invalid_session")
	e.check(caller{key: testKey, secret: "wrong"}, l.SessionID).want(t, 401, "invalid_sign")
}

func TestManyMayCheckASessionAtOnce(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	l := e.logIn()
	e.tokens(l)
	e.advance(time.Minute)
	won, refused := e.atOnce(50, func() reply { return e.check(first(), l.SessionID) })
	if len(won) != 50 || refused != 0 {
		t.Errorf("%d of 50 checks went well", len(won))
	}
	e.advance(30*time.Minute - time.Second)
	e.check(first(), l.SessionID).wantResult(t, "true")
}

func TestAUserNeedsAnID(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	if _, err := e.p.LogIn(t.Context(), platform.User{Login: "ann"}); err == nil {
		t.Error("a session of nobody began")
	}
}

// Whoever logs out while an app checks or refreshes stays logged out.
func TestALogoutIsNotUndoneByAUseAtTheSameMoment(t *testing.T) {
	var logOut func()
	store := &hookedStore{Store: twoKeys(), saving: func(kind, _ string, _ []byte) {
		if out := logOut; kind == "session" && out != nil {
			logOut = nil
			out()
		}
	}}
	e := newTokenEnv(t, platform.Config{Store: store})
	for name, use := range map[string]func(l platform.Login, a tokenReply){
		"check":   func(l platform.Login, _ tokenReply) { e.check(first(), l.SessionID).want(t, 400, "invalid_session") },
		"refresh": func(_ platform.Login, a tokenReply) { e.refresh(first(), a.Refresh).want(t, 400, "invalid_grant") },
	} {
		l := e.logIn()
		a := e.tokens(l)
		e.advance(time.Minute)
		logOut = func() { e.logOut(l) }
		use(l, a)
		if logOut != nil {
			t.Fatalf("%s saved no session", name)
		}
		e.dead("after "+name, a)
	}
}

// The clock of a machine may be two hours ahead for half a minute. What is judged
// to be over then is refused and nothing more.
func TestAClockThatJumpsAndComesBackEndsNoLogin(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	l, browser := e.logIn(), e.logIn()
	code := e.code(l)
	old := e.tokens(l)
	tokens := e.refreshed(old.Refresh)

	e.advance(2 * time.Hour)
	e.token(first(), codeParams(code)).want(t, 400, "invalid_grant")
	e.check(first(), l.SessionID).want(t, 400, "invalid_session")
	if alive, err := e.p.Alive(t.Context(), l.Cookie); alive || err != nil {
		t.Errorf("the browser is logged in: %v, %v", alive, err)
	}
	if e.good(tokens.Access) {
		t.Error("the access token is good")
	}
	tokens = e.refreshed(tokens.Refresh)
	during := e.logIn()
	e.tokens(during)

	e.advance(22*time.Second - 2*time.Hour)
	e.token(first(), codeParams(code)).want(t, 200, "")
	e.check(first(), l.SessionID).wantResult(t, "true")
	for name, l := range map[string]platform.Login{"of before": l, "not looked at": browser, "begun meanwhile": during} {
		if alive, err := e.p.Alive(t.Context(), l.Cookie); !alive || err != nil {
			t.Errorf("the browser %s is not logged in: %v, %v", name, alive, err)
		}
	}
	if !e.good(old.Access) || !e.good(tokens.Access) {
		t.Error("an access token is over")
	}
	e.refreshed(tokens.Refresh)
	e.advance(31 * time.Minute) // what began two hours ahead is idle as early as all others
	e.check(first(), during.SessionID).want(t, 400, "invalid_session")
}
