//go:build unix

package main

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/nginx"
	"github.com/shopex/prism-go/notify"
)

// nginxOf starts nginx with the configuration in the documentation, for these
// addresses. It returns false where there is no nginx.
func nginxOf(t *testing.T, p *pair, front, back string) bool {
	t.Helper()
	_, site, _ := strings.Cut(project(t, "docs/operations.md"), "```nginx\n")
	site, _, _ = strings.Cut(site, "```")
	return nginx.Start(t, front, strings.NewReplacer("listen 443 ssl", "listen "+front+" ssl", "127.0.0.1:8080", back,
		"/etc/prism/tls.crt", p.cert, "/etc/prism/tls.key", p.key).Replace(site))
}

func TestTheDocumentedProxyCarriesLoginsAndTheChannel(t *testing.T) {
	p := newPair(t)
	front := nginx.Address(t)
	log := filepath.Join(t.TempDir(), "access.log")
	s := serve(t, nil, "--trusted-proxies", "127.0.0.1", "--public-url", "https://"+front, "--access-log", log, "--redirect", "https://shop.example/cb")
	if !nginxOf(t, p, front, strings.TrimSuffix(strings.TrimPrefix(s.URL, "http://"), "/api")) {
		s.stop()
		return
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.trust}}
	browser := &http.Client{Transport: transport, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	page := "https://" + front + "/oauth/authorize?" + url.Values{"client_id": {s.Key}, "redirect_uri": {"https://shop.example/cb"}, "response_type": {"code"}}.Encode()
	resp, err := browser.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	field := regexp.MustCompile(`name="form_token" value="([^"]*)"`).FindSubmatch(body)
	if field == nil || !strings.HasPrefix(resp.Header.Get("Set-Cookie"), "__Host-") || resp.Header.Get("Strict-Transport-Security") == "" {
		t.Fatalf("the page has %v\n%s", resp.Header, body)
	}
	form := url.Values{"form_token": {string(field[1])}, "login": {s.User}, "password": {s.Password}}
	post, err := http.NewRequest("POST", page, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	post.Header.Set("Origin", "https://"+front)
	if resp, err = browser.Do(post); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if to := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "https://shop.example/cb?code=") {
		t.Errorf("the login was answered %d, Location %q", resp.StatusCode, to)
	}
	client, err := prism.New(prism.Config{Server: "https://" + front + "/api", Key: s.Key, Secret: s.Secret, HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	publisher, err := notify.NewPublisher(client, notify.PublisherConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := publisher.Publish(t.Context(), "order.new", []byte("hello")); err != nil {
		t.Errorf("publishing through the proxy: %v", err)
	}
	if err := publisher.Close(t.Context()); err != nil {
		t.Error(err)
	}
	transport.CloseIdleConnections()
	s.stop()
	for _, a := range accesses(t, readAll(t, log)) {
		if a.Remote != "" && a.Remote != "127.0.0.1" && !strings.HasPrefix(a.Remote, "127.0.0.1:") {
			t.Errorf("the caller is %q", a.Remote)
		}
	}
}

func readAll(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
