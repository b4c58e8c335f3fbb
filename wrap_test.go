package prism

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"
)

// watching wraps a RoundTripper in one that keeps all of each request as text.
func watching(seen *[]string, change func(*http.Request)) func(*Config) {
	return func(c *Config) {
		c.WrapTransport = func(inner http.RoundTripper) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				req = req.Clone(req.Context())
				text, err := httputil.DumpRequestOut(req, true)
				if err != nil {
					return nil, err
				}
				*seen = append(*seen, string(text))
				if change != nil {
					change(req)
				}
				return inner.RoundTrip(req)
			})
		}
	}
}

func TestWhatWrapsTheTransportSeesNoSignature(t *testing.T) {
	srv := newServer(t, ok)
	var seen []string
	trace := func(req *http.Request) { req.Header.Set("Traceparent", "00-1-2-01") }
	signed := newClient(t, srv.URL, watching(&seen, trace))
	plain := newClient(t, srv.URL, watching(&seen, trace), func(c *Config) { c.SecretMode = true })
	for _, c := range []*Client{signed, plain} {
		for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
			call := Call{Method: method, Path: "shop?method=trade.get", Params: Params{"id": 7, "code": "of a product", "refresh_token": "a-refresh-token"}}
			if _, err := c.Do(background, call); err != nil {
				t.Fatalf("%s: %v", method, err)
			}
		}
	}
	for i, r := range srv.requests() {
		if i < 4 && !r.Verified {
			t.Errorf("%s came without a good signature: %s", r.Method, r.URI)
		}
		if all := r.URI + r.Body; !strings.Contains(all, "a-refresh-token") || r.Header.Get("Traceparent") == "" {
			t.Errorf("%s lost something on its way: %s, %v", r.Method, all, r.Header)
		}
	}
	all := strings.Join(seen, "\n")
	for _, secret := range []string{testSecret, "sign", "client_secret", "a-refresh-token"} {
		if strings.Contains(all, secret) {
			t.Errorf("it saw %q:\n%s", secret, all)
		}
	}
	for _, want := range []string{"GET /api/shop?code=of+a+product&id=7&method=trade.get&refresh_token=%2A%2A%2A", "code=of+a+product&id=7&refresh_token=%2A%2A%2A"} {
		wantMatch(t, strings.ReplaceAll(all, "%20", "+"), want)
	}
}

// The code of a grant is a secret, be it beside the grant or in the query of its path.
func TestWhatWrapsTheTransportSeesNoGrant(t *testing.T) {
	srv := newServer(t, ok)
	var seen []string
	c := newClient(t, srv.URL, watching(&seen, nil))
	if _, err := c.Post(background, "token?code=grant-in-the-path", Params{"grant_type": "authorization_code", "code": "grant-in-the-form"}); err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(seen, "\n"); strings.Contains(all, "grant-in") || len(seen) != 1 {
		t.Errorf("it saw\n%s", all)
	}
}

func TestWhatWrapsTheTransportMayNotRepeat(t *testing.T) {
	srv := newServer(t, ok)
	c := newClient(t, srv.URL, func(c *Config) {
		c.WrapTransport = func(inner http.RoundTripper) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				res, err := inner.RoundTrip(req)
				if err != nil {
					return nil, err
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
				return inner.RoundTrip(req)
			})
		}
	})
	_, err := c.Get(background, "shop", nil)
	wantMatch(t, fmt.Sprint(err), "has sent a request twice: leave repeating to Config.Retry")
	srv.only(t)
}

func TestWhatWrapsTheTransportHasToPassTheContextOn(t *testing.T) {
	srv := newServer(t, ok)
	c := newClient(t, srv.URL, watching(new([]string), func(req *http.Request) { *req = *req.WithContext(context.Background()) }))
	_, err := c.Get(background, "shop", nil)
	wantMatch(t, fmt.Sprint(err), "without its context")
	if n := len(srv.requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestAHandshakeGoesThroughWhatWrapsTheTransport(t *testing.T) {
	srv := newServer(t, switching(t))
	var seen []string
	c := newClient(t, srv.URL, watching(&seen, nil))
	res, err := c.Upgrade(background, "channel", echoHeader)
	if err != nil {
		t.Fatal(err)
	}
	wantEcho(t, res)
	if !srv.only(t).Verified || len(seen) != 1 || strings.Contains(seen[0], "sign") {
		t.Errorf("it saw %q", seen)
	}
}

func TestWrappingTheTransportInNothingIsRefused(t *testing.T) {
	_, err := New(Config{Server: "http://127.0.0.1", Key: testKey, Secret: testSecret, WrapTransport: func(http.RoundTripper) http.RoundTripper { return nil }})
	wantMatch(t, fmt.Sprint(err), "Config.WrapTransport returned nil")
}
