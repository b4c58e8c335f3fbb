package gateway

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/shopex/prism-go/apijson"
)

// A backend reads the API that it runs out of a parameter. Wherever it looks for that, it
// finds the one that the call was permitted for.
func TestNoBodyNamesAnotherAPI(t *testing.T) {
	var got *http.Request
	var text []byte
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r
		text, _ = io.ReadAll(r.Body)
	}))
	defer s.Close()
	g := newGateway(t, Config{FormBytes: 100_000}, compiled(t, &apijson.Service{
		Prefix: "ec", Mode: apijson.Param, ParamName: "api.method", URL: s.URL,
		APIs: []apijson.API{{ID: "get"}, {ID: "delete"}},
	}, Backend{}))
	const form, parts, js = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "application/json"
	for _, row := range []struct{ method, media, body, want, code string }{
		{"PATCH", form, "a=1&api.method=get&sign=x", "a=1&api.method=get", ""},
		{"PATCH", form, "a=1&api_method=get", "", "duplicate_parameter"},
		{"PATCH", form, "api%2Emethod=delete", "", "duplicate_parameter"},
		{"POST", form + ",x", "api.method=delete", "", "duplicate_parameter"},
		{"POST", form + " x", "a=1;api.method=get", "a=1%3Bapi.method%3Dget", ""},
		{"POST", strings.ToUpper(form) + "\t; charset=utf-8", "api[method=delete", "", "duplicate_parameter"},
		{"POST", form + ",x", "%zz=1", "", "invalid_form"},
		{"POST", form + ",x", strings.Repeat("a&", maxParts), "", "invalid_form"},
		{"POST", form + ",x", strings.Repeat("a", 100_001), "", "request_too_large"},
		{"POST", parts, formOf(field("api_method", "get")), "", "duplicate_parameter"},
		{"POST", parts + "; xboundary=c", formOf(field("a", "1")), formOf(field("a", "1")), ""},
		{"POST", "multipart/form-data; boundary=\"b;c\"", formOf(field("a", "1")), "", "invalid_form"},
		{"POST", "multipart/form-data,x; boundary=b", formOf(field("a", "1")), "", "invalid_form"},
		{"POST", "multipart/mixed; boundary=b", formOf(field("a", "1")), formOf(field("a", "1")), ""},
		{"POST", js, `{"a":{"api.method":"delete"}, "api.method":"get"}`, `{"a":{"api.method":"delete"}, "api.method":"get"}`, ""},
		{"PUT", "text/json", `[1,"a"] `, `[1,"a"] `, ""},
		{"POST", js, `{"api.method":"delete"}`, "", "duplicate_parameter"},
		{"POST", js, `{"api\u002emethod":"delete"}`, "", "duplicate_parameter"},
		{"POST", js, `{"api.method":"delete","api.method":"get"}`, "", "duplicate_parameter"},
		{"POST", js, `{"API.Method":"delete"}`, "", "duplicate_parameter"},
		{"POST", js, `{"api_method":"delete"}`, "", "duplicate_parameter"},
		{"POST", js, `{"api.method":["get"]}`, "", "duplicate_parameter"},
		{"POST", js, `[{"api.method":"get"},{"api.method":"delete"}]`, "", "duplicate_parameter"},
		{"POST", js, `{"a":"&api.method=delete&"}`, "", "duplicate_parameter"},
		{"POST", js, "\ufeff{}", "", "invalid_body"},
		{"POST", js, "{'api.method':'delete'}", "", "invalid_body"},
		{"POST", js, "{\x00}", "", "invalid_body"},
		{"POST", "text/xml", "<api.method>delete</api.method>", "<api.method>delete</api.method>", ""},
		{"POST", "text/plain", "a=api.method&b==api.method=&api.methods", "a=api.method&b==api.method=&api.methods", ""},
		{"POST", js, `"` + strings.Repeat("a", 100_000) + `"`, "", "request_too_large"},
	} {
		for _, length := range []bool{true, false} {
			got = nil
			body := io.Reader(strings.NewReader(row.body))
			if !length {
				body = io.MultiReader(body)
			}
			req, _ := http.NewRequest(row.method, g.url+"/api/ec?api.method=get", body)
			req.Header["Content-Type"] = []string{row.media, "text/plain"}
			answer := g.do(t, req)
			if code := answer.Header.Get("X-Code"); code != row.code || row.code != "" && got != nil || row.code == "" && string(text) != row.want {
				t.Errorf("%s %.30q %.60q: answer %d %q, the backend got %.60q", row.method, row.media, row.body, answer.StatusCode, code, text)
			}
			if got != nil && (len(got.Header["Content-Type"]) != 1 || strings.ContainsAny(got.Header.Get("Content-Type"), ", ") && !strings.HasSuffix(got.Header.Get("Content-Type"), "; boundary=b")) {
				t.Errorf("%q goes on as %q", row.media, got.Header["Content-Type"])
			}
		}
	}
}

// Some backends read any body as a form. One that names an API that way does not come whole.
func TestNoStreamNamesAnotherAPI(t *testing.T) {
	var whole atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			whole.Add(1)
		}
	}))
	defer s.Close()
	g := newGateway(t, Config{}, compiled(t, &apijson.Service{
		Prefix: "ec", Mode: apijson.Param, ParamName: "api.method", URL: s.URL,
		APIs: []apijson.API{{ID: "get"}, {ID: "delete"}},
	}, Backend{}))
	long := strings.Repeat("x", 1<<20)
	for _, body := range []string{
		"api.method=delete", "api_method", "a=1&api.method=delete", "a&+api%2emethod=delete&b", "api.method[x]=delete", "%zz&%61pi_method=delete",
		long + "=1&api.method=delete", long + "&&api.method\x00" + long + "=delete", strings.Repeat("%20", 5000) + "api.method=delete", strings.Repeat("+", longestName-3) + "api.method=delete",
	} {
		req, _ := http.NewRequest("POST", g.url+"/api/ec?api.method=get", iotest.OneByteReader(strings.NewReader(body)))
		if len(body) > 1000 {
			req.Body = io.NopCloser(strings.NewReader(body))
		}
		req.Header.Set("Content-Type", "application/octet-stream")
		if answer := g.do(t, req); answer.Header.Get("X-Code") != "duplicate_parameter" {
			t.Errorf("%.30q: answer %d %q", body, answer.StatusCode, answer.Header.Get("X-Code"))
		}
	}
	s.Close() // when its handlers have returned
	if n := whole.Load(); n > 0 {
		t.Errorf("the backend got all of %d bodies", n)
	}
}

// A form that the platform has not read is none the less one for the backend.
func TestAFormOfAnyMethodIsRewritten(t *testing.T) {
	var text []byte
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { text, _ = io.ReadAll(r.Body) }))
	defer s.Close()
	g := newGateway(t, Config{}, compiled(t, &apijson.Service{Prefix: "b2b", URL: s.URL, APIs: []apijson.API{{ID: "x"}}, GlobalParams: []apijson.GlobalParam{
		{Name: "shop_id", Place: apijson.Request, ValueType: apijson.Constant, Format: "7"}}}, Backend{}))
	for _, method := range []string{"PATCH", "DELETE", "POST"} {
		req, _ := http.NewRequest(method, g.url+"/api/b2b/x", strings.NewReader("client.id=victim&shop.id=8&b=2&a=1"))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded;x")
		answer := g.do(t, req)
		want := "a=1&b=2"
		if method == "POST" {
			want += "&shop_id=7"
		}
		if answer.StatusCode != 200 || string(text) != want {
			t.Errorf("%s: answer %d, the backend got %q", method, answer.StatusCode, text)
		}
	}
}

// What a caller says of another path or method, or of a proxy, reaches no backend.
func TestHeadersThatServersObeyAreTakenOut(t *testing.T) {
	var got http.Header
	g := through(t, Config{}, 0, func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
	req, _ := http.NewRequest("POST", g.url+"/api/b2b/x", nil)
	for _, name := range []string{"X-Original-Url", "X_Rewrite_URL", "X-Http-Method-Override", "X.HTTP.Method", "x_method-override", "Proxy", "X_Proxy_UA", "X-Proxy-Ua", "X_Request_Id"} {
		req.Header[name] = []string{"forged"}
	}
	req.Header.Set("X-Own", "kept")
	g.do(t, req)
	for name, values := range got {
		if values[0] == "forged" {
			t.Errorf("the backend got %s", name)
		}
	}
	if got.Get("X-Own") != "kept" {
		t.Errorf("the backend got %v", got)
	}
}

// Whatever JSON says, another API is not named where this finds none.
func FuzzJSONNamesNoOtherAPI(f *testing.F) {
	for _, text := range []string{`{"m":"a"}`, `{"M":"b"}`, `[{"m":1}]`, `{"x":"&m=b"}`, `{"m":{"m":"a"}}`, `[[{"m":"b"}]]`, `{"\u006d":"b"}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var object struct{ M *string }
		if namesAnother([]byte(text), "m", "a") || json.Unmarshal([]byte(text), &object) != nil {
			return
		}
		if object.M != nil && *object.M != "a" {
			t.Errorf("%q names %q", text, *object.M)
		}
	})
}

// However a body comes in pieces, what a form in it names is found.
func FuzzAParameterIsFoundInAnyBody(f *testing.F) {
	for _, text := range []string{"m=1", "a&+m", "%6d", "a=m&b", " %20+m[x]=1", "m\x00x=1", "a=&m=", "&&m"} {
		f.Add(text, uint8(1))
	}
	f.Fuzz(func(t *testing.T, text string, size uint8) {
		want := false
		for pair := range strings.SplitSeq(text, "&") {
			name, _, _ := strings.Cut(pair, "=")
			want = want || len(name) <= longestName && phpName(decoded(strings.ReplaceAll(name, "+", " "))) == "m"
		}
		p := newPairs(io.NopCloser(strings.NewReader(text)), "m")
		_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, p, make([]byte, int(size)+1))
		if got := err != nil; got != want {
			t.Errorf("%q in pieces of %d: found %t, want %t", text, size+1, got, want)
		}
	})
}
