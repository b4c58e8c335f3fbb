package browser

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/shopex/prism-go/oauth"
	"github.com/shopex/prism-go/prismtest"
)

// callback signs an attacker in up to the point where the browser would come
// back to the shop, and returns that address.
func callback(t *testing.T, srv *prismtest.Server, shop *shop) string {
	t.Helper()
	attacker := srv.Browser()
	attacker.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/callback" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	back, err := srv.SignIn(attacker, shop.url, "guo", "open barley").Location()
	if err != nil {
		t.Fatal(err)
	}
	return back.String()
}

// Whoever makes up the address of a callback, or hands their own to somebody
// else, signs nobody in: the person sees why and is at no other place.
func forgedCallbacksSignNobodyIn(t *testing.T, browser context.Context) {
	srv := newPlatform(t)
	shop := openShop(t, srv, srv.Client(), "127.0.0.1")
	without := func(name string) string {
		address, _ := url.Parse(callback(t, srv, shop))
		query := address.Query()
		query.Del(name)
		address.RawQuery = query.Encode()
		return address.String()
	}
	for name, row := range map[string]struct {
		address string
		reason  oauth.Reason
	}{
		"no state":                        {without("state"), oauth.ReasonStateMissing},
		"nothing":                         {shop.url + "callback", oauth.ReasonStateMissing},
		"made up":                         {shop.url + "callback?code=abc&state=abcdefghijklmnopqrstuvwxyz", oauth.ReasonStateInvalid},
		"another browser's":               {callback(t, srv, shop), oauth.ReasonStateInvalid},
		"another browser's, without code": {without("code"), oauth.ReasonStateInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			victim := meet(t, browser, "en")
			victim.expect("status of 4") // the page is an error
			victim.open(shop.url + "orders")
			victim.mustBeAsked() // a login is under way
			victim.open(row.address)
			victim.mustBeRefused(row.address)
			shop.mustHaveFailed(t, row.reason)
			victim.open(shop.url)
			victim.mustBeAsked()
			victim.signIn("lin", "open sesame")
			victim.mustSee(shop.url, "hello lin")
		})
	}
}

// mustBeRefused wants a page of an error at the address of a callback, which is
// what the browser still shows.
func (p *person) mustBeRefused(address string) {
	p.t.Helper()
	if at := p.place().String(); at != address || p.status < 400 || p.status >= 500 || strings.Contains(p.text(), "hello") {
		p.t.Errorf("HTTP %d from %s:\n%s", p.status, at, p.text())
	}
	for _, secret := range []string{"code", "state"} {
		if u, _ := url.Parse(address); u.Query().Get(secret) != "" && strings.Contains(ask[string](p, "document.documentElement.outerHTML"), u.Query().Get(secret)) {
			p.t.Errorf("the page shows the %s", secret)
		}
	}
}

func aCallbackWorksOnce(t *testing.T, browser context.Context) {
	srv := newPlatform(t)
	shop := openShop(t, srv, srv.Client(), "127.0.0.1")
	lin := meet(t, browser, "en")
	lin.expect("status of 4")
	lin.open(shop.url)
	lin.signIn("lin", "open sesame")
	used := lin.wasAt("/callback")
	if len(used) != 1 {
		t.Fatalf("%d callbacks", len(used))
	}
	lin.open(used[0])
	lin.mustSee(shop.url, "hello lin") // on to the page, by the session that is there

	lin.click("form button")
	lin.open(used[0])
	lin.mustBeRefused(used[0])
	shop.mustHaveFailed(t, oauth.ReasonStateInvalid)
	lin.open(shop.url)
	lin.mustBeAsked()
}

// The platform's refusal is a page as well, and not the way into a loop.
func anErrorFromThePlatformIsAPage(t *testing.T, browser context.Context) {
	srv := newPlatform(t)
	shop := openShop(t, srv, srv.Client(), "127.0.0.1")
	lin := meet(t, browser, "zh-CN")
	lin.expect("status of 4")
	lin.open(shop.url)
	back := shop.url + "callback?error=access_denied&error_description=%3Cb%3Eno%3C%2Fb%3E&state=" + url.QueryEscape(lin.place().Query().Get("state"))
	lin.open(back)
	if at := lin.place().String(); at != back || lin.status < 400 || ask[int](lin, "document.querySelectorAll('b').length") != 0 {
		t.Errorf("HTTP %d from %s:\n%s", lin.status, at, lin.text())
	}
	if lang := ask[string](lin, "document.documentElement.lang"); !strings.HasPrefix(lang, "zh") {
		t.Errorf("the page is in %q", lang)
	}
	shop.mustHaveFailed(t, oauth.ReasonAccessDenied)
	lin.open(shop.url)
	lin.mustBeAsked()
}

// Whatever the person opened, the login leads back to this site.
func anEvilReturnAddressStaysHere(t *testing.T, browser context.Context) {
	srv := newPlatform(t)
	shop := openShop(t, srv, srv.Client(), "127.0.0.1")
	evil := openEvilSite(srv, "localhost")
	host := strings.TrimPrefix(evil.url, "http://")
	for _, path := range []string{
		"//" + host + "/", "///" + host, "/%2F" + host + "/", "/%2F%2F" + host, "/%5C" + host + "/", "/%09/" + host + "/",
		"/.//" + host, "/x/..//" + host, "/@" + host + "/", "/;@" + host, "/?next=" + evil.url, "/%0d%0aLocation:%20" + evil.url,
	} {
		lin := meet(t, browser, "en")
		lin.open(strings.TrimSuffix(shop.url, "/") + path)
		lin.mustBeAsked()
		lin.signIn("lin", "open sesame")
		if at := lin.place(); at.Scheme+"://"+at.Host+"/" != shop.url {
			t.Errorf("%s led to %s", path, at)
		}
	}
	if n := evil.hits.Load(); n > 0 {
		t.Errorf("%d visits of the evil site", n)
	}
}

// The platform sends nobody to an address that is not registered.
func thePlatformSendsNobodyToAStrangersSite(t *testing.T, browser context.Context) {
	srv := newPlatform(t)
	shop := openShop(t, srv, srv.Client(), "127.0.0.1")
	evil := openEvilSite(srv, "evil.test")
	lin := meet(t, browser, "en")
	lin.expect("status of 4")
	authorize := func(redirect string) string {
		return oauthURL(srv, "authorize", url.Values{"client_id": {srv.Key()}, "response_type": {"code"}, "redirect_uri": {redirect}})
	}
	lin.open(authorize(evil.url + "/callback"))
	if lin.status != http.StatusBadRequest || ask[int](lin, "document.forms.length") != 0 {
		t.Errorf("HTTP %d:\n%s", lin.status, lin.text())
	}
	lin.open(shop.url)
	lin.signIn("lin", "open sesame")
	for _, redirect := range []string{evil.url + "/callback", shop.url + "callback@" + evil.url, strings.Replace(shop.url, "127.0.0.1", "127.0.0.1@evil.test", 1) + "callback"} {
		lin.open(authorize(redirect))
		if lin.status != http.StatusBadRequest {
			t.Errorf("HTTP %d for %s", lin.status, redirect)
		}
	}
	lin.open(oauthURL(srv, "logout", url.Values{"redirect_uri": {evil.url + "/callback"}, "client_id": {srv.Key()}}))
	if n := evil.hits.Load(); n > 0 {
		t.Errorf("%d visits of the evil site", n)
	}
}
