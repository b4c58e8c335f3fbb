package platform_test

import (
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
)

// CGI, WSGI and PHP take X_Api_Oauth for X-Api-Oauth.
func TestACallerCannotForgeAUserAtACGIBackend(t *testing.T) {
	script := filepath.Join(t.TempDir(), "b.sh")
	os.WriteFile(script, []byte("#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nenv | grep HTTP_X_\n"), 0o755)
	e := newTokenEnv(t, platform.Config{Backend: &cgi.Handler{Path: script}})
	for _, name := range []string{"X_Api_Oauth", "X_api-oauth", "x-api_OAUTH"} {
		req := e.requestAs(first(), "GET", "/api/oms/order", nil)
		req.Header[name] = []string{"%40id=1&login=root"}
		r := e.send(req)
		if strings.Contains(r.body, "login=root") {
			t.Errorf("%s: the backend was told\n%s", name, r.body)
		}
	}
}

func TestACallerCannotTakeAwayWhatThePlatformSays(t *testing.T) {
	var seen http.Header
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen = r.Header }))
	defer backend.Close()
	to, _ := url.Parse(backend.URL)
	e := newTokenEnv(t, platform.Config{Backend: httputil.NewSingleHostReverseProxy(to)})
	token := e.tokens(e.logIn()).Access
	req := e.requestAs(first().bearing(token), "GET", "/api/oms/order", nil)
	req.Header.Set("Connection", "X-Api-Oauth, X-Api-Arg, X-Caller-Ip, X-Request-Id")
	e.send(req)
	for _, name := range []string{"X-Api-Oauth", "X-Api-Arg", "X-Caller-Ip", "X-Request-Id"} {
		if seen.Get(name) == "" {
			t.Errorf("the backend did not get %s", name)
		}
	}
}
