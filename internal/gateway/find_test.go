package gateway

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/apijson"
)

// shop is a service in mode Path, and cart one in mode Param.
func shop(t testing.TB) *Table {
	path := &apijson.Service{Prefix: "b2b", URL: "http://shop.example/rest", APIs: []apijson.API{
		{ID: "list", Path: "/orders", Methods: []string{"GET", "POST"}},
		{ID: "get", Path: "orders/{tid}", Methods: []string{"GET"}},
		{ID: "put", Path: "orders/{tid}", Methods: []string{"PUT"}},
		{ID: "new", Path: "orders/new", Methods: []string{"POST"}},
		{ID: "line", Path: "orders/{tid}/lines/{n}"},
		{ID: "no.path"},
	}}
	param := &apijson.Service{Prefix: "ec/v2", URL: "http://shop.example/api", Mode: apijson.Param, ParamName: "api_method", APIs: []apijson.API{{ID: "item.get"}, {ID: "item.add", Methods: []string{"POST"}}}}
	free := &apijson.Service{Prefix: "free", URL: "http://shop.example/"}
	return NewTable([]*Service{compiled(t, path, Backend{}), compiled(t, param, Backend{}), compiled(t, free, Backend{})})
}

func TestACallFindsItsAPI(t *testing.T) {
	table := shop(t)
	for _, tt := range []struct{ call, want string }{
		{"GET b2b/orders", "list"},
		{"HEAD b2b/orders", "list"},
		{"GET b2b//orders", "list"},
		{"GET b2b/%6Frders", "list"},
		{"GET b2b/orders/7", "get"},
		{"PUT b2b/orders/7", "put"},
		{"POST b2b/orders/new", "new"},
		{"GET b2b/orders/new", "get"},
		{"GET b2b/orders/a%2Fb", "get"},
		{"DELETE b2b/orders/7/lines/1", "line"},
		{"GET b2b/no.path", "no.path"},
		{"GET b2b/orders/", "404 unknown_api"},
		{"GET b2b/orders/7/lines", "404 unknown_api"},
		{"GET b2b/Orders", "404 unknown_api"},
		{"GET b2b", "404 unknown_api"},
		{"GET b2bx/orders", "404 unknown_api"},
		{"GET ", "404 unknown_api"},
		{"DELETE b2b/orders/7", "405 method_not_allowed GET,PUT"},
		{"PATCH b2b/orders/new", "405 method_not_allowed GET,POST,PUT"},
		{"GET ec/v2/item.get", "item.get"},
		{"GET ec/v2?api_method=item.get", "item.get"},
		{"GET ec/v2/any/thing?api_method=item.get", "item.get"},
		{"GET ec/v2?api_method=item.get&api_method=item.get", "item.get"},
		{"GET ec/v2?api_method=item.add", "405 method_not_allowed POST"},
		{"GET ec/v2?api_method=item.none", "404 unknown_api"},
		{"GET ec/v2?api_method=", "400 missing_parameter"},
		{"GET ec/v2", "400 missing_parameter"},
		{"GET ec/v2?api_method=item.get&api_method=item.add", "400 duplicate_parameter"},
		{"GET ec/v2?api_method=item.get&api.method=item.add", "400 duplicate_parameter"},
		{"GET ec/v2?api_method=item.get&%20api_method=item.add", "400 duplicate_parameter"},
		{"GET ec/v2?api_method=item.get&api_method[]=item.add", "400 duplicate_parameter"},
		{"GET ec/v2?api_method=item.get&api_method%00x=item.add", "400 duplicate_parameter"},
		{"GET ec", "404 unknown_api"},
		{"GET free/a/b", "a/b"},
		{"GET free/a%2Fb", "a%2Fb"},
		{"GET free", ""},
		{"GET free/..", "400 invalid_request"},
		{"GET free/a/%2e%2E/b", "400 invalid_request"},
		{"GET free/a%2F..%2Fb", "400 invalid_request"},
		{"GET free/a%5C..", "400 invalid_request"},
		{"GET free/..;a=1/b", "400 invalid_request"},
		{"GET free/%252e%252e/b", "400 invalid_request"},
		{"GET free/./b", "400 invalid_request"},
		{"GET free/%zz", "400 invalid_request"},
		{"GET free/.../..a/b..", ".../..a/b.."},
		{"GET free/100%25", "100%"},
	} {
		if got := found(table, tt.call); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.call, got, tt.want)
		}
	}
}

// found returns the ID of the API of a call such as "GET b2b/orders?a=1", or the refusal.
func found(table *Table, call string) string {
	method, target, _ := strings.Cut(call, " ")
	path, query, _ := strings.Cut(target, "?")
	params, _ := url.ParseQuery(query)
	got, err := table.Find(Request{Method: method, Path: path, Query: params})
	var refused *Refusal
	if errors.As(err, &refused) {
		return strings.TrimSpace(fmt.Sprint(refused.Status, " ", refused.Code, " ", strings.Join(refused.Allow, ",")))
	}
	return got.ID
}

func TestACallThatLeadsNowhereIsToldWhatIsNear(t *testing.T) {
	table := shop(t)
	all := func(*Service, *apijson.API) bool { return true }
	none := func(*Service, *apijson.API) bool { return false }
	for call, want := range map[string]string{
		"GET b2d/orders":                 "did you mean the prefix b2b?",
		"GET ec/v1":                      "did you mean the prefix ec/v2?",
		"GET b2b/order":                  "did you mean orders?",
		"DELETE b2b/orders":              "did you mean GET orders?",
		"GET b2b/orders/7/linse/2":       "did you mean orders/{tid}/lines/{n}?",
		"GET ec/v2?api_method=items.get": "did you mean item.get?",
		"GET ec/v2/item.gte":             "did you mean item.get?",
		"GET b2b/quite/another":          "",
		"GET b2b/..":                     "",
	} {
		method, target, _ := strings.Cut(call, " ")
		path, query, _ := strings.Cut(target, "?")
		params, _ := url.ParseQuery(query)
		r := Request{Method: method, Path: path, Query: params}
		if got := table.Nearest(r, all); got != want {
			t.Errorf("%s: %q, want %q", call, got, want)
		}
		if got := table.Nearest(r, none); got != "" {
			t.Errorf("%s: %q is named to somebody who may not call it", call, got)
		}
	}
}

func TestAServiceThatCannotBeCalledIsNotCompiled(t *testing.T) {
	for name, tt := range map[string]struct {
		file apijson.Service
		b    Backend
	}{
		"no prefix":      {apijson.Service{URL: "http://a.example"}, Backend{}},
		"no url":         {apijson.Service{Prefix: "a"}, Backend{}},
		"a scheme":       {apijson.Service{Prefix: "a", URL: "ftp://a.example"}, Backend{}},
		"a sandbox":      {apijson.Service{Prefix: "a", URL: "http://a.example", SandboxURL: "x"}, Backend{}},
		"a replacement":  {apijson.Service{Prefix: "a", URL: "http://a.example"}, Backend{URL: "http://"}},
		"a node":         {apijson.Service{Prefix: "a", URL: "http://a.example"}, Backend{Nodes: map[string]map[string]string{"1": {"@url": "x"}}}},
		"dots":           {apijson.Service{Prefix: "a", URL: "http://a.example/../b"}, Backend{}},
		"dots of an API": {apijson.Service{Prefix: "a", URL: "http://a.example", APIs: []apijson.API{{ID: "a", Path: "../b"}}}, Backend{}},
		"a signature":    {apijson.Service{Prefix: "a", URL: "http://a.example", GlobalParams: []apijson.GlobalParam{{Name: "s", Place: apijson.Query, ValueType: apijson.Sign, Format: "sha"}}}, Backend{}},
	} {
		if _, err := Compile(&tt.file, tt.b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestWhatACallLacksIsNamed(t *testing.T) {
	file := &apijson.Service{Prefix: "a", URL: "http://a.example", GlobalParams: []apijson.GlobalParam{{Name: "v", Place: apijson.Query}}, APIs: []apijson.API{{ID: "x", Path: "x/{tid}",
		Params: []apijson.Parameter{{Name: "tid", Required: true}, {Name: "v", Required: true}, {Name: "a", Required: true}, {Name: "b"}}}}}
	table := NewTable([]*Service{compiled(t, file, Backend{})})
	a, none := url.Values{"a": {""}}, url.Values{}
	for _, tt := range []struct {
		method      string
		query, form url.Values
		want        string
	}{{"GET", nil, nil, "a"}, {"GET", a, nil, ""}, {"POST", nil, none, "a"}, {"POST", nil, a, ""}, {"POST", a, none, ""}, {"POST", nil, nil, ""}} {
		target, err := table.Find(Request{Method: tt.method, Path: "a/x/7"})
		if err != nil {
			t.Fatal(err)
		}
		if got := target.Missing(tt.query, tt.form); got != tt.want {
			t.Errorf("%s %v %v: %q, want %q", tt.method, tt.query, tt.form, got, tt.want)
		}
	}
}

// What is forwarded is below the address of the service, has no element that a server takes
// for . or .., and is decoded what the caller has sent.
func FuzzWhatIsForwardedStaysBelowTheAddress(f *testing.F) {
	for _, path := range []string{"free/a/b", "free/%2e%2e/b", "free/a%2F..", "free//a", "free/..%5c", "free/%252e", "free/a;b", "free/%e4%b8%ad", "free/"} {
		f.Add(path)
	}
	table := shop(f)
	f.Fuzz(func(t *testing.T, path string) {
		if _, err := url.ParseRequestURI("/" + path); err != nil || strings.ContainsAny(path, "?#") {
			return
		}
		target, err := table.Find(Request{Method: "GET", Path: path})
		if err != nil || target.Service.Prefix != "free" {
			return
		}
		c := &call{target: target}
		c.rewriteURL()
		sent := c.url.EscapedPath()
		own, _ := url.PathUnescape(path[strings.IndexByte(path+"/", '/'):])
		if got, _ := url.PathUnescape(sent); strings.TrimLeft(got, "/") != strings.TrimLeft(own, "/") || !strings.HasPrefix(sent, "/") {
			t.Errorf("%q goes on as %q", path, sent)
		}
		for range 3 {
			for e := range strings.FieldsFuncSeq(sent, func(c rune) bool { return c == '/' || c == '\\' }) {
				if e, _, _ = strings.Cut(e, ";"); e == "." || e == ".." {
					t.Errorf("%q goes on as %q", path, sent)
				}
			}
			sent, _ = url.PathUnescape(sent)
		}
	})
}

func TestTimesAreWrittenAsPHPDoes(t *testing.T) {
	at := time.Date(2015, 4, 27, 18, 29, 55, 123456789, time.FixedZone("CST", 8*3600))
	for format, want := range map[string]string{
		"timestamp":     "1430130595",
		"U":             "1430130595",
		"Y-m-d H:i:s":   "2015-04-27 18:29:55",
		"D, d M y":      "Mon, 27 Apr 15",
		"l jS \\of F Y": "Monday 27th of April 2015",
		"N w z t L W o": "1 1 116 30 0 18 2015",
		"n G g A a":     "4 18 6 PM pm",
		"h:i:s.u v":     "06:29:55.123456 123",
		"c":             "2015-04-27T18:29:55+08:00",
		"r":             "Mon, 27 Apr 2015 18:29:55 +0800",
		"O P p Z T I":   "+0800 +08:00 +08:00 28800 CST 0",
		"B":             "479",
		"\\Y\\\\ x":     "Y\\ x",
	} {
		if got := date(format, at); got != want {
			t.Errorf("date(%q) = %q, want %q", format, got, want)
		}
	}
}

func TestSecretsAreHiddenInTheExchange(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		_, _ = w.Write([]byte(r.Form.Get("key")))
	}))
	defer s.Close()
	file := &apijson.Service{Prefix: "b2b", URL: s.URL, ConfigValues: []apijson.ConfigValue{{Name: "k", Secret: true, Default: "of the file"}},
		GlobalParams: []apijson.GlobalParam{{Name: "key", Place: apijson.Request, ValueType: apijson.Config, Format: "k"}, {Name: "long", Place: apijson.Request, ValueType: apijson.Constant, Format: strings.Repeat("z", 50)}}}
	g := newGateway(t, Config{}, compiled(t, file, Backend{Config: map[string]string{"k": "c@nary secret"}}))
	g.x, g.keep = make(chan *Exchange, 1), 20
	for _, method := range []string{"GET", "POST"} {
		req, _ := http.NewRequest(method, g.url+"/api/b2b/x", strings.NewReader("a=1&b=22222"))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		g.do(t, req)
		x := <-g.x
		for _, text := range []string{x.URL, string(x.Body), string(x.AnswerBody)} {
			if strings.Contains(text, "c%40n") || strings.Contains(text, "c@n") || len(text) > 200 {
				t.Errorf("%s: the exchange shows %q", method, text)
			}
		}
	}
}

// A secret that begins with another, or stands where what is kept ends, leaves no rest.
func TestNothingIsLeftOfASecretInTheExchange(t *testing.T) {
	s := compiled(t, &apijson.Service{
		Prefix: "b2b", URL: "http://127.0.0.1:1/", ConfigValues: []apijson.ConfigValue{{Name: "a", Secret: true}, {Name: "b", Secret: true}},
	}, Backend{Config: map[string]string{"a": "canary", "b": "canary/+/+/+"}})
	for range 20 { // the order of a map
		c := &call{target: &Target{at: s.live}}
		if got := c.hide("x=canary%2F%2B%2F%2B%2F%2B&y=canary/+/+/+&z=canary"); got != "x=***&y=***&z=***" {
			t.Fatalf("the exchange shows %q", got)
		}
		s = compiled(t, s.File, Backend{Config: map[string]string{"a": "canary", "b": "canary/+/+/+"}})
	}
	backend := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer backend.Close()
	file := &apijson.Service{Prefix: "b2b", URL: backend.URL, ConfigValues: []apijson.ConfigValue{{Name: "k", Secret: true}},
		GlobalParams: []apijson.GlobalParam{{Name: "key", Place: apijson.Request, ValueType: apijson.Config, Format: "k"}}}
	g := newGateway(t, Config{}, compiled(t, file, Backend{Config: map[string]string{"k": "/+/+/+/+/+"}}))
	g.x, g.keep = make(chan *Exchange, 1), 20
	req, _ := http.NewRequest("POST", g.url+"/api/b2b/x", strings.NewReader("a=1"))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	g.do(t, req)
	if x := <-g.x; string(x.Body) != "a=1&key=***" {
		t.Errorf("the exchange shows %q", x.Body)
	}
}
