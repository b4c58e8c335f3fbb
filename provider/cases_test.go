package provider

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
)

// A serverCase is a request to PHP's provider, as a gateway sends it, and its answer.
type serverCase struct {
	Name, Setup string
	Request     struct {
		Method, Target, Body string
		Headers              map[string]string
	}
	Answer struct {
		Status int
		Body   string
	}
}

// A difference is how this package answers, and PHP does not.
type difference struct {
	why    string
	status int
	body   string // if empty, that of PHP
	params string // what the function gets, in the place of body
}

const (
	noFunction = `{"jsonrpc":"2.0","error":{"code":"-32601","message":"Method not found","data":"there is no function at this path"},"id":"3mpm4wr76dtmejev"}`
	notValid   = `{"jsonrpc":"2.0","error":{"code":"-32600","message":"Invalid Request","data":"Sign is not valid."},"id":"3mpm4wr76dtmejev"}`
)

func kept(result string) difference {
	return difference{why: "a result is never left out", status: 200, body: `{"jsonrpc":"2.0","result":` + result + `,"id":"3mpm4wr76dtmejev"}`}
}

var differences = map[string]difference{
	"equals sign in a value is lost":    {"a value may have an equals sign", 200, "", `{"a":"x=y"}`},
	"only a flag":                       {"a name without a value is a parameter", 200, "", `{"flag":""}`},
	"question mark in the query":        {"a question mark there is nothing special", 200, "", `{"u":"http://x/?q=1"}`},
	"post multipart is read as a form":  {"fields of a multipart body are parameters", 200, "", `{"a":"1"}`},
	"no request id: uncaught exception": {"the request gets an ID", 200, "", `[]`},
	"unknown path: nothing":             {"no empty 200", 404, noFunction, ""},
	"trailing slash is another path":    {"no empty 200", 404, noFunction, ""},
	"no method at all: nothing": {"no empty 200", 404,
		`{"jsonrpc":"2.0","error":{"code":"-32601","message":"Method not found","data":"the parameter method is missing: it names the function"},"id":"3mpm4wr76dtmejev"}`, ""},
	"user required, none":              {"the status tells of an error", 403, "", ""},
	"user required":                    {"the status tells of an error", 403, "", ""},
	"falsy result zero is left out":    kept("0"),
	"falsy result false is left out":   kept("false"),
	"falsy result list is left out":    kept("[]"),
	"falsy result zerostr is left out": kept(`"0"`),
	"error Server error":               {"the status tells of an error", 500, "", ""},
	"error Method not found":           {"the status tells of an error", 404, "", ""},
	"error Invalid params":             {"the status tells of an error", 400, "", ""},
	"error Parse error":                {"the status tells of an error", 400, "", ""},
	"error Own words": {"there is a code always", 500,
		`{"jsonrpc":"2.0","error":{"code":"-32000","message":"Own words","data":"why"},"id":"3mpm4wr76dtmejev"}`, ""},
	"exception in a handler": {"an error has words", 500,
		`{"jsonrpc":"2.0","error":{"code":"-32603","message":"Internal error"},"id":"3mpm4wr76dtmejev"}`, ""},
	"ecos wrong":                                           {"the status tells of an error", 403, "", ""},
	"ecos missing":                                         {"the status tells of an error", 403, "", ""},
	"ecos: brackets are signed flat":                       {"names are as they are sent", 200, "", `{"a":"1","a[b]":"2"}`},
	"prism, POST, sign in the form":                        {"the signature may be in the form", 200, "", `{"a":"1","b":"x y"}`},
	"prism: a header that is not signed":                   {"the status tells of an error", 403, "", ""},
	"prism: old sign_time is accepted":                     {"the time counts", 403, notValid, ""},
	"prism: number names":                                  {"names are in the order of bytes", 200, "", `{"9":"b","10":"a"}`},
	"prism: escaped path, signed decoded":                  {"the decoded path is signed", 200, "", `{"a":"1"}`},
	"prism: escaped name, signed decoded":                  {"decoded names are signed", 200, "", `{"a b":"1"}`},
	"prism: escaped name, signed as sent":                  {"decoded names are signed", 403, notValid, ""},
	"prism: repeated name, last one signed":                {"all values are signed", 403, notValid, ""},
	"prism, param mode: signed with the method id as path": {"the path is signed", 403, notValid, ""},
}

func TestAnswersEqualThoseOfPHPButWhereItIsWrong(t *testing.T) {
	text, err := os.ReadFile("testdata/server.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []serverCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	used := 0
	for _, c := range cases {
		d, differs := differences[c.Name]
		if differs {
			used++
		} else {
			d = difference{status: c.Answer.Status}
		}
		t.Run(c.Name, func(t *testing.T) { c.check(t, d) })
	}
	if used != len(differences) {
		t.Errorf("%d differences are of no case", len(differences)-used)
	}
}

func (c serverCase) check(t *testing.T, d difference) {
	r := httptest.NewRequest(c.Request.Method, c.Request.Target, strings.NewReader(c.Request.Body))
	r.Host = "127.0.0.1:18471"
	for name, value := range c.Request.Headers {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	casesProvider(t, c.Setup).ServeHTTP(w, r)
	if w.Code != d.status {
		t.Errorf("status %d, want %d: %s", w.Code, d.status, w.Body)
	}
	id := c.Request.Headers["X-Request-Id"]
	if got := w.Header().Get("X-Request-Id"); got == "" || id != "" && got != id {
		t.Errorf("X-Request-Id is %q", got)
	}
	if d.params != "" {
		var got struct {
			Result struct{ Params json.RawMessage }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || !sameJSON(t, string(got.Result.Params), d.params) {
			t.Errorf("answer %s, want params %s", w.Body, d.params)
		}
		return
	}
	want := d.body
	if want == "" {
		want = c.Answer.Body
	}
	if got := w.Body.String(); got != want && !sameJSON(t, got, want) {
		t.Errorf("answer\n%s want\n%s", got, want)
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

// casesProvider returns a provider with the functions that PHP's had.
func casesProvider(t *testing.T, setup string) *Provider {
	cfg := Config{Scheme: ECOS, Unsigned: true, StringCodes: true, Logger: slog.New(slog.DiscardHandler)}
	switch {
	case strings.HasPrefix(setup, "EcosValidator"):
		cfg.Unsigned, cfg.Secrets = false, []string{"123456"}
	case strings.Contains(setup, "PrismValidator"):
		cfg.Unsigned, cfg.Scheme, cfg.Secrets = false, Prism, []string{"in its place"}
	}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Scheme == Prism {
		p.cfg.Secrets = []string{""} // which New refuses
	}
	if strings.HasPrefix(setup, "routing key") {
		p.Method("item.get", show())
		p.Method("me.get", show(), RequireUser)
		return p
	}
	p.Handle("show", show())
	p.Handle("GET a%20b", show())
	p.Handle("GET me", show(), RequireUser)
	p.Handle("GET ping", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("pong")) }))
	p.Handle("GET nosend", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	p.Handle("GET fail", Func(func(context.Context, struct{}) (any, error) { return nil, errors.New("secret") }))
	p.Handle("GET text", Func(func(context.Context, struct{}) (string, error) { return "订单 / a<b>", nil }))
	p.Handle("GET falsy", Func(falsy))
	p.Handle("GET err", Func(func(_ context.Context, in struct {
		M string `param:"m"`
		D string `param:"d"`
	}) (any, error) {
		return nil, &Error{Code: codeOf(in.M), Message: in.M, Data: in.D}
	}))
	p.Handle("POST info", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers := map[string]string{"Host": r.Host, "Content-Length": "3"}
		for name := range r.Header {
			headers[name] = r.Header.Get(name)
		}
		Func(func(context.Context, struct{}) (any, error) { return headers, nil }).ServeHTTP(w, r)
	}))
	return p
}

func codeOf(message string) string {
	for code, m := range messages {
		if m == message {
			return code
		}
	}
	return ""
}

func falsy(_ context.Context, in struct {
	V string `param:"v"`
}) (any, error) {
	return map[string]any{"zero": 0, "false": false, "list": []int{}, "zerostr": "0", "empty": "", "null": nil}[in.V], nil
}

func show() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := CallFrom(r.Context())
		path := r.URL.Path
		if strings.Contains(c.Function, ".") {
			path = c.Function
		}
		Func(func(context.Context, struct{}) (any, error) {
			return map[string]any{
				"params": phpMap(c.Params), "request_id": c.RequestID, "oauth": phpMap(c.User.Data),
				"app": map[string]string{"client_id": c.Key, "product": c.App}, "ip": c.CallerIP, "method": r.Method, "path": path,
			}, nil
		}).ServeHTTP(w, r)
	})
}

// phpMap returns what PHP writes for a map.
func phpMap(values map[string][]string) any {
	if len(values) == 0 {
		return []string{}
	}
	flat := map[string]string{}
	for name, v := range values {
		flat[name] = v[len(v)-1]
	}
	return flat
}
