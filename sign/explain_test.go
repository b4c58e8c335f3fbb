package sign

import (
	"crypto/md5"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// signedAs returns the signature that an SDK makes of the parts between the
// secrets.
func signedAs(parts string) string {
	return fmt.Sprintf("%X", md5.Sum([]byte(secret+"&"+parts+"&"+secret)))
}

func TestExplain(t *testing.T) {
	get := func(path, query string) Request {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		return Request{Method: "GET", Path: path, Query: values}
	}
	wire := get("/api/a b", "q=2*3 4")
	wire.RawPath = "/api/a%20b"
	php := Request{Method: "POST", Path: "/x", Form: url.Values{"sign": {"mine"}, "data": {"hello"}}}
	php.Query = url.Values{"client_id": {"k"}, "sign": {signedAs("POST&%2Fx&&client_id%3Dk&data%3Dhello%26sign%3Dmine")}}
	java := get("/x", "a=1&t=2")
	java.Query.Set("sign", signedAs("GET&%2Fx&&a%3D1%26%26t%3D2&"))
	python := Request{Method: "POST", Path: "/x", Query: url.Values{"node": {"1"}}, Form: url.Values{"a": {"1"}}}
	headers := get("/x", "")
	headers.Header = http.Header{"X-Api-A": {"1"}, "X-Api-B": {"2"}, "X-Api-C": {"3"}, "Accept": {"*/*"}}
	jsHeaders := get("/x", "v=a!b")
	jsHeaders.Header = http.Header{"X-Api-A": {"1"}, "Accept": {"*/*"}, "User-Agent": {"node"}}
	tests := []struct {
		name      string
		request   Request
		signature string
		want      string
	}{
		{"a star", get("/x", "a=*"), signedAs("GET&%2Fx&&a%3D*&"), "java, js"},
		{"a space", get("/x", "a=1 2"), signedAs("GET&%2Fx&&a%3D1+2&"), "java"},
		{"a tilde", get("/x", "a=~"), signedAs("GET&%2Fx&&a%3D%7E&"), "csharp, java"},
		{"a dialect and the path on the wire", wire, signedAs("GET&%2Fapi%2Fa%2520b&&q%3D2*3%204&"), "js"},
		{"the path on the wire alone is accepted", wire, signedAs("GET&%2Fapi%2Fa%2520b&&q%3D2%2A3%204&"), ""},
		{"a form parameter named sign beside the signature", php, php.Query.Get("sign"), "js, php"},
		{"a parameter named sign that the signature replaced", java, java.Query.Get("sign"), "java"},
		{"a query in the path that was not signed", python, signedAs("POST&%2Fx&&&a%3D1"), "python"},
		{"headers in another order", headers, signedAs("GET&%2Fx&X-Api-C%3D3%26X-Api-A%3D1%26X-Api-B%3D2&&"), "python"},
		{"headers that its client does not sign", jsHeaders, signedAs("GET&%2Fx&&v%3Da!b&"), "js"},
		{"symbols in names", get("/x", "a_b=1&aB=2&a.b=3"), signedAs("GET&%2Fx&&a_b%3D1%26a.b%3D3%26aB%3D2&"), "csharp"},
		{"numbers in names", get("/x", "i[10]=1&10=2&9.5=3"), signedAs("GET&%2Fx&&9.5%3D3%2610%3D2%26i%5B10%5D%3D1&"), "php"},
		{"a right signature", get("/x", "a=*"), signedAs("GET&%2Fx&&a%3D%2A&"), ""},
		{"a wrong signature", get("/x", "a=*"), strings.Repeat("0", 32), ""},
		{"no signature", get("/x", "a=*"), "", ""},
		{"lower case", get("/x", "a=*"), strings.ToLower(signedAs("GET&%2Fx&&a%3D*&")), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := Explain(secret, tt.request, tt.signature)
			if got != tt.want || ok != (tt.want != "") {
				t.Errorf("Explain = %q, %v, want %q", got, ok, tt.want)
			}
		})
	}
}

// A stranger decides how large a request is, so orders are not tried without
// end: this test would not.
func TestExplainIsBounded(t *testing.T) {
	for _, names := range []int{4, 5, 400, 100_000} {
		r := Request{Method: "GET", Path: "/x", RawPath: "/%78", Header: http.Header{}, Query: url.Values{}, Form: url.Values{}}
		for i := range names {
			name := fmt.Sprintf("%c%d", "aA"[i%2], i/2)
			r.Header.Set("X-Api-"+name, "v")
			r.Query.Set(name, "v")
			r.Form.Set(name, "v")
		}
		if got, ok := Explain(secret, r, strings.Repeat("0", 32)); ok {
			t.Errorf("Explain = %q", got)
		}
	}
}

func FuzzExplainNeverNamesWhatVerifies(f *testing.F) {
	f.Add("/a b", "/a%20b", "a", "*", "A", "~")
	f.Add("", "", "sign", "中", "10", "😀")
	f.Fuzz(func(t *testing.T, path, raw, name, value, field, content string) {
		r := Request{Method: "POST", Path: path, RawPath: raw, Query: url.Values{name: {value}}, Form: url.Values{field: {content}, name: {value}}}
		if got, ok := Explain(secret, r, Sign(secret, r)); ok {
			t.Errorf("a right signature is explained by %s", got)
		}
		for _, d := range dialects() {
			text := strings.Join([]string{secret, r.Method, d.paths(&r)[0], "", d.queryTexts(&r, "")[0], d.formTexts(&r, "")[0], secret}, "&")
			signature := fmt.Sprintf("%X", md5.Sum([]byte(text)))
			got, ok := Explain(secret, r, signature)
			if verifies := Verify(secret, r, signature); verifies == ok || ok && !strings.Contains(got, d.name) {
				t.Errorf("the signature of %s verifies: %v, explained by %q", d.name, verifies, got)
			}
		}
	})
}
