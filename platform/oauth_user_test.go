package platform_test

import (
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

const userPath = "/api/platform/oauth/user"

func TestAnAccessTokenBringsItsUser(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	tokens := e.tokens(e.logIn())
	for _, form := range []string{"Bearer ", "bearer ", "BEARER  ", ""} {
		c := first()
		c.authorization = form + tokens.Access
		e.as(c, "GET", userPath, nil).wantResult(t, `{"@id":"7","login":"ann","mail":"ann@example.com"}`)
	}
}

func TestABadTokenIsAsIfThereWereNone(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	tokens, other := e.tokens(e.logIn()), e.tokens(e.logIn())
	mixed := tokens.Access[:27] + other.Access[27:]
	for name, header := range map[string][]string{
		"none":                  nil,
		"empty":                 {""},
		"scheme only":           {"Bearer"},
		"other scheme":          {"Basic " + tokens.Access},
		"twice":                 {"Bearer " + tokens.Access, "Bearer " + tokens.Access},
		"cut":                   {"Bearer " + tokens.Access[:52]},
		"of two grants":         {"Bearer " + mixed},
		"refresh token":         {"Bearer " + tokens.Refresh},
		"of an old cloud":       {"72jte6shi2q7da22bo2al2jn"},
		"followed by something": {"Bearer " + tokens.Access + " x"},
	} {
		t.Run(name, func(t *testing.T) {
			for path, want := range map[string]int{userPath: 401, statusPath: 200} {
				q, h := url.Values{}, http.Header{}
				if header != nil {
					h["Authorization"] = header
				}
				signedBy(testKey, testSecret, e.now(), "GET", path, h, q, nil)
				req, _ := http.NewRequest("GET", e.url+path+"?"+q.Encode(), nil)
				req.Header = h
				if r := e.send(req); r.status != want {
					t.Errorf("%s answered %d %s", path, r.status, r.body)
				}
			}
		})
	}
}

func TestAnAccessTokenIsBoundToItsKey(t *testing.T) {
	e := newTokenEnv(t, platform.Config{})
	tokens := e.tokens(e.logIn())
	e.as(second().bearing(tokens.Access), "GET", userPath, nil).want(t, 401, "invalid_token")
}

func TestAnAccessTokenExpiresByTheClockOfThePlatform(t *testing.T) {
	e := newTokenEnv(t, platform.Config{OAuth: platform.OAuth{TokenLife: 10 * time.Minute}})
	tokens := e.tokens(e.logIn())
	e.advance(10*time.Minute - time.Second)
	if !e.good(tokens.Access) {
		t.Error("not good in its last second")
	}
	e.advance(time.Second)
	if e.good(tokens.Access) {
		t.Error("good after its expiry")
	}
}

func TestTheBackendIsToldTheUser(t *testing.T) {
	var seen echo
	calls, trace := newEvents()
	var asked string
	e := newTokenEnv(t, platform.Config{Backend: &seen, Trace: trace, Override: func(c platform.Call) http.Handler { asked = c.UserID; return nil }})
	tokens := e.tokens(e.logIn())
	e.as(first().bearing(tokens.Access), "GET", "/api/oms/order", nil)
	if got := seen.header.Get("X-Api-Oauth"); got != "%40id=7&login=ann&mail=ann%40example.com" {
		t.Errorf("X-Api-Oauth is %q", got)
	}
	if c := await[callEvent](t, calls, 2); c.UserID != "7" || asked != "7" {
		t.Errorf("traced user %q, the override was told %q", c.UserID, asked)
	}
	e.as(first(), "GET", "/api/oms/order", nil)
	if _, there := seen.header["X-Api-Oauth"]; there || asked != "" {
		t.Errorf("X-Api-Oauth without a user: %q", seen.header)
	}
}

func TestACallersXApiOauthIsReplaced(t *testing.T) {
	var seen echo
	e := newTokenEnv(t, platform.Config{Backend: &seen})
	header, q := http.Header{"Authorization": {e.tokens(e.logIn()).Access}, "X-Api-Oauth": {"%40id=1"}}, url.Values{}
	signedBy(testKey, testSecret, e.now(), "GET", "/api/x", header, q, nil)
	req, _ := http.NewRequest("GET", e.url+"/api/x?"+q.Encode(), nil)
	req.Header = header
	e.send(req)
	if got := seen.header["X-Api-Oauth"]; len(got) != 1 || got[0] != "%40id=7&login=ann&mail=ann%40example.com" {
		t.Errorf("the backend saw %q", got)
	}
}

func TestOnlyWhatMayBeATokenIsLookedUp(t *testing.T) {
	var loads atomic.Int64
	count := func(kind string) {
		if kind != "app" && kind != "key" {
			loads.Add(1)
		}
	}
	e := newTokenEnv(t, platform.Config{Store: &hookedStore{Store: twoKeys(), loaded: count}})
	c := first()
	e.as(c, "GET", statusPath, nil).want(t, 200, "")
	for _, header := range []string{"72jte6shi2q7da22bo2al2jn", "Bearer x", "Basic eDp5"} {
		c.authorization = header
		e.as(c, "GET", statusPath, nil).want(t, 200, "")
	}
	if n := loads.Load(); n != 0 {
		t.Errorf("%d loads without a token", n)
	}
}
