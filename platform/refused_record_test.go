package platform_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
)

type refusedCall struct {
	shownCall
	Message   string
	Unproved  bool
	BodyCut   bool `json:"body_cut"`
	Masked    []string
	Replays   string
	ReplayBy  string `json:"replay_by"`
	Steps     []struct{ Step, State string }
	Diagnosis *struct {
		Causes       []string
		Explanation  string
		StringToSign string `json:"string_to_sign"`
	}
}

func (c *refusedCall) steps() string {
	var all []string
	for _, s := range c.Steps {
		all = append(all, s.Step+" "+s.State)
	}
	return strings.Join(all, ", ")
}

// signedAs is a request to path that is signed as if it went to another path.
func (e *callsEnv) signedAs(method, path, signed string, params url.Values) *http.Request {
	e.t.Helper()
	query, form := params, url.Values(nil)
	if method == "POST" {
		query, form = url.Values{}, params
	}
	signedBy(testKey, testSecret, e.now(), method, signed, nil, query, form)
	req, err := http.NewRequest(method, e.url+path+"?"+query.Encode(), strings.NewReader(form.Encode()))
	must(e.t, err)
	if method == "POST" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return req
}

func (e *callsEnv) refused(req *http.Request, status int, code string) (doc refusedCall, text string) {
	e.t.Helper()
	r := e.sent(req)
	r.want(e.t, status, code)
	shown := e.admin("show", "id", r.header.Get("X-Request-Id"))
	return result[refusedCall](e.t, shown), shown.body
}

func TestACallWithAWrongSignatureIsToldWithItsCauses(t *testing.T) {
	e := newCallsEnv(t)
	for name, req := range map[string]*http.Request{
		"a service's":        e.signedAs("GET", "/api/oms", "/oms", url.Values{"method": {"order.get"}, "user_token": {canaryMember}, "kéy": {testSecret}}),
		"a form's":           e.signedAs("POST", "/api/oms", "/oms", url.Values{"method": {"order.get"}, "pwd": {canaryMember}, "data": {`{"password":"` + canaryMember + `"}`}}),
		"the platform's own": e.signedAs("POST", "/api/platform/notify/write", "/platform/notify/write", url.Values{"routing_key": {"order.new"}, "data": {"{}"}, "access_token": {canaryMember}}),
		"a config's":         e.signedAs("POST", "/api/platform/service/config/set", "/platform/service/config/set", url.Values{"name": {"token"}, "value": {canaryMember}}),
	} {
		t.Run(name, func(t *testing.T) {
			doc, text := e.refused(req, 401, "invalid_sign")
			e.hidesAll(t, text)
			if doc.Key != testKey || doc.App != "shop" || !doc.Unproved || doc.Backend != nil || !strings.Contains(doc.Message, "check the secret") || strings.Contains(doc.Message, "***&") {
				t.Errorf("shown %s", text)
			}
			if d := doc.Diagnosis; d == nil || len(d.Causes) == 0 || !strings.Contains(d.Explanation, "Part 3 of 7 (path) differs at character 4: the rule has a there, and the client signed") {
				t.Errorf("the diagnosis of %s", text)
			} else if want := "***&" + req.Method + "&%2Fapi%2F"; !strings.HasPrefix(d.StringToSign, want) || !strings.Contains(d.StringToSign, "%3D***") || !strings.HasSuffix(d.StringToSign, "&***") {
				t.Errorf("signed %s", d.StringToSign)
			}
			if got := doc.steps(); !strings.HasPrefix(got, "signature refused, api skipped") {
				t.Errorf("steps %s", got)
			}
		})
	}
	list := e.admin("list", "failed", "1", "text", "INVALID_SIGN")
	if got := result[callList](t, list); len(got.Calls) != 4 {
		t.Errorf("listed %s", list.body)
	}
	e.admin("stats").wantResult(t, "[]")
}

func TestRefusalsThatProveNothingAreNotRemembered(t *testing.T) {
	e := newCallsEnv(t)
	e.as(caller{"nobody", "x", ""}, "GET", "/api/oms/me", nil).want(t, 401, "unknown_key")
	e.as(first(), "GET", "/api/platform/nothing", nil).want(t, 404, "unknown_api") // by a key that has proved itself, on its way to a service
	e.as(first(), "GET", "/api/platform/app/list", nil).want(t, 403, "forbidden_admin")
	got := result[callList](t, e.admin("list"))
	if len(got.Calls) != 1 || got.Calls[0].Code != "unknown_api" {
		t.Errorf("remembered %+v", got.Calls)
	}
}

func TestAnUnprovedCallIsInTheDomainOfItsKey(t *testing.T) {
	e := newCallsEnv(t)
	r := e.as(caller{testKey, "wrong", ""}, "GET", "/api/oms/me", nil)
	id := r.header.Get("X-Request-Id")
	e.asks(alienAdmin.ID, alienAdmin.Secret, "show", "id", id).want(t, 404, "unknown_call")
	doc := result[refusedCall](t, e.admin("show", "id", id))
	if doc.Diagnosis == nil || doc.Diagnosis.Causes[0] != "other-secret" {
		t.Errorf("%+v", doc)
	}
}

func TestAPageOfOlderCallsFollows(t *testing.T) {
	e := newCallsEnv(t)
	for range 5 {
		e.as(first(), "GET", "/api/oms/order.get", nil).want(t, 200, "")
	}
	seen, before := map[string]bool{}, ""
	for range 3 {
		page := result[callList](t, e.admin("list", "limit", "2", "before", before))
		for _, c := range page.Calls {
			seen[c.ID] = true
		}
		before = page.Older
	}
	if len(seen) != 5 || before != "" {
		t.Errorf("%d calls, and then %q", len(seen), before)
	}
}

func (e *callsEnv) replays(key platform.Key, pairs ...string) reply {
	e.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return e.as(caller{key.ID, key.Secret, ""}, "POST", "/api/platform/calls/replay", form)
}

var callsAdmin = platform.Key{ID: "admin001", Secret: "adminsecretadminsecr"}

func TestACallIsMadeAgain(t *testing.T) {
	e := newCallsEnv(t)
	shown := func(r reply) refusedCall {
		t.Helper()
		r.want(t, 200, "")
		made := result[struct {
			ID, Replays string
			Status      int
		}](t, r)
		doc := result[refusedCall](t, e.admin("show", "id", made.ID))
		if doc.Replays != made.Replays || doc.ReplayBy != "admin001" || doc.Status != made.Status || doc.Key != testKey || doc.Unproved {
			t.Errorf("made again: %+v", doc)
		}
		return doc
	}
	form := e.requestAs(first(), "POST", "/api/oms", url.Values{"method": {"order.get"}, "note": {"中文 & more"}})
	id := e.send(form).header.Get("X-Request-Id")
	if doc := shown(e.replays(callsAdmin, "id", id)); doc.Status != 200 || doc.API != "order.get" || !strings.Contains(doc.Caller.Body, "note=%E4%B8%AD") || strings.Contains(doc.Caller.Body, "sign") {
		t.Errorf("a form: %+v", doc)
	}
	media, body := multipartOf("method", "order.get", "note", "中文")
	query := url.Values{}
	signedBy(testKey, testSecret, e.now(), "POST", "/api/oms", nil, query, nil)
	req, err := http.NewRequest("POST", e.url+"/api/oms?"+query.Encode(), strings.NewReader(body))
	must(t, err)
	req.Header.Set("Content-Type", media)
	if doc := shown(e.replays(callsAdmin, "id", e.send(req).header.Get("X-Request-Id"))); doc.Status != 200 || doc.Caller.Body != body {
		t.Errorf("a multipart form: %+v", doc)
	}
	wrong := e.send(e.signedAs("GET", "/api/oms/order.get", "/oms/order.get", url.Values{"id": {"7"}})).header.Get("X-Request-Id")
	if doc := shown(e.replays(callsAdmin, "id", wrong)); doc.Status != 200 || !strings.Contains(doc.Caller.URL, "id=7") {
		t.Errorf("one that was signed wrong: %+v", doc)
	}
	changed := shown(e.replays(callsAdmin, "id", wrong, "target", "/api/oms/me?a=1", "method", "GET", "header", `{"accept":["x/y"]}`, "body", ""))
	if changed.Status != 403 || changed.Code != "user_required" || !strings.HasPrefix(changed.Caller.URL, "/api/oms/me?a=1&") || changed.steps() != "signature passed, api passed, permission passed, online passed, limit passed, user refused, parameters skipped, backend skipped" {
		t.Errorf("another: %+v", changed)
	}
	if list := result[callList](t, e.admin("list", "replays", wrong)); len(list.Calls) != 2 {
		t.Errorf("of %s there are the repeated calls %+v", wrong, list.Calls)
	}
}

func TestWhatCannotBeMadeAgainIsRefused(t *testing.T) {
	e := newCallsEnv(t)
	secret := e.send(e.requestAs(first(), "GET", "/api/oms/order.get", url.Values{"user_token": {canaryMember}})).header.Get("X-Request-Id")
	large := e.send(e.requestAs(first(), "POST", "/api/oms", url.Values{"method": {"order.get"}, "x": {strings.Repeat("x", 5000)}})).header.Get("X-Request-Id")
	own := e.send(e.signedAs("GET", "/api/platform/notify/status", "/platform/notify/status", url.Values{})).header.Get("X-Request-Id")
	plain := e.as(first(), "GET", "/api/oms/order.get", nil).header.Get("X-Request-Id")
	for _, c := range []struct {
		says  string
		pairs []string
	}{
		{"query user_token", []string{"id", secret}},
		{"query user_token", []string{"id", secret, "target", "/api/oms/order.get?user_token=***"}},
		{"only the beginning of the body", []string{"id", large}},
		{"only calls to services", []string{"id", own}},
		{"only calls to services", []string{"id", plain, "target", "/api/platform/notify"}},
		{"only calls to services", []string{"id", plain, "target", "/api/platform/key/info/root"}},
		{"only calls to services", []string{"id", plain, "target", "/oauth/token"}},
		{"target must be a path", []string{"id", plain, "target", "/api/oms/order.get#/../../x"}},
		{"target must be a path", []string{"id", plain, "target", "/api/platform/notify#/x"}},
		{"target must be a path", []string{"id", plain, "target", "http://elsewhere.example/api/oms"}},
		{"header must be", []string{"id", plain, "header", "x"}},
		{"no header may have", []string{"id", plain, "header", `{"X-A":["a\r\nb"]}`}},
	} {
		r := e.replays(callsAdmin, c.pairs...)
		if r.status != 400 || !strings.Contains(r.body, c.says) || strings.Contains(r.body, canaryMember) {
			t.Errorf("%v: %d %s", c.pairs, r.status, r.body)
		}
	}
	e.replays(alienAdmin, "id", plain).want(t, 404, "unknown_call")
	e.replays(platform.Key{ID: testKey, Secret: testSecret}, "id", plain).want(t, 403, "forbidden_admin")
	e.replays(callsAdmin, "id", secret, "target", "/api/oms/order.get?user_token=new").want(t, 200, "")
	e.replays(callsAdmin, "id", large, "body", "method=order.get").want(t, 200, "")
}
