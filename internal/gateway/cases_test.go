package gateway

import (
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/apijson"
)

// A testCase is one of testdata/cases.json: a call, and what the backend gets of it.
type testCase struct {
	Name string
	API  struct {
		Prefix, Mode, URL string
		Prefixes          map[string]string
		SandboxURL        string `json:"sandbox_url"`
		ParamName         string `json:"param_name"`
		GlobalParams      []struct {
			Name      string
			ValueType apijson.ValueType `json:"value_type"`
			Format    string
			ParamType apijson.Place `json:"param_type"`
		} `json:"global_params"`
		Config map[string]string
		Nodes  map[string]map[string]string
		Method []string
		Params []apijson.Parameter
	}
	Call    request
	Backend *request
	Answer  struct {
		Status      int
		Code        string
		ContentType string `json:"content_type"`
	}
}

type request struct {
	Method, Target, Host, Body string
	ContentType                string `json:"content_type"`
	Query, Form, Headers       map[string]string
	Absent                     []string
}

func TestEachCaseReachesItsBackendAsItShould(t *testing.T) {
	text, err := os.ReadFile("testdata/cases.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Clock int64
		Cases []testCase
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, tt := range file.Cases {
		t.Run(tt.Name, func(t *testing.T) { tt.run(t, time.Unix(file.Clock, 0)) })
	}
}

func (tt *testCase) run(t *testing.T, now time.Time) {
	backend := newRecorder(t, tt)
	if tt.Answer.Code == "bad_gateway" {
		backend.server.Close()
	}
	g := newGateway(t, Config{Now: func() time.Time { return now }}, tt.services(t, backend)...)
	answer := g.do(t, tt.Call.request(t, g.url))
	if tt.Answer.Code != "" {
		if got := answer.Header.Get("X-Code"); answer.StatusCode != tt.Answer.Status || got != tt.Answer.Code {
			t.Errorf("answer %d %s, want %d %s", answer.StatusCode, got, tt.Answer.Status, tt.Answer.Code)
		}
		return
	}
	if want := cmp.Or(tt.Answer.Status, 200); answer.StatusCode != want {
		t.Fatalf("answer %d %s, want %d", answer.StatusCode, answer.Header.Get("X-Code"), want)
	}
	body, _ := io.ReadAll(answer.Body)
	if want := cmp.Or(tt.Answer.ContentType, "application/json"); want != answer.Header.Get("Content-Type") || string(body) != backend.answer && answer.StatusCode != 204 {
		t.Errorf("answer %s %q", answer.Header.Get("Content-Type"), body)
	}
	tt.Backend.compare(t, backend)
}

// services makes the services of a case. All hosts are the backend, which tells them apart
// by the Host of the request.
func (tt *testCase) services(t *testing.T, backend *recorder) []*Service {
	api := tt.API
	prefixes := api.Prefixes
	if prefixes == nil {
		prefixes = map[string]string{api.Prefix: api.URL}
	}
	var services []*Service
	for prefix, address := range prefixes {
		file := &apijson.Service{Prefix: prefix, Mode: apijson.Mode(api.Mode), ParamName: api.ParamName, URL: backend.alias(t, address), SandboxURL: backend.alias(t, api.SandboxURL)}
		for _, p := range api.GlobalParams {
			file.GlobalParams = append(file.GlobalParams, apijson.GlobalParam{Name: p.Name, Place: p.ParamType, ValueType: p.ValueType, Format: p.Format})
		}
		if api.Method != nil || api.Params != nil {
			file.APIs = []apijson.API{{ID: "orders", Methods: api.Method, Params: api.Params}}
		}
		nodes := map[string]map[string]string{}
		for id, node := range api.Nodes {
			nodes[id] = maps.Clone(node)
			nodes[id]["@url"] = backend.alias(t, node["@url"])
		}
		s, err := Compile(file, Backend{ID: prefix, Config: api.Config, Nodes: nodes, Online: true, Trusted: true})
		if err != nil {
			t.Fatal(err)
		}
		services = append(services, s)
	}
	return services
}

func (r *request) request(t *testing.T, base string) *http.Request {
	var body io.Reader
	if r.Body != "" {
		body = strings.NewReader(r.Body)
	} else if r.Form != nil {
		body = strings.NewReader(values(r.Form).Encode())
	}
	req, err := http.NewRequest(r.Method, base+r.Target+"?"+values(r.Query).Encode(), body)
	if err != nil {
		t.Fatal(err)
	}
	if r.Form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if r.ContentType != "" {
		req.Header.Set("Content-Type", r.ContentType)
	}
	for name, value := range r.Headers {
		req.Header.Set(name, value)
	}
	return req
}

func values(m map[string]string) url.Values {
	v := url.Values{}
	for name, value := range m {
		v.Set(name, value)
	}
	return v
}

// compare compares the request that came with the one that should.
func (r *request) compare(t *testing.T, got *recorder) {
	if r == nil || got.request == nil {
		t.Fatalf("the backend got %v", got.request)
	}
	if path := got.request.URL.EscapedPath(); got.request.Method != r.Method || path != r.Target {
		t.Errorf("backend got %s %s, want %s %s", got.request.Method, path, r.Method, r.Target)
	}
	if host := got.hosts[got.request.Host]; r.Host != "" && host != r.Host {
		t.Errorf("backend got Host %s, which is %s, want %s", got.request.Host, host, r.Host)
	}
	if query, want := got.request.URL.RawQuery, values(r.Query).Encode(); query != want {
		t.Errorf("backend got query %s, want %s", query, want)
	}
	want := r.Body
	if r.Form != nil {
		want = values(r.Form).Encode()
	}
	if string(got.body) != want {
		t.Errorf("backend got body %s, want %s", got.body, want)
	}
	r.compareHeader(t, got.request.Header)
}

func (r *request) compareHeader(t *testing.T, got http.Header) {
	for name, value := range r.Headers {
		if got.Get(name) != value || len(got.Values(name)) != 1 {
			t.Errorf("backend got %s %q, want %q", name, got.Values(name), value)
		}
	}
	for _, name := range r.Absent {
		if got.Values(name) != nil {
			t.Errorf("backend got %s %q", name, got.Values(name))
		}
	}
	if r.ContentType != "" && got.Get("Content-Type") != r.ContentType {
		t.Errorf("backend got Content-Type %s", got.Get("Content-Type"))
	}
}

// A recorder is a backend that keeps the last request.
type recorder struct {
	server  *httptest.Server
	answer  string
	hosts   map[string]string // of cases, by those of the recorder
	request *http.Request
	body    []byte
}

func newRecorder(t *testing.T, tt *testCase) *recorder {
	b := &recorder{answer: `{"result":1}`, hosts: map[string]string{}}
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.request = r
		b.body, _ = io.ReadAll(r.Body)
		w.Header().Set("Content-Type", cmp.Or(tt.Answer.ContentType, "application/json"))
		w.WriteHeader(cmp.Or(tt.Answer.Status, 200))
		_, _ = io.WriteString(w, b.answer)
	}))
	t.Cleanup(b.server.Close)
	return b
}

// alias returns the address of the recorder with the path of address. Each host of a case
// is another address of this machine.
func (b *recorder) alias(t *testing.T, address string) string {
	if address == "" {
		return ""
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	at, _ := url.Parse(b.server.URL)
	alias := "127.0.0.1:" + at.Port()
	if len(b.hosts) > 0 && b.hosts[alias] != u.Host {
		alias = "localhost:" + at.Port()
	}
	b.hosts[alias] = u.Host
	u.Host = alias
	return u.String()
}

// A testGateway does what the platform does before and after Find and Forward, without
// asking who calls.
type testGateway struct {
	f     *Forwarder
	table *Table
	url   string
	keep  int
	x     chan *Exchange // nil: nobody looks
}

func newGateway(t *testing.T, cfg Config, services ...*Service) *testGateway {
	g := &testGateway{f: New(cfg), table: NewTable(services)}
	s := httptest.NewServer(g)
	g.url = s.URL
	t.Cleanup(func() {
		s.Close()
		g.f.Close()
	})
	return g
}

func (g *testGateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &Exchange{Keep: g.keep}
	if g.x != nil {
		defer func() { g.x <- x }()
	}
	w.Header().Set("X-Request-Id", "3mpm4wr76dtmejev")
	if err := g.forward(w, r, x); err != nil {
		refused := err.(*Refusal)
		w.Header().Set("X-Code", refused.Code)
		w.Header().Set("X-Phase", refused.Phase)
		http.Error(w, refused.Message, refused.Status)
	}
}

func (g *testGateway) forward(w http.ResponseWriter, r *http.Request, x *Exchange) error {
	rest, sandbox := strings.CutPrefix(r.URL.EscapedPath(), "/api-sandbox/")
	if !sandbox {
		rest, _ = strings.CutPrefix(r.URL.EscapedPath(), "/api/")
	}
	query, form := r.URL.Query(), url.Values(nil)
	switch {
	case r.Header.Get("Content-Type") == "application/x-www-form-urlencoded":
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return &Refusal{Status: 400, Code: "invalid_body"}
		}
		form, _ = url.ParseQuery(string(body))
	case r.ContentLength == 0:
		form = url.Values{}
	}
	fields, whole, err := PeekMultipart(r)
	if err != nil {
		return err
	}
	dropReserved(query)
	dropReserved(form)
	target, err := g.table.Find(Request{Method: r.Method, Path: rest, Sandbox: sandbox, Query: query, Form: orElseForm(form, fields)})
	if err != nil {
		return err
	}
	known := form
	if whole {
		known = fields
	}
	if missing := target.Missing(query, known); missing != "" {
		return &Refusal{Status: 400, Code: "missing_parameter", Message: missing}
	}
	caller := Caller{RequestID: "3mpm4wr76dtmejev", IP: "203.0.113.9", Key: "abcd2345", App: "demoapp"}
	if own := r.Header.Get("X-Request-Id"); len(own) == 16 {
		caller.RequestID = own
	}
	if r.Header.Get("Authorization") == "Bearer t0k3n" {
		caller.User = "%40id=7&login=alice"
	}
	if r.ContentLength == 0 {
		form = nil
	}
	return g.f.Forward(w, r, target, caller, query, form, x)
}

// do makes a call. Its answer is not followed, and not unpacked.
func (g *testGateway) do(t *testing.T, r *http.Request) *http.Response {
	via := &http.Transport{DisableCompression: true}
	answer, err := via.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		answer.Body.Close()
		via.CloseIdleConnections()
	})
	return answer
}

func orElseForm(form, fields url.Values) url.Values {
	if form != nil {
		return form
	}
	return fields
}

func dropReserved(params url.Values) {
	maps.DeleteFunc(params, func(name string, _ []string) bool { return apijson.Reserved(name) })
}
