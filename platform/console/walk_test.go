package console_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/sign"
)

// mostWalked bounds the pages of a walk.
const mostWalked = 300

var hrefs = regexp.MustCompile(` (?:href|action|hx-get|data-calls)="([^"]*)"`)

// walk opens every page that is linked from the first, and from those, as a page and as
// JSON, and passes each to see. Each has to be there.
func (b *browser) walk(see func(path, body string)) {
	b.Helper()
	base := b.console.Base()
	seen := []string{"/"}
	for i := 0; i < len(seen) && len(seen) < mostWalked; i++ {
		page := b.send("GET", seen[i], nil)
		if page.status != http.StatusOK {
			b.Errorf("%s is linked, and answered with %d", seen[i], page.status)
		}
		see(seen[i], page.body)
		if strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
			see(seen[i]+" as JSON", b.send("GET", seen[i], nil, "Accept", "application/json").body)
		}
		for _, m := range hrefs.FindAllStringSubmatch(page.body, -1) {
			link := html.UnescapeString(m[1])
			switch {
			case strings.HasPrefix(link, "#"), strings.Contains(m[0], "action="), strings.Contains(m[0], "data-calls="):
				continue
			case !strings.HasPrefix(link, base+"/"):
				b.Errorf("%s leads to %q, which is not below %s", seen[i], link, base)
				continue
			}
			link, _, _ = strings.Cut(strings.TrimPrefix(link, base), "#")
			if !slices.Contains(seen, link) && !strings.HasPrefix(link, "/static/") {
				seen = append(seen, link)
			}
		}
	}
	if len(seen) < 5 {
		b.Errorf("a walk leads to these pages only: %q", seen)
	}
}

// hostile is a text that would run if a page took it for HTML.
const hostile = `"><script>alert(1)</script>{{.}}`

// call makes a call to the platform, signed with this secret.
func (b *browser) call(method, api string, params url.Values, key platform.Key, secret string, header ...string) got {
	b.Helper()
	query := url.Values{"client_id": {key.ID}, "sign_method": {"md5"}, "sign_time": {strconv.FormatInt(time.Now().Unix(), 10)}}
	for name, values := range params {
		query[name] = values
	}
	req, err := http.NewRequestWithContext(b.Context(), method, b.url+"/api/"+api, nil)
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	signed := sign.Request{Method: method, Path: "/api/" + api, Header: req.Header, Query: query}
	query.Set("sign", sign.Sign(secret, signed))
	req.URL.RawQuery = query.Encode()
	return b.do(req)
}

func TestNoPageShowsASecretOrRunsWhatItShows(t *testing.T) {
	s := newSite(t)
	b := s.operator()
	canaries := []string{adminKey.Secret, shopKey.Secret, "canary-token-of-a-user", "canary-password", "canary-secret-typed"}
	for _, secret := range []string{shopKey.Secret, "canary-secret-typed"} {
		for _, api := range []string{"shop/item", "platform/notify/status"} {
			b.call("GET", api, url.Values{"password": {"canary-password"}, "q": {hostile}}, shopKey, secret, "Authorization", "Bearer canary-token-of-a-user", "User-Agent", hostile)
		}
	}
	b.call("GET", "shop/item", url.Values{"client_secret": {shopKey.Secret}}, shopKey, shopKey.Secret)
	for _, form := range []url.Values{
		{"routing_key": {"order." + hostile}, "data": {hostile}, "content_type": {"text/html"}},
		{"routing_key": {"order.new"}, "data": {`{"secret":"` + hostile + `"}`}},
	} {
		if got := b.call("POST", "platform/notify/write", form, shopKey, shopKey.Secret); got.status != http.StatusOK {
			t.Fatalf("publishing: %d %s", got.status, got.body)
		}
	}
	if got := b.call("POST", "platform/app/create", url.Values{"name": {hostile}, "desc": {hostile}}, adminKey, adminKey.Secret); got.status != http.StatusOK {
		t.Fatalf("an app with a hostile name: %d %s", got.status, got.body)
	}
	pages := 0
	b.walk(func(path, body string) {
		pages++
		for _, canary := range canaries {
			if strings.Contains(body, canary) {
				t.Errorf("%s shows %s", path, canary)
			}
		}
		if strings.Contains(body, "<script>alert") && !strings.HasSuffix(path, " as JSON") {
			t.Errorf("%s runs what it shows", path)
		}
	})
	t.Logf("%d pages", pages)
	for _, canary := range canaries {
		if strings.Contains(s.logged.String(), canary) {
			t.Errorf("the log has %s", canary)
		}
	}
}

func TestTheConsoleWorksUnderABasePath(t *testing.T) {
	s := newSite(t, func(cfg *platform.Config) { cfg.BasePath = "/shops/prism/api" })
	if s.console.Base() != "/shops/prism/console" {
		t.Fatalf("it is at %s", s.console.Base())
	}
	s.operator().walk(func(string, string) {})
	for path, want := range map[string]string{"/": "/shops/prism/console/", "/shops/prism/": "/shops/prism/console/", "/shops/": ""} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", s.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", "text/html")
		if got := s.browser().do(req); got.header.Get("Location") != want {
			t.Errorf("%s leads to %q, want %q", path, got.header.Get("Location"), want)
		}
	}
}
