package platform_test

import (
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
)

func TestTheLastPageOfALoginChoosesAmongItsOwnWords(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	b := e.browser()
	seen := map[string]string{}
	for query, title := range map[string]string{
		"":                     "You are signed in",
		"?error=access_denied": "You are not signed in",
		"?error=invalid_grant": "You are not signed in",
		"?error=invalid_sign":  "You are not signed in",
		"?error=call+1234":     "You are not signed in",
	} {
		v := b.get("/oauth/done" + query)
		v.want(200, "<h1>"+title+"</h1>")
		if other, twice := seen[v.body]; twice || v.header.Get("X-Prism-Page") != "done" {
			t.Errorf("%q has the page of %q, and the header %v", query, other, v.header)
		}
		seen[v.body] = query
	}
	unknown := b.get("/oauth/done?error=call+1234")
	for _, query := range []string{"?error=", "?error=Call+5678&error_description=now", "?error=sent&redirect_uri=https://evil.example/"} {
		if v := b.get("/oauth/done" + query); v.body != unknown.body || v.location != "" {
			t.Errorf("%s shows\n%s", query, v.body)
		}
	}
	b.get("/oauth/done?error=a&error=b").want(400, "duplicate_parameter")
	b.open("POST", "/oauth/done", nil).want(405)
	if v := b.open("HEAD", "/oauth/done", nil); v.status != 200 || v.body != "" || v.header.Get("X-Prism-Page") != "done" {
		t.Errorf("HEAD answers %d, %v", v.status, v.header)
	}
	if v := b.get("/oauth/done/"); v.status == 200 || strings.Contains(v.body, "signed in") {
		t.Errorf("another path answers %d: %s", v.status, v.body)
	}
}
