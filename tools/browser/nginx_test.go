package browser

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/nginx"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/prismtest"
)

// A console under a path of a site that has others works behind a real proxy: its links, what
// it streams, its forms and its cookie stay under that path.
func theConsoleLivesUnderAPathBehindNginx(t *testing.T, browser context.Context) {
	srv := prismtest.NewServerConfig(t, prismtest.Config{Platform: platform.Config{BasePath: "/prism/api"}})
	front := openNginx(t, srv)
	p := meet(t, browser, "en")
	p.enterAt(srv, front+"/prism")
	first := front + "/prism/console/"
	p.mustHaveCookiesUnder(first, "/prism/console")
	for _, link := range ask[[]string](p, `[...document.querySelectorAll("a[href]:not([href^='#'])")].map(a => a.href)`) {
		if p.open(link); p.status != 200 || !strings.HasPrefix(link, first) {
			t.Errorf("the first page leads to %s, which is answered with %d", link, p.status)
		}
	}

	p.open(first + "live?routing_key=order.new")
	p.await(`document.querySelector("[data-state]").textContent === "Connected"`)
	if _, err := srv.Client().Post(t.Context(), "platform/notify/write", prism.Params{"routing_key": "order.new", "data": "x"}); err != nil {
		t.Fatal(err)
	}
	p.await(`document.querySelector(".live tbody").innerText.includes("order.new")`)

	p.open(first + "apps")
	p.do(chromedp.SendKeys(chromedp.CSS("#name"), "Till"), chromedp.SendKeys(chromedp.CSS("#id"), "till"))
	p.click("form.fields button")
	if at := p.place(); p.status != 200 || at.Path != "/prism/console/apps/till" {
		t.Errorf("the form leads to %s, %d:\n%s", at, p.status, p.text())
	}
}

// mustHaveCookiesUnder wants cookies for a page, and all of them for this path alone.
func (p *person) mustHaveCookiesUnder(page, path string) {
	p.t.Helper()
	all := run(p, func(ctx context.Context, tab *chromedp.Target) ([]*network.Cookie, error) {
		res, err := cdp.Call(ctx, tab, network.GetCookies, network.GetCookiesParams{URLs: []string{page}})
		return res.Cookies, err
	})
	for _, c := range all {
		if strings.TrimSuffix(c.Path, "/") != path {
			p.t.Errorf("the cookie %s is for %s", c.Name, c.Path)
		}
	}
	if len(all) == 0 {
		p.t.Error("there is no cookie")
	}
}

// openNginx starts nginx before the platform, and returns its site. Without nginx the test is
// skipped; the tests on Debian have it.
func openNginx(t *testing.T, srv *prismtest.Server) string {
	t.Helper()
	front := nginx.Address(t)
	back, _, _ := strings.Cut(srv.URL(), "/prism")
	if !nginx.Start(t, front, fmt.Sprintf("server { listen %s; location /prism/ { proxy_pass %s; proxy_http_version 1.1; proxy_set_header Host $http_host; } }\n", front, back)) {
		t.SkipNow()
	}
	return "http://" + front
}
