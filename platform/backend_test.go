package platform_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/sign"
)

// echo remembers what a backend saw.
type echo struct {
	method, uri, path, query, body string
	form                           url.Values
	header                         http.Header
}

func (s *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	rest, _ := io.ReadAll(r.Body)
	*s = echo{r.Method, r.RequestURI, r.URL.Path, r.URL.RawQuery, string(rest), r.PostForm, r.Header}
	w.WriteHeader(http.StatusTeapot)
	io.WriteString(w, "brewed")
}

func TestBackendGetsTheCallWithoutWhatIsThePlatforms(t *testing.T) {
	var seen echo
	calls, trace := newEvents()
	e := newEnv(t, platform.Config{Backend: &seen, Trace: trace})
	query := url.Values{"node": {"1", "2"}, "apiver": {"9"}}
	form := url.Values{"data": {"a b&c"}, "client_secret": {"x"}}
	header := http.Header{
		"X-Api-Foo": {"kept"}, "X-Api-Arg": {"client_id=admin"}, "X-Api-Oauth": {"%40id=1"}, "X-Caller-Ip": {"8.8.8.8"}, "X-Request-Id": {"mine"},
	}
	delete(form, "client_secret")
	signed("POST", "/api/oms/order", header, query, form)
	req, _ := http.NewRequest("POST", e.url+"/api/oms/order?"+query.Encode(), strings.NewReader(form.Encode()))
	req.Header = header.Clone()
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r := e.send(req)
	if r.status != http.StatusTeapot || r.body != "brewed" {
		t.Fatalf("answered %d %s", r.status, r.body)
	}
	if seen.method != "POST" || seen.path != "/api/oms/order" || seen.query != "node=1&node=2" || seen.form.Encode() != "data=a+b%26c" {
		t.Errorf("the backend saw %+v", seen)
	}
	for name, want := range map[string]string{
		"X-Api-Foo": "kept", "X-Api-Arg": "client_id=buwb2lii&product=shop", "X-Api-Oauth": "", "X-Caller-Ip": "127.0.0.1", "X-Request-Id": r.header.Get("X-Request-Id"),
	} {
		if got := seen.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	c := await[callEvent](t, calls, 1)
	if c.Status != http.StatusTeapot || c.API != "oms/order" || c.Params.Encode() != "data=a+b%26c&node=1&node=2" || c.Call.Key != testKey {
		t.Errorf("traced %+v", c)
	}
}

// A body that is no form belongs to the backend and takes no part in the
// signature.
func TestBackendGetsOtherBodiesAsTheyAre(t *testing.T) {
	var seen echo
	e := newEnv(t, platform.Config{Backend: &seen, Limits: platform.Limits{RequestBody: 1000}})
	const body = `{"client_id":"kept"}`
	query := url.Values{}
	signed("POST", "/api/oms", nil, query, nil)
	req, _ := http.NewRequest("POST", e.url+"/api/oms?"+query.Encode(), strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	if e.send(req); seen.body != body {
		t.Errorf("the backend saw %q", seen.body)
	}
}

func TestBackendsRequestURIShowsNoProof(t *testing.T) {
	var seen echo
	e := newEnv(t, platform.Config{Backend: &seen})
	for _, target := range []string{
		"/api/x?client_id=" + testKey + "&client_secret=" + testSecret + "&a=1",
		e.request("GET", "x", url.Values{"a": {"1"}}).URL.RequestURI(),
	} {
		if e.get(target); seen.uri != "/api/x?a=1" {
			t.Errorf("the backend saw %q", seen.uri)
		}
	}
}

func TestUnverifiedCallsDoNotReachTheBackend(t *testing.T) {
	called := false
	e := newEnv(t, platform.Config{
		Backend:  http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }),
		Override: func(platform.Call) http.Handler { called = true; return nil },
	})
	e.get("/api/oms").want(t, 401, "missing_client_id")
	e.get("/oauth/token?client_id="+testKey).want(t, 401, "missing_sign")
	if called {
		t.Error("an unverified call came through")
	}
}

func TestPanicInABackendIsOneFailedCall(t *testing.T) {
	e := newEnv(t, platform.Config{Backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "late") {
			io.WriteString(w, "half an ans")
			http.NewResponseController(w).Flush()
		}
		panic("the dog ate it")
	})})
	r := e.call("GET", "early", nil)
	r.want(t, 500, "internal_error")
	if strings.Contains(r.body, "dog") {
		t.Errorf("answered %s", r.body)
	}
	resp, err := e.client.Do(e.request("GET", "late", nil))
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("half an answer looks like a whole one")
	}
	e.call("GET", "platform/notify/status", nil).want(t, 200, "")
}

func TestOverrideScriptsAnyAPI(t *testing.T) {
	e := newEnv(t, platform.Config{Override: func(c platform.Call) http.Handler {
		if c.API != "platform/notify/status" || c.Params.Get("topic") != "scripted" || c.App != "shop" {
			return nil
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"result":"script"}`) })
	}})
	e.call("GET", "platform/notify/status", url.Values{"topic": {"scripted"}}).wantResult(t, `"script"`)
	e.call("GET", "platform/notify/status", nil).want(t, 200, "")
}

// The signature covers the headers that the platform replaces afterwards.
func TestSpoofedHeadersAreSignedAndThenRemoved(t *testing.T) {
	e := newEnv(t, platform.Config{Backend: &echo{}})
	query := url.Values{}
	signed("GET", "/api/x", http.Header{}, query, nil)
	req, _ := http.NewRequest("GET", e.url+"/api/x?"+query.Encode(), nil)
	req.Header.Set("X-Api-Oauth", "added on the way")
	e.send(req).want(t, 401, "invalid_sign")
	if sign.Verify(testSecret, sign.Request{Method: "GET", Path: "/api/x", Header: req.Header, Query: query}, query.Get("sign")) {
		t.Error("the header takes no part in the signature")
	}
}

// A path that servers read in different ways goes to no backend, with services and without.
func TestNoBackendGetsAPathWithDots(t *testing.T) {
	for _, withServices := range []bool{false, true} {
		called := false
		cfg := platform.Config{Backend: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true })}
		var e *gatewayEnv
		if withServices {
			e = newGatewayEnv(t, cfg)
		} else {
			e = &gatewayEnv{tokenEnv: newTokenEnv(t, cfg)}
		}
		for _, path := range []string{"shop/../admin", "shop/%2e%2e/admin", "shop/..%2fadmin", "shop/%252e%252e%255cadmin", "orders/../admin", "shop/..;/admin"} {
			e.send(e.exactly(first(), "GET", "/api/"+path)).want(t, 400, "invalid_request")
		}
		if called {
			t.Error("the backend got a call")
		}
		if e.get(first(), "shop/a..b/.c"); !called {
			t.Error("the backend did not get a call that is none of these")
		}
	}
}
