package sign

import (
	"crypto/md5"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const secret = "ucr72ygfutspqeuu6s36"

// typical is a call with eight parameters and the headers of a real request.
func typical() Request {
	return Request{
		Method: "POST",
		Path:   "/api/platform/notify/write",
		Header: http.Header{
			"User-Agent":     {"Prism/Go"},
			"Content-Type":   {"application/x-www-form-urlencoded"},
			"Content-Length": {"212"},
			"Authorization":  {"Bearer 72jte6shi2q7da22bo2al2jn"},
		},
		Form: url.Values{
			"client_id":    {"buwb2lii"},
			"sign_method":  {"md5"},
			"sign_time":    {"1400567172"},
			"topic":        {"messages"},
			"routing_key":  {"order.new"},
			"content_type": {"text/plain; charset=utf-8"},
			"data":         {`{"order":[{"bn":"test","name":"测试商品","price":"8498.00"}]}`},
			"trace":        {"7f3e"},
		},
	}
}

func TestSignRule(t *testing.T) {
	const frame = secret + "&GET&%2Fa&"
	tests := []struct {
		name string
		edit func(*Request)
		want string // between the path and the second secret
	}{
		{"absent parts are empty", func(*Request) {}, "&&"},
		{"header names have no case", func(r *Request) { r.Header = http.Header{"x-api-foo": {"1"}, "AUTHORIZATION": {"t"}} },
			"Authorization%3Dt%26X-Api-Foo%3D1&&"},
		{"other headers do not count", func(r *Request) {
			r.Header = http.Header{"X-Apis": {"1"}, "My-X-Api-Foo": {"2"}, "X-Api": {"3"}, "Proxy-Authorization": {"4"}}
		},
			"&&"},
		{"headers are sorted by canonical name", func(r *Request) { r.Header = http.Header{"x-api-b": {"2"}, "X-Api-C": {"3"}, "x-API-a": {"1"}} },
			"X-Api-A%3D1%26X-Api-B%3D2%26X-Api-C%3D3&&"},
		{"two spellings of a header have a fixed order", func(r *Request) { r.Header = http.Header{"x-api-a": {"3"}, "X-Api-A": {"1", "2"}} },
			"X-Api-A%3D1%26X-Api-A%3D2%26X-Api-A%3D3&&"},
		{"several values keep their order", func(r *Request) { r.Query = url.Values{"a": {"2", "1", "2"}, "b": {"0"}} },
			"&a%3D2%26a%3D1%26a%3D2%26b%3D0&"},
		{"a name without values is absent", func(r *Request) { r.Query = url.Values{"a": {}, "b": nil, "c": {""}} },
			"&c%3D&"},
		{"sign is left out of query and form", func(r *Request) {
			r.Query = url.Values{"sign": {"q"}, "a": {"1"}}
			r.Form = url.Values{"sign": {"f"}, "b": {"2"}}
		},
			"&a%3D1&b%3D2"},
		{"names are sorted by bytes", func(r *Request) {
			r.Form = url.Values{"a": {"1"}, "B": {"2"}, "a-b": {"3"}, "中": {"4"}, "10": {"5"}, "9": {"6"}}
		},
			"&&10%3D5%269%3D6%26B%3D2%26a%3D1%26a-b%3D3%26%E4%B8%AD%3D4"},
		{"space is %20 and hex is in capitals", func(r *Request) { r.Query = url.Values{"a b": {"+~*/\xff"}} },
			"&a%20b%3D%2B~%2A%2F%FF&"},
		{"the path on the wire is not signed", func(r *Request) { r.RawPath = "/%61" }, "&&"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Request{Method: "GET", Path: "/a"}
			tt.edit(&r)
			if got, want := StringToSign(secret, r), frame+tt.want+"&"+secret; got != want {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
		})
	}
}

func TestMapOrderDoesNotMatter(t *testing.T) {
	r := typical()
	r.Header["x-api-a"], r.Header["X-Api-A"] = []string{"1"}, []string{"2"}
	want := Sign(secret, r)
	for range 200 { // Go iterates over a map in another order each time
		if got := Sign(secret, r); got != want {
			t.Fatalf("signature %s, then %s", want, got)
		}
	}
}

// What fits on the stack and what does not is signed alike.
func TestAnySize(t *testing.T) {
	for _, params := range []int{1, 15, 16, 17, 300} {
		for _, length := range []int{0, 1, 50, 200, 210, 220, 230, 240, 250, 260, 300, 1 << 16} {
			r := typical()
			r.Query = url.Values{"data": {strings.Repeat("中", length)}}
			for i := range params {
				r.Query.Add(fmt.Sprintf("p%d", i%250), "v")
			}
			want := plainly(secret, r)
			if got := StringToSign(secret, r); got != want {
				t.Errorf("%d parameters, %d characters:\n got %s\nwant %s", params, length, got, want)
			}
			if got, want := Sign(secret, r), fmt.Sprintf("%X", md5.Sum([]byte(want))); got != want {
				t.Errorf("%d parameters, %d characters: signature %s, want %s", params, length, got, want)
			}
		}
	}
}

// plainly is the rule in the plainest words, for canonical headers.
func plainly(secret string, r Request) string {
	headers := url.Values{}
	for name, values := range r.Header {
		if name == "Authorization" || strings.HasPrefix(name, "X-Api-") {
			headers[name] = values
		}
	}
	parts := []string{secret, r.Method, plainEscape(r.Path)}
	for _, params := range []url.Values{headers, r.Query, r.Form} {
		var pairs []string
		for _, name := range slices.Sorted(maps.Keys(params)) {
			for _, value := range params[name] {
				pairs = append(pairs, name+"="+value)
			}
		}
		parts = append(parts, plainEscape(strings.Join(pairs, "&")))
	}
	return strings.Join(append(parts, secret), "&")
}

func plainEscape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func TestSignAllocatesOnlyItsResult(t *testing.T) {
	r := typical()
	if n := testing.AllocsPerRun(100, func() { Sign(secret, r) }); n > 1 {
		t.Errorf("%v allocations, want 1", n)
	}
	signature := Sign(secret, r)
	if n := testing.AllocsPerRun(100, func() { Verify(secret, r, signature) }); n > 0 {
		t.Errorf("Verify: %v allocations, want 0", n)
	}
}

var sink string // so that the result is really made

// BenchmarkSign is to take at most twice as long as BenchmarkMD5Floor on a
// quiet machine.
func BenchmarkSign(b *testing.B) {
	r := typical()
	b.SetBytes(int64(len(StringToSign(secret, r))))
	b.ReportAllocs()
	for b.Loop() {
		sink = Sign(secret, r)
	}
}

// BenchmarkMD5Floor hashes the bytes that BenchmarkSign has to hash.
func BenchmarkMD5Floor(b *testing.B) {
	text := []byte(StringToSign(secret, typical()))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		md5.Sum(text)
	}
}

func BenchmarkSignLarge(b *testing.B) {
	r := typical()
	r.Form.Set("data", strings.Repeat("中文 a message, ", 4096))
	b.SetBytes(int64(len(StringToSign(secret, r))))
	b.ReportAllocs()
	for b.Loop() {
		Sign(secret, r)
	}
}

func BenchmarkVerify(b *testing.B) {
	r := typical()
	signature := Sign(secret, r)
	b.ReportAllocs()
	for b.Loop() {
		Verify(secret, r, signature)
	}
}

func BenchmarkExplain(b *testing.B) {
	r := typical()
	signature := strings.Repeat("0", 32)
	b.ReportAllocs()
	for b.Loop() {
		Explain(secret, r, signature)
	}
}

func TestAppendAddsTheSignature(t *testing.T) {
	r := Request{Method: "GET", Path: "/api/a", Query: url.Values{"b": {"c"}}}
	if got := string(Append([]byte("sign="), "secret", r)); got != "sign="+Sign("secret", r) || len(got) != 5+Size {
		t.Errorf("appended %q", got)
	}
}
