package platform

import (
	"net/url"
	"strings"
	"testing"
)

// The property of every match: the same address but for the port, and that
// only where it leads to the user's own machine.
func FuzzRedirects(f *testing.F) {
	for _, pair := range [][2]string{
		{"https://shop.example/cb?a=1", "https://shop.example/cb?a=1"},
		{"https://shop.example/cb", "https://shop.example:443/cb"},
		{"http://127.0.0.1/cb", "http://127.0.0.1:8080/cb"},
		{"http://127.0.0.1:1/cb?x", "http://127.0.0.1:8080/cb?x"},
		{"http://localhost", "http://localhost:80@evil.example"},
		{"http://[::1]/cb", "http://[::1]:8080/cb"},
		{"http://localhost/", "http://localhost:80\\@evil.example/"},
		{"com.example.app:/cb", "com.example.app:/cb"},
		{"javascript:alert(1)", "javascript:alert(1)"},
	} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, registered, uri string) {
		app := App{Redirects: []string{registered}}
		if !app.allows(uri) {
			return
		}
		a, err := url.Parse(registered)
		if err != nil {
			t.Fatalf("%q is allowed by %q, which is no address: %v", uri, registered, err)
		}
		b, err := url.Parse(uri)
		if err != nil {
			t.Fatalf("%q is allowed, but no address: %v", uri, err)
		}
		if b.Scheme == "" || b.User != nil || b.Opaque != "" || strings.Contains(uri, "#") {
			t.Errorf("%q is allowed", uri)
		}
		if a.Scheme != b.Scheme || a.Hostname() != b.Hostname() || a.EscapedPath() != b.EscapedPath() || a.RawQuery != b.RawQuery {
			t.Errorf("%q allows %q", registered, uri)
		}
		loopback := map[string]bool{"127.0.0.1": true, "::1": true, "localhost": true}[b.Hostname()]
		if a.Port() != b.Port() && !loopback {
			t.Errorf("%q allows %q", registered, uri)
		}
		sent := withParams(uri, url.Values{"code": {"x&y=z"}, "state": {"\r\n#"}})
		c, err := url.Parse(sent)
		if err != nil || c.Host != b.Host || c.Path != b.Path || !strings.HasPrefix(c.RawQuery, b.RawQuery) || strings.ContainsAny(sent, "\r\n#") {
			t.Errorf("%q became %q: %v", uri, sent, err)
		}
		if source := cspSource(uri); strings.ContainsAny(source, " ;,'\"\r\n") || !strings.EqualFold(source, b.Scheme+":") {
			t.Errorf("%q became %q in a policy", uri, source)
		}
	})
}

// What cannot be an address for a browser to return to is none even for an
// operator who registers it.
func TestSomeAddressesCannotBeRegistered(t *testing.T) {
	for _, uri := range []string{
		"", "/cb", "//shop.example/cb", "shop.example/cb", "javascript:alert(1)", "data:text/html,x", "mailto:a@b.example",
		"https:///cb", "https:cb", "https://u:p@shop.example/", "https://shop.example/#", "https://shop.example/#x",
		"https://shop.example/ x", "https://shop.example/\r\n", "https://shop.example/\u00fc", "https://sh\u00f6p.example/",
		"https://shop.example/\"", "https://shop.example\\@evil.example/", "http://shop.example:x/", "https://shop.example/%zz",
	} {
		if (App{Redirects: []string{uri}}).allows(uri) {
			t.Errorf("%q is allowed", uri)
		}
	}
	for _, uri := range []string{"com.example.app:/cb", "myapp://cb/x", "https://shop.example", "http://shop.example:8080/cb?a=b;c&d"} {
		if !(App{Redirects: []string{uri}}).allows(uri) {
			t.Errorf("%q is not allowed", uri)
		}
	}
	if (App{}).allows("https://shop.example/") {
		t.Error("an app without addresses allows one")
	}
}

func TestParametersAreAddedToTheQueryOfAnAddress(t *testing.T) {
	for uri, want := range map[string]string{
		"https://s.example":       "https://s.example?code=1",
		"https://s.example/":      "https://s.example/?code=1",
		"https://s.example/?":     "https://s.example/?code=1",
		"https://s.example/?a=b":  "https://s.example/?a=b&code=1",
		"https://s.example/?a&":   "https://s.example/?a&code=1",
		"https://s.example/?q=%7": "https://s.example/?q=%7&code=1",
		"app:/cb":                 "app:/cb?code=1",
	} {
		if got := withParams(uri, url.Values{"code": {"1"}}); got != want {
			t.Errorf("%s: got %s, want %s", uri, got, want)
		}
	}
}
