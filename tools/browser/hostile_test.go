package browser

import (
	"context"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// A page that cannot be framed cannot be clicked through the frame of somebody
// else.
func theLoginPageIsInNobodysFrame(t *testing.T, browser context.Context) {
	srv := newPlatform(t)
	shop := openShop(t, srv, srv.Client(), "127.0.0.1")
	for name, host := range map[string]string{"another site": "localhost", "the same host": "127.0.0.1"} {
		t.Run(name, func(t *testing.T) {
			lin := meet(t, browser, "en")
			lin.open(shop.url)
			lin.mustBeAsked()
			evil := openEvilSite(srv, host)
			frame := evil.put("/frame", fmt.Sprintf(`<iframe src="%s"></iframe>`, html.EscapeString(lin.place().String())))
			lin.expect("X-Frame-Options")
			lin.open(frame)
			lin.mustComplain("frame-ancestors 'none'")
		})
	}
}

// Neither the shop's nor the platform's logout can be used by other sites, be
// they on another host or only at another port, where the cookies are the same.
func otherSitesSignNobodyOut(t *testing.T, browser context.Context) {
	for name, hosts := range map[string]struct{ platform, evil string }{
		"another site":  {"127.0.0.1", "localhost"},
		"the same host": {"127.0.0.1", "127.0.0.1"},
		"no TLS":        {"prism.test", "evil.test"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := newPlatform(t)
			shop := openShop(t, srv, clientBy(t, srv, hosts.platform), hosts.platform)
			evil := openEvilSite(srv, hosts.evil)
			logout := shop.login.LogoutURL("")
			lin := meet(t, browser, "en")
			lin.open(shop.url)
			lin.signIn("lin", "open sesame")
			lin.expect("status of 4")
			for path, page := range map[string]string{
				"/shop":     postTo(shop.url + "logout"),
				"/platform": postTo(logout),
				"/login":    postTo(lin.wasAt("/oauth/authorize")[0]), // as nobody
			} {
				lin.open(evil.put(path, page))
				lin.click("button")
				if lin.status < 400 {
					t.Errorf("%s: HTTP %d:\n%s", path, lin.status, lin.text())
				}
			}
			lin.open(evil.put("/image", fmt.Sprintf(`<img src="%s"><img src="%s">`, html.EscapeString(logout), shop.url+"logout")))
			lin.open(shop.url + "logout")
			srv.Advance(2 * time.Minute) // so that the shop asks the platform
			lin.open(shop.url)
			lin.mustSee(shop.url, "hello lin")
		})
	}
}

// A link of another site to the platform's logout asks first.
func aLinkToTheLogoutAsksFirst(t *testing.T, browser context.Context) {
	srv := newPlatform(t)
	shop := openShop(t, srv, srv.Client(), "127.0.0.1")
	evil := openEvilSite(srv, "localhost")
	lin := meet(t, browser, "en")
	lin.open(shop.url)
	lin.signIn("lin", "open sesame")
	lin.open(evil.put("/link", fmt.Sprintf(`<a href="%s">Win a prize</a>`, html.EscapeString(oauthURL(srv, "logout", url.Values{})))))
	lin.click("a")
	if n := ask[int](lin, "document.querySelectorAll('form[method=post]').length"); n != 1 {
		t.Fatalf("no form that asks:\n%s", lin.text())
	}
	srv.Advance(2 * time.Minute)
	lin.open(shop.url)
	lin.mustSee(shop.url, "hello lin")

	lin.open(evil.url + "/link")
	lin.click("a")
	lin.click("form button")
	if lin.status != 200 || strings.Contains(lin.text(), "hello") {
		t.Errorf("HTTP %d:\n%s", lin.status, lin.text())
	}
	srv.Advance(2 * time.Minute)
	lin.open(shop.url)
	lin.mustBeAsked()
}

// What an application's logout says is public, but for its proof.
func aLinkWithAnApplicationsParametersAsksFirst(t *testing.T, browser context.Context) {
	for languages, question := range map[string]string{"en": "Sign out?", "zh-CN": "退出"} {
		srv := newPlatform(t)
		shop := openShop(t, srv, clientBy(t, srv, "prism.test"), "shop.test") // the browser does not say where the link was
		evil := openEvilSite(srv, "evil.test")
		lin := meet(t, browser, languages)
		lin.open(shop.url)
		lin.signIn("lin", "open sesame")
		lin.open(evil.put("/link", fmt.Sprintf(`<a href="%s">Win a prize</a>`, html.EscapeString(shop.login.LogoutURL(shop.url)))))
		lin.click("a")
		if !strings.Contains(lin.text(), question) {
			t.Fatalf("no question:\n%s", lin.text())
		}
		srv.Advance(2 * time.Minute)
		lin.open(shop.url)
		lin.mustSee(shop.url, "hello lin")
		lin.click("form button") // the shop's own
		lin.mustBeAsked()
	}
}

// Names are text, whatever they look like.
func aPageShowsNamesAsText(t *testing.T, browser context.Context) {
	srv := newPlatform(t)
	shop := openShop(t, srv, srv.Client(), "127.0.0.1")
	lin := meet(t, browser, "en")
	lin.expect("status of 401")
	lin.open(shop.url)
	lin.signIn(`"><img src=x onerror=alert(1)><b>`, "x")
	lin.mustBeAsked()
	if n := ask[int](lin, "document.querySelectorAll('img, b').length"); n != 0 {
		t.Errorf("the login became %d elements", n)
	}
	lin.do(chromedp.Clear(chromedp.CSS("[name=login]")))
	lin.signIn("lin", "open sesame")
	lin.mustSee(shop.url, "hello lin")
}
