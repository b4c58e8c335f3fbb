package platform_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"io"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/shopex/prism-go/platform"
)

// everyPage returns each page that the platform has, by its name.
func (e *pageEnv) everyPage(header ...string) map[string]view {
	e.t.Helper()
	b := e.browser()
	pages := map[string]view{"login": b.get(authorizePath(), header...)}
	form := pages["login"].form()
	form.Set("login", "ann")
	form.Set("password", "wrong")
	pages["wrong password"] = b.open("POST", authorizePath(), form, header...)
	pages["expired"] = b.open("POST", authorizePath(), url.Values{}, header...)
	pages["bad link"] = b.get("/oauth/authorize", header...)
	pages["refused"] = b.open("POST", authorizePath(), form, append([]string{"Sec-Fetch-Site", "cross-site"}, header...)...)
	pages["wrong method"] = b.open("DELETE", authorizePath(), nil, header...)
	pages["asking"] = b.get("/oauth/logout", append([]string{"Sec-Fetch-Site", "cross-site"}, header...)...)
	pages["signed in"] = b.get("/oauth/done", header...)
	pages["not signed in"] = b.get("/oauth/done?error=access_denied", header...)
	pages["signed out"] = b.get("/oauth/logout", header...)
	for range 5 {
		pages["limited"] = b.open("POST", authorizePath(), form, header...)
	}
	return pages
}

var styleTag = regexp.MustCompile(`(?s)<style>(.*?)</style>`)

func TestEveryPageCarriesItsHeaders(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	for name, v := range e.everyPage() {
		for header, want := range map[string]string{
			"Content-Type":           "text/html; charset=utf-8",
			"X-Frame-Options":        "DENY",
			"X-Content-Type-Options": "nosniff",
			"Referrer-Policy":        "same-origin",
			"Cache-Control":          "no-store",
		} {
			if got := v.header.Get(header); got != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
		if v.header.Get("X-Request-Id") == "" {
			t.Errorf("%s has no X-Request-Id", name)
		}
		styles := styleTag.FindAllStringSubmatch(v.body, -1)
		if len(styles) != 1 {
			t.Fatalf("%s has %d styles", name, len(styles))
		}
		sum := sha256.Sum256([]byte(styles[0][1]))
		action := "'none'"
		switch {
		case strings.Contains(v.body, `name="password"`):
			action = "'self' https:"
		case strings.Contains(v.body, "<form"):
			action = "'self'"
		}
		want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; form-action " + action + "; frame-ancestors 'none'; base-uri 'none'"
		if got := v.header.Get("Content-Security-Policy"); got != want {
			t.Errorf("%s: policy is\n%s, want\n%s", name, got, want)
		}
	}
}

// Wherever the app sends the browser after the login: browsers apply the policy
// of the form to that, too.
func TestTheFormMayLeadOnFromTheApp(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	for _, redirect := range []string{"http://127.0.0.1:4711/cb", "http://[::1]:4711/cb"} {
		v := e.browser().get(authorizePath("redirect_uri", redirect))
		contains(t, v.header.Get("Content-Security-Policy"), "; form-action 'self' http:; ")
	}
}

func TestARedirectCarriesTheHeadersToo(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	v := e.loggedIn().get(authorizePath())
	if v.status != 303 || v.header.Get("Cache-Control") != "no-store" || v.header.Get("Referrer-Policy") == "" || v.body != "" {
		t.Errorf("answered %d, %v, %q", v.status, v.header, v.body)
	}
}

func TestPagesComeInTheUsersLanguage(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	han := regexp.MustCompile(`\p{Han}`)
	for _, row := range []struct {
		accept, lang string
		han          bool
	}{
		{"zh-CN,zh;q=0.9,en;q=0.8", "zh-CN", true},
		{"en-US,en;q=0.9,zh;q=0.8", "en", false},
		{"fr", "en", false},
	} {
		for name, v := range e.everyPage("Accept-Language", row.accept) {
			contains(t, v.body, `<html lang="`+row.lang+`">`)
			if got := han.MatchString(styleTag.ReplaceAllString(v.body, "")); got != row.han {
				t.Errorf("%s, %s: Chinese on the page: %v", row.accept, name, got)
			}
		}
	}
}

// A page is one tree of elements, has one heading, and each field its label.
func TestPagesAreReadable(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	for name, v := range e.everyPage() {
		elements := readPage(t, name, v.body)
		count := map[string]int{}
		labels := map[string]bool{}
		focus := 0
		for _, el := range elements {
			count[el.Name.Local]++
			if el.Name.Local == "label" {
				labels[attr(el, "for")] = true
			}
			if attr(el, "autofocus") != "" {
				focus++
			}
			if on := attr(el, "onclick") + attr(el, "onload") + attr(el, "style"); on != "" || el.Name.Local == "script" {
				t.Errorf("%s has %s", name, el.Name.Local)
			}
		}
		if count["h1"] != 1 || count["title"] != 1 || count["main"] != 1 || count["html"] != 1 {
			t.Errorf("%s has elements %v", name, count)
		}
		for _, el := range elements {
			if el.Name.Local == "input" && attr(el, "type") != "hidden" && !labels[attr(el, "id")] {
				t.Errorf("%s: field %s has no label", name, attr(el, "name"))
			}
		}
		if strings.Contains(v.body, `name="password"`) {
			contains(t, v.body, `autocomplete="username"`, `autocomplete="current-password"`, `<label for="login">`, `<label for="password">`)
			if focus != 1 {
				t.Errorf("%s: %d fields have the focus", name, focus)
			}
		}
	}
}

func readPage(t *testing.T, name, body string) (elements []xml.StartElement) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(styleTag.ReplaceAllString(body, "")))
	d.Strict = false
	d.AutoClose = xml.HTMLAutoClose
	d.Entity = xml.HTMLEntity
	for {
		token, err := d.Token()
		if err == io.EOF {
			return elements
		}
		if err != nil {
			t.Fatalf("%s cannot be read: %v\n%s", name, err, body)
		}
		if el, ok := token.(xml.StartElement); ok {
			elements = append(elements, el.Copy())
		}
	}
}

func attr(el xml.StartElement, name string) string {
	for _, a := range el.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// Whatever an attacker puts into an address, a field or a name is text on the page, if
// it is there at all.
func TestNothingThatComesFromOutsideIsMarkup(t *testing.T) {
	const evil = `"'><script>alert(1)</script><img src=x onerror=alert(2)>{{.}}&lt;javascript:alert(3)`
	store := storeOf(platform.Key{ID: testKey, Secret: testSecret, App: "shop"})
	if err := store.AddApp(platform.App{ID: "shop", Name: evil, Redirects: []string{callback}}); err != nil {
		t.Fatal(err)
	}
	e := newPageEnv(t, platform.Config{Store: store})
	b := e.browser()
	page := b.get(authorizePath("state", evil, "view", evil))
	form := page.form()
	form.Set("login", evil)
	form.Set("password", evil)
	wrong := b.open("POST", authorizePath("state", evil), form)
	wrong.want(401, "&lt;script&gt;")
	escaped := url.QueryEscape(evil)
	for name, v := range map[string]view{
		"login":            page,
		"wrong password":   wrong,
		"expired":          b.open("POST", authorizePath("state", evil), url.Values{"login": {evil}, "form_token": {evil}}),
		"bad redirect":     b.get(authorizePath("redirect_uri", evil)),
		"bad client":       b.get(authorizePath("client_id", evil)),
		"bad name":         b.get(authorizePath() + "&" + escaped + "=%zz"),
		"bad method":       b.open("BREW", authorizePath(evil, evil), nil),
		"logout":           b.get(logoutPath(evil, evil)),
		"done":             b.get("/oauth/done?error=" + escaped + "&error_description=" + escaped),
		"asking":           b.get(logoutPath(evil, evil), "Sec-Fetch-Site", "cross-site"),
		"foreign cookie":   b.get(authorizePath(), "Cookie", `prism_form="><script>alert(1)</script>`),
		"strange language": b.get(authorizePath(), "Accept-Language", evil),
	} {
		body := styleTag.ReplaceAllString(v.body, "")
		for _, sign := range []string{"<script", "<img", "onerror=alert(2)>"} {
			if strings.Contains(body, sign) {
				t.Errorf("%s: %s is on the page:\n%s", name, sign, body)
			}
		}
		if strings.Contains(v.body, "st4te") || strings.Contains(v.header.Get("Content-Security-Policy"), "script") {
			t.Errorf("%s shows what it should not", name)
		}
	}
}
