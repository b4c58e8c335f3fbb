package platform_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/platform"
)

// A gatewayEnv is a platform with a backend behind it, and the service orders, which the
// app of the first key may call.
type gatewayEnv struct {
	*tokenEnv
	registry *platform.Registry
	backend  *backend
}

// A backend remembers the requests that it gets.
type backend struct {
	*httptest.Server
	mu     sync.Mutex
	seen   []*http.Request
	bodies []string
	answer http.HandlerFunc // nil for a short text
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	answer := b.answer
	b.mu.Unlock()
	if answer != nil {
		b.note(r, "")
		answer(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	b.note(r, string(body))
	io.WriteString(w, `"from the backend"`)
}

func (b *backend) note(r *http.Request, body string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen, b.bodies = append(b.seen, r), append(b.bodies, body)
}

func (b *backend) answers(h http.HandlerFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = h
}

// got returns how many requests came, and the last one.
func (b *backend) got() (n int, last *http.Request, body string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n = len(b.seen); n == 0 {
		return 0, nil, ""
	}
	return n, b.seen[n-1], b.bodies[n-1]
}

func newBackend(t testing.TB) *backend {
	b := &backend{}
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

func newGatewayEnv(t testing.TB, cfg platform.Config) *gatewayEnv {
	t.Helper()
	e := &gatewayEnv{backend: newBackend(t)}
	e.tokenEnv = newTokenEnv(t, cfg)
	e.registry = platform.NewRegistry(e.store)
	e.save("orders", ordersAPIs())
	e.bind("shop", "orders", "*")
	return e
}

// ordersAPIs describes an API for each rule.
func ordersAPIs() *apijson.Service {
	get := []string{"GET"}
	return &apijson.Service{
		URL: "http://127.0.0.1:1/", Prefix: "orders", Mode: apijson.Path, ParamName: "method",
		APIs: []apijson.API{
			{ID: "list", Path: "list", Methods: get},
			{ID: "get", Path: "item/{tid}", Methods: get},
			{ID: "add", Path: "add", Methods: []string{"POST", "PUT"}},
			{ID: "limited", Path: "limited", Methods: get, Limit: apijson.Limit{Count: 2, Per: time.Minute}},
			{ID: "mine", Path: "mine", Methods: get, RequireOAuth: true},
			{ID: "exact", Path: "exact", Params: []apijson.Parameter{{Name: "tid", Required: true}}},
			{ID: "quick", Path: "quick", Timeout: time.Second},
		},
	}
}

// save saves a service in the first domain, on line at the backend.
func (e *gatewayEnv) save(id string, file *apijson.Service) {
	e.t.Helper()
	must(e.t, e.registry.SaveService(e.t.Context(), platform.Service{
		ID: id, File: file.Format(), Online: true, Trusted: true, Backend: e.backend.URL + "/base", Created: time.Now(),
	}))
}

func (e *gatewayEnv) update(id string, change func(*platform.Service)) {
	e.t.Helper()
	_, err := e.registry.UpdateService(e.t.Context(), id, func(s *platform.Service) error { change(s); return nil })
	must(e.t, err)
}

func (e *gatewayEnv) bind(app, service, path string) {
	e.t.Helper()
	must(e.t, e.registry.BindAPI(e.t.Context(), app, platform.APIBinding{Service: service, Path: path}))
}

func (e *gatewayEnv) unbind(app, service, path string) {
	e.t.Helper()
	must(e.t, e.registry.UnbindAPI(e.t.Context(), app, service, path))
}

// get calls an API by GET, as a caller.
func (e *gatewayEnv) get(c caller, path string, pairs ...string) reply {
	e.t.Helper()
	return e.as(c, "GET", "/api/"+path, pairsOf(pairs))
}

func pairsOf(pairs []string) url.Values {
	params := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		params.Add(pairs[i], pairs[i+1])
	}
	return params
}

// post sends a signed request with a body that is no form.
func (e *gatewayEnv) post(c caller, path, media string, body io.Reader) *http.Request {
	e.t.Helper()
	query := url.Values{}
	signedBy(c.key, c.secret, e.now(), "POST", "/api/"+path, nil, query, nil)
	req, err := http.NewRequestWithContext(e.t.Context(), "POST", e.url+"/api/"+path+"?"+query.Encode(), body)
	must(e.t, err)
	req.Header.Set("Content-Type", media)
	return req
}

// answered checks that the backend has answered.
func (r reply) answered(t testing.TB) {
	t.Helper()
	if r.status != 200 || r.body != `"from the backend"` {
		t.Fatalf("answered %d %s, which is not of the backend", r.status, r.body)
	}
}

// mentions checks what the message of a refusal says.
func (r reply) mentions(t testing.TB, words ...string) {
	t.Helper()
	for _, w := range words {
		if r.Error == nil || !strings.Contains(r.Error.Message, w) {
			t.Errorf("answered %s, which does not say %q", r.body, w)
		}
	}
}
