package provider_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/provider"
	"github.com/shopex/prism-go/provider/providertest"
	"github.com/shopex/prism-go/sign"
)

const secret = "k7m2q9x4w6z1p8r3t5v0"

func newProvider(t *testing.T, cfg provider.Config) (p *provider.Provider, log *bytes.Buffer) {
	t.Helper()
	log = new(bytes.Buffer)
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	if cfg.Secrets == nil && !cfg.Unsigned {
		cfg.Secrets = []string{secret}
	}
	p, err := provider.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p, log
}

// answer returns the status and the body of an answer.
func answer(h http.Handler, r *http.Request) (int, string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// echo answers with what a handler sees of its request.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c := provider.CallFrom(r.Context())
	fmt.Fprintf(w, "%s key=%s app=%s user=%s signed=%v oauth=%q %s", body, c.Key, c.App, c.User.ID, c.Signed,
		r.Header.Get("X-Api-Oauth")+r.Header.Get("X_Api_Oauth"), c.Params.Encode())
})

var alice = url.Values{"@id": {"7"}, "login": {"alice"}}

func TestACallOfThePlatformIsServed(t *testing.T) {
	for _, scheme := range []provider.Scheme{provider.Prism, provider.ECOS, provider.ShopEx} {
		t.Run(string(scheme), func(t *testing.T) {
			p, log := newProvider(t, provider.Config{Scheme: scheme, Secrets: []string{"next", secret}})
			for _, secret := range []string{secret, "next"} {
				r := providertest.Request(providertest.Call{
					Scheme: scheme, Secret: secret, Target: "/a%20b/%E8%AE%A2?q=1&client_id=x", User: alice,
					Form: url.Values{"name": {"商派", "two"}, "10": {"ten"}, "9": {"nine"}},
				})
				status, body := answer(p.Middleware(echo), r)
				if status != 200 || !strings.HasPrefix(body, "10=ten&9=nine&") || !strings.Contains(body, "key=testkey app=testapp user=7 signed=true") {
					t.Errorf("%d %s\n%s", status, body, log)
				}
			}
		})
	}
}

func TestFieldsOfMultipartBodiesAreSignedWithECOS(t *testing.T) {
	const form = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n" +
		"--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\nfile\r\n" +
		"--B\r\nContent-Disposition: form-data; name=\"sign\"\r\n\r\nSIGN\r\n--B--\r\n"
	p, log := newProvider(t, provider.Config{Scheme: provider.ECOS})
	body := strings.Replace(form, "SIGN", sign.ECOS(secret, url.Values{"a": {"1"}, "q": {"2"}}), 1)
	r := httptest.NewRequest("POST", "/?q=2", strings.NewReader(body))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=B")
	if status, got := answer(p.Middleware(echo), r); status != 200 || !strings.HasPrefix(got, body) {
		t.Errorf("%d %s\n%s", status, got, log)
	}
}

// Each of these is refused with a reason of its own in the log, of which the caller learns
// nothing, unless it is to be explained.
func TestACallThatThePlatformHasNotSignedIsRefusedWithItsReason(t *testing.T) {
	get := providertest.Call{Secret: secret, Target: "/orders?a=1&a=2&b%20c=3&10=x&9=y", User: alice}
	with := func(change func(*providertest.Call)) providertest.Call {
		c := get
		change(&c)
		return c
	}
	resign := func(r *http.Request, s sign.Request, secret string) {
		query := r.URL.Query()
		query.Del("sign")
		s.Method = r.Method
		s.Header = r.Header
		if s.Path == "" {
			s.Path = r.URL.Path
		}
		if s.Query == nil {
			s.Query = query
		}
		query.Set("sign", sign.Sign(secret, s))
		r.URL.RawQuery = query.Encode()
	}
	tests := []struct {
		name   string
		scheme provider.Scheme
		call   providertest.Call
		forge  func(*http.Request)
		reason string
	}{
		{name: "no signature", call: with(func(c *providertest.Call) { c.Secret = "" }), reason: "missing"},
		{name: "another secret", call: with(func(c *providertest.Call) { c.Secret = "x" }), reason: "another one"},
		{name: "forged user", call: get, forge: func(r *http.Request) { r.Header.Set("X-Api-Oauth", "%40id=1") }, reason: "another one"},
		{name: "added user", call: with(func(c *providertest.Call) { c.User = nil }), forge: func(r *http.Request) { r.Header.Set("X-Api-Oauth", "%40id=1") }, reason: "does not sign the header X-Api-Oauth"},
		{name: "user twice", call: get, forge: func(r *http.Request) { r.Header.Add("X-Api-Oauth", "%40id=1") }, reason: "more than once"},
		{name: "header of a proxy", call: get, forge: func(r *http.Request) { r.Header.Set("X-Api-Extra", "1") }, reason: "does not sign the header X-Api-Extra"},
		{name: "old", call: with(func(c *providertest.Call) { c.Time = time.Now().Add(-11 * time.Minute) }), reason: "sign_time is 11m"},
		{name: "future", call: with(func(c *providertest.Call) { c.Time = time.Now().Add(11 * time.Minute) }), reason: "sign_time is 1"},
		{name: "two signatures", call: get, forge: func(r *http.Request) { r.URL.RawQuery += "&sign=1" }, reason: "2 parameters sign"},
		{name: "lower case", call: get, forge: func(r *http.Request) {
			q := r.URL.Query()
			q.Set("sign", strings.ToLower(q.Get("sign")))
			r.URL.RawQuery = q.Encode()
		}, reason: "lower case"},
		{name: "empty secret", call: get, forge: func(r *http.Request) { resign(r, sign.Request{}, "") }, reason: "in the source of PHP's validators"},
		{name: "method ID as path", call: with(func(c *providertest.Call) { c.Target = "/api?method=item.get" }),
			forge: func(r *http.Request) { resign(r, sign.Request{Path: "item.get"}, secret) }, reason: "the method ID"},
		{name: "escaped path", call: with(func(c *providertest.Call) { c.Target = "/a%20b" }),
			forge: func(r *http.Request) { resign(r, sign.Request{Path: "/a%20b"}, secret) }, reason: "has its escapes"},
		{name: "escaped names", call: with(func(c *providertest.Call) { c.Target = "/?b+c=3" }),
			forge: func(r *http.Request) {
				q := url.Values{"b+c": {"3"}, "sign_time": r.URL.Query()["sign_time"]}
				resign(r, sign.Request{Query: q}, secret)
			}, reason: "names that it signs have their escapes"},
		{name: "last value", call: with(func(c *providertest.Call) { c.Target = "/?a=1&a=2" }),
			forge: func(r *http.Request) {
				q := r.URL.Query()
				q["a"] = []string{"2"}
				q.Del("sign")
				signature := sign.Sign(secret, sign.Request{Method: "GET", Path: "/", Header: r.Header, Query: q})
				q["a"] = []string{"1", "2"}
				q.Set("sign", signature)
				r.URL.RawQuery = q.Encode()
			}, reason: "signs the last value"},
		{name: "numbers as numbers", call: with(func(c *providertest.Call) { c.Target = "/?10=a&9=b" }),
			forge: func(r *http.Request) {
				q := r.URL.Query()
				q.Del("sign")
				text := sign.StringToSign(secret, sign.Request{Method: "GET", Path: "/", Header: r.Header, Query: q})
				text = strings.Replace(strings.Replace(text, "10%3Da%26", "", 1), "9%3Db", "9%3Db%2610%3Da", 1)
				q.Set("sign", md5Hex(text))
				r.URL.RawQuery = q.Encode()
			}, reason: "sorts names that are numbers as numbers"},
		{name: "another scheme", call: with(func(c *providertest.Call) { c.Scheme = provider.ECOS }), reason: "scheme ecos"},
		{name: "form not signed", scheme: provider.ECOS, call: providertest.Call{Scheme: provider.ECOS, Secret: secret, Target: "/?a=1"},
			forge: func(r *http.Request) {
				r.Method = "POST"
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				r.Body = io.NopCloser(strings.NewReader("b=2"))
			}, reason: "does not sign the form"},
		{name: "example token", scheme: provider.ECOS, call: providertest.Call{Scheme: provider.ECOS, Secret: "123456", Target: "/?a=1"}, reason: "123456"},
		{name: "byte order", scheme: provider.ShopEx, call: providertest.Call{Scheme: provider.ShopEx, Secret: secret, Target: "/?10=a&9=b"},
			forge: func(r *http.Request) {
				r.URL.RawQuery = "10=a&9=b&ac=" + sign.ShopEx(secret, url.Values{"x": {"a"}, "y": {"b"}})
			}, reason: "sorts names that are numbers by bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := providertest.Request(tt.call)
			if tt.forge != nil {
				tt.forge(r)
			}
			r.RequestURI = r.URL.RequestURI()
			called := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler is called") })
			p, log := newProvider(t, provider.Config{Scheme: tt.scheme})
			status, body := answer(p.Middleware(called), r.Clone(context.Background()))
			if status != 403 || !strings.Contains(body, `"code":-32600`) || strings.Contains(body, tt.reason) {
				t.Errorf("the answer is %d %s", status, body)
			}
			if !strings.Contains(log.String(), tt.reason) || !strings.Contains(log.String(), "request_id=testrequest") {
				t.Errorf("the log has no %q: %s", tt.reason, log)
			}
			for _, private := range []string{secret, r.URL.Query().Get("sign"), "alice"} {
				if private != "" && strings.Contains(log.String(), private) {
					t.Errorf("the log has %q: %s", private, log)
				}
			}
		})
	}
}

func TestExplainTellsTheCallerWhyItIsRefused(t *testing.T) {
	p, _ := newProvider(t, provider.Config{Explain: true})
	r := providertest.Request(providertest.Call{Scheme: provider.ShopEx, Secret: secret, SignParam: "sign"})
	if status, body := answer(p.Middleware(echo), r); status != 403 || !strings.Contains(body, "scheme shopex") {
		t.Errorf("%d %s", status, body)
	}
}

func TestOnlyASignatureGivesClaims(t *testing.T) {
	unsigned := func() *http.Request {
		r := providertest.Request(providertest.Call{User: alice})
		r.Header["X_Api_Oauth"] = []string{"%40id=1"}
		return r
	}
	p, _ := newProvider(t, provider.Config{Secrets: []string{secret}, Unsigned: true})
	if status, body := answer(p.Middleware(echo), unsigned()); status != 200 || body != ` key= app= user= signed=false oauth="" ` {
		t.Errorf("an unsigned call beside signed ones: %d %s", status, body)
	}
	if status, _ := answer(p.Middleware(echo), providertest.Request(providertest.Call{Secret: "x"})); status != 403 {
		t.Errorf("a wrong signature has status %d", status)
	}
	p, _ = newProvider(t, provider.Config{Unsigned: true})
	if status, body := answer(p.Middleware(echo), unsigned()); status != 200 || !strings.Contains(body, "user=7 signed=false") {
		t.Errorf("where nothing is signed: %d %s", status, body)
	}
}

func TestTheTimeOfACallMayBeRequired(t *testing.T) {
	p, log := newProvider(t, provider.Config{Scheme: provider.ECOS, RequireTime: true})
	status, _ := answer(p.Middleware(echo), providertest.Request(providertest.Call{Scheme: provider.ECOS, Secret: secret}))
	if status != 403 || !strings.Contains(log.String(), "no sign_time") {
		t.Errorf("%d %s", status, log)
	}
	p, _ = newProvider(t, provider.Config{Window: -1})
	r := providertest.Request(providertest.Call{Secret: secret, Time: time.Unix(1, 0)})
	if status, body := answer(p.Middleware(echo), r); status != 200 {
		t.Errorf("with any age: %d %s", status, body)
	}
}

func TestThePathIsTheOneThatThePlatformSent(t *testing.T) {
	p, log := newProvider(t, provider.Config{StrippedPath: "/shop"})
	r := providertest.Request(providertest.Call{Secret: secret, Target: "/shop/api/x?a=1"})
	r.URL.Path = "/api/x" // as a proxy sends it
	r.RequestURI = r.URL.RequestURI()
	h := http.StripPrefix("/api", p.Middleware(echo))
	if status, body := answer(h, r); status != 200 {
		t.Errorf("%d %s\n%s", status, body, log)
	}
}

func TestABodyHasABound(t *testing.T) {
	p, _ := newProvider(t, provider.Config{MaxBody: 100})
	p.Handle("POST x", provider.Func(func(_ context.Context, in struct{ A string }) (string, error) { return in.A, nil }))
	long := strings.Repeat("a", 200)
	for name, c := range map[string]providertest.Call{
		"form": {Form: url.Values{"A": {long}}},
		"JSON": {Body: `{"A":"` + long + `"}`},
	} {
		c.Secret, c.Target = secret, "/x"
		r := providertest.Request(c)
		if status, body := answer(p, r); status != 413 || !strings.Contains(body, "100 bytes") {
			t.Errorf("%s: %d %s", name, status, body)
		}
		r = providertest.Request(c)
		r.ContentLength = -1
		if status, body := answer(p, r); status != 413 || !strings.Contains(body, "100 bytes") {
			t.Errorf("%s without a length: %d %s", name, status, body)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for want, cfg := range map[string]provider.Config{
		"no Secrets":            {},
		"is empty":              {Secrets: []string{"a", ""}},
		"3 Secrets":             {Secrets: []string{"a", "b", "c"}},
		"unknown Scheme":        {Scheme: "md5", Secrets: []string{"a"}},
		"unknown Envelope":      {Envelope: 9, Secrets: []string{"a"}},
		"MaxBody is -1":         {MaxBody: -1, Secrets: []string{"a"}},
		"BasePath \"/{a}\" has": {BasePath: "{a}", Secrets: []string{"a"}},
	} {
		if _, err := provider.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// Whatever comes, a call without a right signature has no caller, and the handler gets the
// body as it was sent.
func FuzzNobodyIsBelievedWithoutASignature(f *testing.F) {
	f.Add("prism", "POST", "/a?b=1&sign=", "a=1", "application/x-www-form-urlencoded", "%40id=1")
	f.Add("ecos", "POST", "/", "--B\r\nContent-Disposition: form-data; name=\"sign\"\r\n\r\n1\r\n--B--", "multipart/form-data; boundary=B", "")
	f.Add("shopex", "GET", "/?ac=1&ac=2", "{}", "application/json", "@id")
	f.Fuzz(func(t *testing.T, scheme, method, target, body, kind, user string) {
		p, err := provider.New(provider.Config{Scheme: provider.Scheme(scheme), Secrets: []string{secret}, Logger: slog.New(slog.DiscardHandler)})
		u, err2 := url.ParseRequestURI(target)
		if err != nil || err2 != nil {
			return
		}
		r := &http.Request{Method: method, URL: u, RequestURI: target, Header: http.Header{"Content-Type": {kind}, "X-Api-Oauth": {user}},
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1}
		status, _ := answer(p.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a call is believed") })), r)
		if status < 400 {
			t.Errorf("status %d", status)
		}
	})
}
