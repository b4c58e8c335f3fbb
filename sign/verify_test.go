package sign

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestVerify(t *testing.T) {
	r := typical()
	good := Sign(secret, r)
	tests := []struct {
		name, secret, signature string
		want                    bool
	}{
		{"as signed", secret, good, true},
		{"lower case", secret, strings.ToLower(good), false},
		{"other secret", secret + "x", good, false},
		{"no secret", "", good, false},
		{"no signature", secret, "", false},
		{"cut", secret, good[:31], false},
		{"longer", secret, good + "0", false},
		{"twice", secret, good + good, false},
		{"very long", secret, strings.Repeat(good, 1<<15), false},
		{"one digit wrong at the start", secret, other(good[0]) + good[1:], false},
		{"one digit wrong at the end", secret, good[:31] + other(good[31]), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Verify(tt.secret, r, tt.signature); got != tt.want {
				t.Errorf("Verify = %v, want %v", got, tt.want)
			}
		})
	}
}

// other returns another hex digit.
func other(digit byte) string {
	if digit == '0' {
		return "1"
	}
	return "0"
}

// PHP, Java and JavaScript sign the path as it is on the wire, Go and Python
// sign it decoded.
func TestVerifyTriesBothFormsOfThePath(t *testing.T) {
	u, err := url.Parse("http://host/api/%E8%AE%A2%E5%8D%95/a%2Fb?client_id=buwb2lii")
	if err != nil {
		t.Fatal(err)
	}
	received := Request{Method: "GET", Path: u.Path, RawPath: u.EscapedPath(), Query: u.Query()}
	for _, path := range []string{"/api/订单/a/b", "/api/%E8%AE%A2%E5%8D%95/a%2Fb"} {
		if !Verify(secret, received, Sign(secret, Request{Method: "GET", Path: path, Query: u.Query()})) {
			t.Errorf("the signature for path %s is refused", path)
		}
	}
	if Verify(secret, received, Sign(secret, Request{Method: "GET", Path: "/api/a", Query: u.Query()})) {
		t.Error("the signature for another path is accepted")
	}
}

// Whatever the parts, a request in which one byte of them was changed does not
// carry the old signature any more.
func FuzzChangedByteNeverVerifies(f *testing.F) {
	f.Add("s3cret", "GET", "/api/x", "Bearer t", "a", "1", "b", "2", uint8(0), uint8(0), uint8(1))
	f.Add("s3cret", "POST", "/api/订单", "a b&c", "k&", "=", "sigo", "%26", uint8(6), uint8(3), uint8(1))
	f.Add("&", "&", "&", "&", "&", "&", "&", "&", uint8(7), uint8(0), uint8(0x20))
	f.Fuzz(func(t *testing.T, secret, method, path, header, name, value, field, content string, which, at, change uint8) {
		parts := [...]string{secret, method, path, header, name, value, field, content}
		i := int(which) % len(parts)
		if parts[i] == "" || change == 0 {
			return
		}
		if i == 5 && name == "sign" || i == 7 && field == "sign" {
			return // the only values that are not signed
		}
		signature := Sign(secret, requestOf(parts))
		changed := []byte(parts[i])
		changed[int(at)%len(changed)] ^= change
		parts[i] = string(changed)
		if Verify(parts[0], requestOf(parts), signature) {
			t.Errorf("verifies with part %d changed to %q", i, changed)
		}
	})
}

func requestOf(parts [8]string) Request {
	return Request{
		Method: parts[1],
		Path:   parts[2],
		Header: http.Header{"X-Api-Data": {parts[3]}},
		Query:  url.Values{parts[4]: {parts[5]}, "client_id": {"buwb2lii"}},
		Form:   url.Values{parts[6]: {parts[7]}, "client_id": {"buwb2lii"}},
	}
}

// A map filled in another order, or grown and shrunk on the way, is signed the
// same.
func FuzzMapOrderDoesNotMatter(f *testing.F) {
	f.Add("a,b,c", "x-api-b,X-Api-B,authorization")
	f.Add("sign,,中,~,1,10,9", "")
	f.Fuzz(func(t *testing.T, names, headers string) {
		params, keys := strings.Split(names, ","), strings.Split(headers, ",")
		forward, backward := Request{Header: http.Header{}, Query: url.Values{}}, Request{Header: http.Header{}, Query: url.Values{}}
		for i := range 50 {
			backward.Query.Set(strings.Repeat("x", i+1), "")
		}
		clear(backward.Query)
		for i := range params {
			forward.Query[params[i]] = []string{params[i]}
			last := params[len(params)-1-i]
			backward.Query[last] = []string{last}
		}
		for i := range keys {
			forward.Header[keys[i]] = []string{keys[i]}
			last := keys[len(keys)-1-i]
			backward.Header[last] = []string{last}
		}
		if a, b := StringToSign("s", forward), StringToSign("s", backward); a != b {
			t.Errorf("the order matters:\n%s\n%s", a, b)
		}
	})
}
