package platform_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/platform"
)

// What must not be in an answer about calls.
const (
	canaryConfig = "CANARY-config-秘密"
	canaryNode   = "CANARY-node"
	canaryCookie = "CANARY-cookie"
	canarySet    = "CANARY-set-cookie"
	canaryMember = "CANARY-member"
)

const ecosFile = `{"prefix":"oms","summary":"订单","mode":"param","param_name":"method","url":"http://127.0.0.1:1/",
	"config_values":[{"name":"token","issecret":true},{"name":"shop","default":"s1"}],
	"global_params":[{"name":"shop_id","value_type":"config","format":"shop","param_type":"REQUEST"},
		{"name":"key","value_type":"config","format":"token","param_type":"REQUEST"},
		{"name":"xyz","value_type":"sign","format":"ecos","param_type":"REQUEST"}],
	"apis":{"order.get":{"method":["GET","POST"]},"order.limited":{"method":["GET"],"limit_count":1,"limit_seconds":86400},"me":{"method":["GET"],"require_oauth":true}}}`

const prismFile = `{"prefix":"shop","mode":"path","url":"http://127.0.0.1:1/",
	"config_values":[{"name":"client_secret","issecret":true}],
	"global_params":[{"name":"sign_time","value_type":"datetime","format":"timestamp","param_type":"GET"},{"name":"sign","value_type":"sign","format":"prism","param_type":"GET"}],
	"apis":{"search":{"path":"订单/{id}","method":["GET","POST"]}}}`

// A callsEnv is a platform with a service for each scheme, and admin keys of two domains.
type callsEnv struct {
	*tokenEnv
	mu       sync.Mutex
	canaries []string // beside the constants
}

func newCallsEnv(t *testing.T) *callsEnv {
	store := twoKeys()
	store.AddApp(platform.App{ID: "ops"}, platform.App{ID: "alien", Domain: "mars"})
	e := &callsEnv{canaries: []string{testSecret, canaryConfig, url.QueryEscape(canaryConfig), canaryNode, canaryCookie, canarySet, canaryMember}}
	registry := platform.NewRegistry(store)
	backend := httptest.NewServer(e)
	t.Cleanup(backend.Close)
	for id, file := range map[string]string{"oms1": ecosFile, "shop1": prismFile} {
		s, _ := apijson.Parse([]byte(file))
		must(t, registry.SaveService(t.Context(), platform.Service{
			ID: id, File: s.Format(), Online: true, Trusted: true, Backend: backend.URL + "/base?app=1",
			Config: map[string]string{"token": canaryConfig, "client_secret": canaryConfig},
			Nodes:  map[string]map[string]string{"n1": {"token": canaryNode}},
		}))
		must(t, registry.BindAPI(t.Context(), "shop", platform.APIBinding{Service: id, Path: "*"}))
	}
	down := apijson.Service{URL: "http://127.0.0.1:1/", Prefix: "down", Mode: apijson.Path, APIs: []apijson.API{{ID: "it", Path: "it"}}}
	must(t, registry.SaveService(t.Context(), platform.Service{ID: "down1", File: down.Format(), Online: true, Trusted: true}))
	must(t, registry.BindAPI(t.Context(), "shop", platform.APIBinding{Service: "down1", Path: "*"}))
	for _, k := range []platform.Key{{ID: "admin001", Secret: "adminsecretadminsecr", App: "ops", Admin: true}, alienAdmin} {
		must(t, registry.SaveKey(t.Context(), k))
	}
	e.tokenEnv = newTokenEnv(t, platform.Config{Store: store})
	return e
}

// ServeHTTP is the backend, which tells everything that it was sent.
func (e *callsEnv) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	query := r.URL.Query()
	form, _ := url.ParseQuery(string(body))
	for _, of := range []url.Values{query, form} {
		e.hide(of.Get("xyz"))
		e.hide(of.Get("sign"))
	}
	w.Header().Set("Set-Cookie", "session="+canarySet)
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"access_token":"`+canaryMember+`","nested":"{\"passWord\":\"`+canaryMember+`\"}","名":"值","url":"`+r.URL.RequestURI()+`"}`)
}

func (e *callsEnv) hide(canary string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if canary != "" {
		e.canaries = append(e.canaries, canary)
	}
}

// sent sends a request of the first key, and remembers its signature as a canary.
func (e *callsEnv) sent(req *http.Request) reply {
	e.t.Helper()
	e.hide(req.URL.Query().Get("sign"))
	req.Header.Set("Cookie", "sid="+canaryCookie)
	req.Header.Set("X-Auth-Token", canaryMember)
	return e.send(req)
}

// asks asks an admin key's question.
func (e *callsEnv) asks(key, secret, api string, pairs ...string) reply {
	e.t.Helper()
	params := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		params.Add(pairs[i], pairs[i+1])
	}
	return e.as(caller{key, secret, ""}, "GET", "/api/platform/calls/"+api, params)
}

func (e *callsEnv) admin(api string, pairs ...string) reply {
	e.t.Helper()
	return e.asks("admin001", "adminsecretadminsecr", api, pairs...)
}

// with is a POST with a body that is no urlencoded form.
func (e *callsEnv) with(path, media, body string) *http.Request {
	query := url.Values{"password": {canaryMember}}
	signedBy(testKey, testSecret, e.now(), "POST", path, nil, query, nil)
	req, err := http.NewRequest("POST", e.url+path+"?"+query.Encode(), strings.NewReader(body))
	must(e.t, err)
	req.Header.Set("Content-Type", media)
	return req
}

func multipartOf(fields ...string) (media, body string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		w.WriteField(fields[i], fields[i+1])
	}
	w.Close()
	return w.FormDataContentType(), b.String()
}

func TestACallThroughTheGatewayIsToldWithBothSidesAndNoSecret(t *testing.T) {
	e := newCallsEnv(t)
	token := e.tokens(e.logIn()).Access
	e.hide(token)
	media, body := multipartOf("method", "order.get", "password", canaryMember, "note", "中文", "payload", `{"secret":"`+canaryMember+`"}`)
	for name, req := range map[string]*http.Request{
		"a query":     e.requestAs(first(), "GET", "/api/oms", url.Values{"method": {"order.get"}, "id": {"7"}, "user_token": {canaryMember}}),
		"a node":      e.requestAs(first(), "GET", "/api/oms", url.Values{"method": {"order.get"}, "node_id": {"n1"}}),
		"a form":      e.requestAs(first(), "POST", "/api/oms", url.Values{"method": {"order.get"}, "pwd": {canaryMember}, "data": {`{"password":"` + canaryMember + `"}`}}),
		"a user":      e.requestAs(first().bearing(token), "GET", "/api/oms/me", nil),
		"prism":       e.requestAs(first(), "GET", "/api/shop/订单/7", url.Values{"sid": {"1"}}),
		"a multipart": e.with("/api/oms", media, body),
		"JSON":        e.with("/api/shop/订单/7", "application/json; charset=utf-8", `{"a":1,"user":{"passwd":"`+canaryMember+`","name":"张三"}}`),
	} {
		t.Run(name, func(t *testing.T) {
			r := e.sent(req)
			if r.status != 200 || !strings.Contains(r.body, "值") {
				t.Fatalf("answered %d %s", r.status, r.body)
			}
			shown := e.admin("show", "id", r.header.Get("X-Request-Id"))
			doc := result[shownCall](t, shown)
			e.hidesAll(t, shown.body)
			if doc.Status != 200 || doc.Key != testKey || doc.App != "shop" || doc.Method != req.Method || doc.Backend == nil || doc.Received != int64(len(r.body)) || doc.Sent != max(0, req.ContentLength) || req.Method == "GET" && doc.WaitMS <= 0 {
				t.Errorf("shown %s", shown.body)
			} else if doc.Caller.Status != 200 || doc.Backend.Status != 200 || !strings.Contains(doc.Backend.URL, "/base") || !strings.Contains(doc.Backend.AnswerBody, "值") || doc.Caller.AnswerBody != doc.Backend.AnswerBody {
				t.Errorf("sides of %s", shown.body)
			}
			if (name == "a user") != (doc.User == "7") {
				t.Errorf("the user is %q", doc.User)
			}
		})
	}
	e.hidesAll(t, e.admin("list").body)
	e.hidesAll(t, e.admin("stats").body)
}

type shownCall struct {
	Key, App, User, Service, API, Method, Code, Phase string
	Status                                            int
	Sent, Received                                    int64
	WaitMS                                            float64 `json:"wait_ms"`
	Caller                                            shownSide
	Backend                                           *shownSide
}

type shownSide struct {
	URL, Method string
	Status      int
	Body        string
	AnswerBody  string `json:"answer_body"`
}

// hidesAll checks that an answer has none of the canaries.
func (e *callsEnv) hidesAll(t *testing.T, answer string) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, canary := range e.canaries {
		if strings.Contains(answer, canary) {
			t.Errorf("%s is in %s", canary, answer)
		}
	}
}

func TestRefusedCallsAreToldAndCounted(t *testing.T) {
	e := newCallsEnv(t)
	get := func(c caller, path string, status int, code string) shownCall {
		t.Helper()
		r := e.as(c, "GET", "/api/"+path, nil)
		if r.status != status || r.code() != code {
			t.Fatalf("answered %d %s, want %d %s", r.status, r.body, status, code)
		}
		doc := result[shownCall](t, e.admin("show", "id", r.header.Get("X-Request-Id")))
		if doc.Status != status || doc.Code != code {
			t.Errorf("shown %+v", doc)
		}
		return doc
	}
	get(first(), "oms/order.limited", 200, "")
	if doc := get(first(), "oms/order.limited", 429, "rate_limited"); doc.Backend != nil || doc.API != "order.limited" {
		t.Errorf("a call over its limit is %+v", doc)
	}
	get(first(), "oms/me", 403, "user_required")
	get(first(), "oms/chosen-by-the-caller", 404, "unknown_api")
	get(second(), "oms/me", 403, "forbidden_api")
	if doc := get(first(), "down/it", 502, "bad_gateway"); doc.Phase != "dial" {
		t.Errorf("a call that cannot be sent is %+v", doc)
	}
	got := ""
	for _, s := range result[[]statsSeries](t, e.admin("stats")) {
		for _, p := range s.Points {
			got += s.Name + fmt.Sprintf(" %d %d %d %d\n", p.Calls, p.Refused, p.Limited, p.Failed)
		}
	}
	if want := "down/it 1 0 0 1\noms/* 1 1 0 0\noms/me 2 2 0 0\noms/order.limited 2 0 1 0\n"; got != want {
		t.Errorf("counted\n%s, want\n%s", got, want)
	}
	list := result[callList](t, e.admin("list", "failed", "1", "service", "oms", "key", testKey))
	if len(list.Calls) != 3 {
		t.Errorf("%d calls have failed, want 3", len(list.Calls))
	}
	if s := e.p.Stats(); s.Limited != 1 || s.Forwarded != 1 || s.ForwardFailed != 1 {
		t.Errorf("counted %+v", s)
	}
}

func TestAnotherDomainSeesNoCalls(t *testing.T) {
	e := newCallsEnv(t)
	id := e.as(first(), "GET", "/api/oms/order.get", nil).header.Get("X-Request-Id")
	alien := func(api string, pairs ...string) reply {
		return e.asks(alienAdmin.ID, alienAdmin.Secret, api, pairs...)
	}
	alien("show", "id", id).want(t, 404, "unknown_call")
	alien("stats").wantResult(t, "[]")
	for _, filter := range [][]string{nil, {"app_id", "shop"}, {"key", testKey}, {"service", "oms"}, {"after", "x-0"}} {
		if list := result[callList](t, alien("list", filter...)); len(list.Calls) > 0 {
			t.Errorf("with %v another domain sees %v", filter, list)
		}
	}
	e.as(first(), "GET", "/api/platform/calls/show", url.Values{"id": {id}}).want(t, 403, "forbidden_admin")
}
