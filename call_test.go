package prism

import (
	"context"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

func TestCallsArriveSigned(t *testing.T) {
	for _, row := range []struct {
		name        string
		call        Call
		uri         string // up to the query
		path        string
		query, form url.Values // without the system parameters
	}{
		{name: "get", call: Call{Path: "platform/notify/status", Params: Params{"topic": "a b+c"}},
			uri: "/api/platform/notify/status", query: url.Values{"topic": {"a b+c"}}},
		{name: "leading slash", call: Call{Method: "GET", Path: "/x"}, uri: "/api/x"},
		{name: "trailing slash", call: Call{Path: "x/"}, uri: "/api/x/"},
		{name: "base alone", call: Call{Path: "/"}, uri: "/api/"},
		{name: "query alone", call: Call{Path: "?method=trade.get"}, uri: "/api", query: url.Values{"method": {"trade.get"}}},
		{name: "delete", call: Call{Method: "DELETE", Path: "x", Params: Params{"id": 7}}, uri: "/api/x", query: url.Values{"id": {"7"}}},
		{name: "post", call: Call{Method: "POST", Path: "x", Params: Params{"data": "ü&=\n"}}, uri: "/api/x", form: url.Values{"data": {"ü&=\n"}}},
		{name: "put with nothing", call: Call{Method: "PUT", Path: "x"}, uri: "/api/x"},
		{name: "query in the path of a get", call: Call{Path: "x?a=1&a=2", Params: Params{"a": 3, "b": "4"}},
			uri: "/api/x", query: url.Values{"a": {"1", "2", "3"}, "b": {"4"}}},
		{name: "query in the path of a post", call: Call{Method: "POST", Path: "/systrade?method=trade.get&q=%E5%95%86", Params: Params{"tid": "9"}},
			uri: "/api/systrade", query: url.Values{"method": {"trade.get"}, "q": {"商"}}, form: url.Values{"tid": {"9"}}},
		{name: "escapes", call: Call{Path: "shops/a%2Fb%20c"}, uri: "/api/shops/a%2Fb%20c", path: "/api/shops/a/b c"},
		{name: "raw text", call: Call{Path: "shops/商 店/%E5"}, uri: "/api/shops/%E5%95%86%20%E5%BA%97/%E5", path: "/api/shops/商 店/\xe5"},
		{name: "punctuation", call: Call{Path: "a!'()*;,:@$&=+~b"},
			uri: "/api/a%21%27%28%29%2A;,:@$&=+~b", path: "/api/a!'()*;,:@$&=+~b"},
		{name: "backslash and quotes", call: Call{Path: `a\"<>`}, uri: "/api/a%5C%22%3C%3E", path: `/api/a\"<>`},
		{name: "headers and token", call: Call{Path: "x", Token: "tok-en", Header: http.Header{"x-api-trace": {" a b\t"}, "X-Api-B": {"1", "2"}, "X-Other": {"3"}}},
			uri: "/api/x"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newServer(t, ok)
			if _, err := newClient(t, s.URL).Do(background, row.call); err != nil {
				t.Fatal(err)
			}
			got := s.only(t)
			uri, _, _ := strings.Cut(got.URI, "?")
			if row.path == "" {
				row.path = row.uri
			}
			if uri != row.uri || got.Path != row.path {
				t.Errorf("went to %q (%q), want %q (%q)", uri, got.Path, row.uri, row.path)
			}
			if !got.Verified {
				t.Error("the signature is wrong")
			}
			wantValues(t, "query", got.Query, row.query)
			wantValues(t, "form", got.Form, row.form)
		})
	}
}

// wantValues compares parameters but for those of the system.
func wantValues(t *testing.T, where string, got, want url.Values) {
	t.Helper()
	for _, name := range []string{"client_id", "sign", "sign_method", "sign_time"} {
		got.Del(name)
	}
	if got.Encode() != want.Encode() {
		t.Errorf("%s: got %v, want %v", where, got, want)
	}
}

func TestBaseWithoutPath(t *testing.T) {
	s := newServer(t, ok)
	c := newClient(t, s.URL, func(c *Config) { c.Server = s.URL })
	for _, path := range []string{"?a=1", "x", "/"} {
		if _, err := c.Get(background, path, nil); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []string{"/", "/x", "/"} {
		if got := s.requests()[i]; got.Path != want || !got.Verified {
			t.Errorf("%+v, want path %s", got, want)
		}
	}
}

func TestEscapedBaseIsSignedDecoded(t *testing.T) {
	s := newServer(t, ok)
	c := newClient(t, s.URL, func(c *Config) { c.Server = s.URL + "/a%2Fb/" })
	if _, err := c.Get(background, "x", nil); err != nil {
		t.Fatal(err)
	}
	if got := s.only(t); !strings.HasPrefix(got.URI, "/a%2Fb/x?") || !got.Verified {
		t.Errorf("%+v", got)
	}
}

func TestSystemParameters(t *testing.T) {
	s := newServer(t, ok)
	c := newClient(t, s.URL)
	for _, f := range []func(context.Context, string, Params) (*Response, error){c.Get, c.Post, c.Put, c.Delete} {
		if _, err := f(background, "x", nil); err != nil {
			t.Fatal(err)
		}
	}
	for i, method := range []string{"GET", "POST", "PUT", "DELETE"} {
		got := s.requests()[i]
		where, contentType := got.Query, ""
		if method == "POST" || method == "PUT" {
			where, contentType = got.Form, "application/x-www-form-urlencoded"
		}
		if got.Method != method || where.Get("client_id") != testKey || where.Get("sign_method") != "md5" || len(where) != 4 {
			t.Errorf("%s: got %+v", method, got)
		}
		if got.Header.Get("Content-Type") != contentType || got.Header.Get("User-Agent") != "PrismSDK/Go "+Version {
			t.Errorf("%s: headers %v", method, got.Header)
		}
	}
}

func TestSecretModeSendsTheSecretAndNoSignature(t *testing.T) {
	s := newServer(t, ok)
	c := newClient(t, s.URL, func(c *Config) { c.SecretMode = true })
	if _, err := c.Post(background, "x?a=1", Params{"b": 2}); err != nil {
		t.Fatal(err)
	}
	got := s.only(t)
	want := url.Values{"client_id": {testKey}, "client_secret": {testSecret}, "b": {"2"}}
	if got.Form.Encode() != want.Encode() || got.Query.Encode() != "a=1" {
		t.Errorf("got form %v, query %v", got.Form, got.Query)
	}
}

func TestTokenOfTheCallWinsOverTheClients(t *testing.T) {
	s := newServer(t, ok)
	c := newClient(t, s.URL, func(c *Config) { c.Token = "of-config" })
	for _, call := range []func() (*Response, error){
		func() (*Response, error) { return c.Get(background, "x", nil) },
		func() (*Response, error) { return c.WithToken("of-client").Get(background, "x", nil) },
		func() (*Response, error) { return c.Do(background, Call{Path: "x", Token: "of-call"}) },
		func() (*Response, error) { return c.WithToken("").Get(background, "x", nil) },
	} {
		if _, err := call(); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []string{"Bearer of-config", "Bearer of-client", "Bearer of-call", ""} {
		if got := s.requests()[i]; got.Header.Get("Authorization") != want || !got.Verified {
			t.Errorf("request %d: Authorization %q, want %q", i, got.Header.Get("Authorization"), want)
		}
	}
}

func TestBadCallsAreRefusedUnsent(t *testing.T) {
	s := newServer(t, ok)
	c := newClient(t, s.URL)
	header := func(name, value string) Call { return Call{Path: "x", Header: http.Header{name: {value}}} }
	for _, row := range []struct {
		name string
		call Call
		want string
	}{
		{"no path", Call{}, "no path"},
		{"whole URL", Call{Path: "https://example.com/api/x?sign=SECRETSIGN"}, "whole URL"},
		{"other scheme", Call{Path: "ws://example.com/"}, "whole URL"},
		{"URL without a scheme", Call{Path: "//example.com/x"}, "whole URL"},
		{"dots", Call{Path: "platform/../../oauth"}, "segment"},
		{"dot", Call{Path: "a/./b"}, "segment"},
		{"escaped dots", Call{Path: "a/%2e%2E/b"}, "segment"},
		{"dots behind an escaped slash", Call{Path: "a%2F..%2Fb"}, "segment"},
		{"fragment", Call{Path: "x#y"}, "%23"},
		{"line break", Call{Path: "x\r\nHost: evil"}, "control character"},
		{"escaped line break", Call{Path: "x%0d%0a"}, "control character"},
		{"line break in the query", Call{Path: "x?a=\n"}, "control character"},
		{"broken escape", Call{Path: "x%zz"}, "write % as %25"},
		{"broken escape in the query", Call{Path: "x?a=%z"}, "invalid URL escape"},
		{"semicolon in the query", Call{Path: "x?a=1;b=2"}, "semicolon"},
		{"lower case", Call{Method: "get", Path: "x"}, "GET, POST, PUT or DELETE"},
		{"other method", Call{Method: "PATCH", Path: "x"}, "GET, POST, PUT or DELETE"},
		{"bad token", Call{Path: "x", Token: "a\nb"}, "token has a character at byte 1"},
		{"repeatable read", Call{Path: "/platform/notify/read", Repeatable: true}, "do not set Repeatable"},
		{"Host", header("Host", "example.com"), "leave it out"},
		{"Content-Length", header("content-length", "7"), "leave it out"},
		{"Content-Type", header("Content-Type", "text/plain"), "leave it out"},
		{"Transfer-Encoding", header("Transfer-Encoding", "chunked"), "leave it out"},
		{"Connection", header("Connection", "close"), "leave it out"},
		{"Upgrade", header("Upgrade", "websocket"), "leave it out"},
		{"Accept-Encoding", header("Accept-Encoding", "br"), "leave it out"},
		{"Authorization", header("Authorization", "Basic x"), "Call.Token"},
		{"bad name", header("X Api", "1"), "not the name of a header"},
		{"empty name", header("", "1"), "not the name of a header"},
		{"bad value", header("X-Api-A", "1\r\nX-Api-B: 2"), "control character"},
		{"two spellings", Call{Path: "x", Header: http.Header{"x-api-a": {"1"}, "X-Api-A": {"2"}}}, "twice"},
	} {
		t.Run(row.name, func(t *testing.T) {
			res, err := c.Do(background, row.call)
			if err == nil || res != nil {
				t.Fatal("it was sent")
			}
			wantMatch(t, err.Error(), row.want)
			if strings.Contains(err.Error(), "SECRETSIGN") {
				t.Errorf("the error shows the query: %v", err)
			}
		})
	}
	if n := len(s.requests()); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestNilContextIsRefused(t *testing.T) {
	c := newClient(t, "http://127.0.0.1:1")
	var none context.Context
	if _, err := c.Get(none, "x", nil); err == nil {
		t.Error("Get: no error")
	}
	if _, err := c.Upgrade(none, "x", nil); err == nil {
		t.Error("Upgrade: no error")
	}
}

func TestManyCallsAtOnceShareOneClient(t *testing.T) {
	s := newServer(t, ok)
	c := newClient(t, s.URL)
	errs := make(chan error)
	for i := range 20 {
		go func() {
			_, err := c.WithToken("tok").Post(background, "x?a=1", Params{"i": i})
			errs <- err
		}()
	}
	var all error
	for range 20 {
		all = errors.Join(all, <-errs)
	}
	if all != nil {
		t.Error(all)
	}
	for _, r := range s.requests() {
		if !r.Verified {
			t.Error("a signature is wrong")
		}
	}
}

func TestCookiesOfTheJarAreSentOnce(t *testing.T) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "node", Value: "7"})
		w.WriteHeader(429)
	})
	c := newClient(t, s.URL, func(c *Config) {
		c.HTTPClient, c.Retry.Max = &http.Client{Jar: jar, Transport: newTransport()}, 1
	})
	c.Get(background, "x", nil)
	for i, want := range []string{"", "node=7", "node=7"} {
		if got := s.requests()[i].Header.Get("Cookie"); got != want {
			t.Errorf("try %d: Cookie %q, want %q", i+1, got, want)
		}
	}
}

func TestTransportWithoutAnswerIsAnError(t *testing.T) {
	for name, resp := range map[string]*http.Response{"nothing": nil, "no body": {StatusCode: 200}} {
		c := newClient(t, "http://prism.test", over(func(*http.Request) (*http.Response, error) { return resp, nil }))
		if res, err := c.Get(background, "x", nil); err == nil || res != nil {
			t.Errorf("%s: got %v, %v", name, res, err)
		}
	}
}
