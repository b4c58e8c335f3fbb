package platform_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
)

const browserAccept = "text/html,application/xhtml+xml,*/*;q=0.8"

func TestABrowserThatOpensTheRootIsToldWhatThisIs(t *testing.T) {
	e := newPageEnv(t, platform.Config{Version: "v1.2.3"})
	b := e.browser()
	for lang, title := range map[string]string{"en": "<h1>Prism platform</h1>", "zh-CN": "<h1>Prism 平台</h1>"} {
		v := b.get("/", "Accept", browserAccept, "Accept-Language", lang)
		v.want(200, title)
		contains(t, v.body, "prismctl serve --console on", "<code>/api/</code>", "prism-go v1.2.3")
		if v.header.Get("Content-Security-Policy") == "" || v.header.Get("Cache-Control") != "no-store" {
			t.Errorf("its header is %v", v.header)
		}
		readPage(t, title, v.body)
		if han := regexp.MustCompile(`\p{Han}`).MatchString(styleTag.ReplaceAllString(v.body, "")); han != (lang == "zh-CN") {
			t.Errorf("%s: Chinese on the page: %v", lang, han)
		}
	}
	for _, path := range []string{"/nothing", "/api", "/oauth/nothing", "/nothing/%22%3E%3Cscript%3E"} {
		v := b.get(path, "Accept", browserAccept)
		v.want(404, "There is no such page")
		if strings.Contains(v.body, "<script") || strings.Contains(v.body, "console") {
			t.Errorf("%s shows\n%s", path, v.body)
		}
	}
}

// Programs get JSON, whatever they ask for, and so does whoever names a key or an API.
func TestAProgramGetsJSONWhereABrowserGetsAPage(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	b := e.browser()
	for path, accept := range map[string]string{
		"/": "*/*", "/nothing": "application/json", "/oauth/nothing": "", "/?client_id=" + testKey: browserAccept, "/api/nothing": browserAccept, "/oauth/token": browserAccept,
	} {
		v := b.get(path, "Accept", accept)
		if v.status < 400 || !strings.HasPrefix(v.header.Get("Content-Type"), "application/json") {
			t.Errorf("%s, %q: %d, %s", path, accept, v.status, v.header.Get("Content-Type"))
		}
	}
	if v := b.open("POST", "/", nil, "Accept", browserAccept); v.status != 404 || strings.Contains(v.body, "<html") {
		t.Errorf("POST: %d, %s", v.status, v.body)
	}
}

func TestThePagesBesideABasePathHaveTheirFirstPageThere(t *testing.T) {
	e := newPageEnv(t, platform.Config{BasePath: "/shops/api"})
	b := e.browser()
	for path, status := range map[string]int{"/": 200, "/shops/": 200, "/shops": 404, "/shops/x": 404} {
		v := b.get(path, "Accept", browserAccept)
		v.want(status, "<code>/shops/api/</code>")
		if status == 404 {
			contains(t, v.body, `href="/shops/"`)
		}
	}
}

// It has what finds the failure in the log.
func TestAPageThatFailsIsAPage(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	e.users.Users = nil // so that a login panics
	b := e.browser()
	form := b.get(authorizePath(), "Accept", browserAccept).form()
	form.Set("login", "ann")
	form.Set("password", "x")
	v := b.open(http.MethodPost, authorizePath(), form, "Accept", browserAccept)
	v.want(500, "Something went wrong", v.header.Get("X-Request-Id"))
}
