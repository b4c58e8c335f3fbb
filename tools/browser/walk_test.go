package browser

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/prismtest"
)

// From a protected page through the login to that page, to the platform as the
// user, and out again. Names that end in .test stand for a network without TLS,
// where the browser does not tell which site a request comes from.
func aPersonSignsInAndOut(t *testing.T, browser context.Context) {
	for name, hosts := range map[string]struct{ platform, shop string }{
		"all on one host": {"127.0.0.1", "127.0.0.1"},
		"two hosts":       {"127.0.0.1", "localhost"},
		"no TLS":          {"prism.test", "shop.test"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := newPlatform(t)
			shop := openShop(t, srv, clientBy(t, srv, hosts.platform), hosts.shop)
			lin := meet(t, browser, "en")
			page := shop.url + "orders?of=today&q=%E4%BD%A0"
			lin.open(page)
			lin.mustBeAsked()
			lin.signIn("lin", "open sesame")
			lin.mustSee(page, "hello lin")
			lin.mustSee(page, "page /orders?of=today&q=%E4%BD%A0")
			lin.mustSee(page, `the platform says {"@id":"u1","login":"lin","shop":"7"}`)
			if calls := srv.Calls("platform/oauth/user"); len(calls) != 1 || calls[0].UserID != "u1" {
				t.Errorf("calls as the user: %+v", calls)
			}
			if got := ask[string](lin, `fetch("/api").then(r => r.status + r.url)`); got != "200"+shop.url+"api" {
				t.Errorf("a script of the page got %s", got)
			}
			lin.click("form button")
			lin.mustBeAsked()
			lin.open(page)
			lin.mustBeAsked()
			lin.signIn("guo", "open barley")
			lin.mustSee(page, `hello guo`)
		})
	}
}

// clientBy is a client that calls the platform, and sends browsers there, by
// another name.
func clientBy(t *testing.T, srv *prismtest.Server, host string) *prism.Client {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, strings.Replace(address, host, "127.0.0.1", 1))
	}}
	t.Cleanup(transport.CloseIdleConnections)
	cfg := srv.ClientConfig()
	cfg.Server, cfg.HTTPClient = at(srv.URL(), host), &http.Client{Transport: transport}
	client, err := prism.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// A script gets an answer that it can read, and no page of the platform.
func aScriptIsToldThatTheLoginIsOver(t *testing.T, browser context.Context) {
	srv := newPlatform(t)
	shop := openShop(t, srv, srv.Client(), "127.0.0.1")
	lin := meet(t, browser, "en")
	lin.open(shop.url)
	lin.signIn("lin", "open sesame")
	srv.Advance(48 * time.Hour)
	lin.expect("status of 401")
	got := ask[string](lin, `fetch("/api", {method: "POST"}).then(r => r.text().then(text => r.status + text))`)
	if !strings.HasPrefix(got, "401{") || !strings.Contains(got, `"login_required"`) {
		t.Errorf("the script got %s", got)
	}
	lin.mustSee(shop.url, "hello lin") // the old page is still there
	lin.open(shop.url)
	lin.mustBeAsked()
}

func twoDaysLaterThePersonLogsInAgainAndIsWhereTheyWere(t *testing.T, browser context.Context) {
	srv := newPlatform(t)
	shop := openShop(t, srv, srv.Client(), "localhost")
	lin := meet(t, browser, "en")
	lin.open(shop.url)
	lin.signIn("lin", "open sesame")
	srv.Advance(10 * time.Minute)
	lin.open(shop.url + "a")
	lin.mustSee(shop.url+"a", "hello lin")
	srv.Advance(48 * time.Hour)
	lin.open(shop.url + "b")
	lin.mustBeAsked()
	lin.signIn("lin", "open sesame")
	lin.mustSee(shop.url+"b", "hello lin")
}

// An hour after the login the token is renewed, and nobody notices.
func aTokenIsRenewedWhileThePersonWorks(t *testing.T, browser context.Context) {
	srv := newPlatform(t)
	shop := openShop(t, srv, srv.Client(), "127.0.0.1")
	lin := meet(t, browser, "en")
	lin.open(shop.url)
	lin.signIn("lin", "open sesame")
	for range 8 {
		srv.Advance(20 * time.Minute)
		lin.open(shop.url)
		lin.mustSee(shop.url, "the platform says {")
	}
	if n := len(lin.wasAt("/oauth/authorize")); n != 2 { // the page, and the form
		t.Errorf("the browser was at the login page %d times", n)
	}
}

func oneLoginIsForAllApplicationsAndSoIsOneLogout(t *testing.T, browser context.Context) {
	srv := newPlatform(t)
	first := openShop(t, srv, srv.Client(), "127.0.0.1")
	second := openShop(t, srv, srv.ClientFor(srv.NewKey()), "localhost")
	third := openShop(t, srv, srv.ClientFor(srv.NewKey()), "127.0.0.1") // on the host of the first
	lin := meet(t, browser, "en")
	lin.open(first.url)
	lin.signIn("lin", "open sesame")
	for _, other := range []*shop{second, third} {
		lin.open(other.url)
		lin.mustSee(other.url, "hello lin") // without a password
	}
	lin.open(first.url)
	lin.mustSee(first.url, "hello lin")

	lin.open(second.url)
	lin.click("form button")
	lin.mustBeAsked()
	srv.Advance(2 * time.Minute) // what the others have heard last is too old
	for _, other := range []*shop{first, third} {
		lin.open(other.url)
		lin.mustBeAsked()
	}
	lin.signIn("guo", "open barley")
	for _, any := range []*shop{third, second, first} {
		lin.open(any.url)
		lin.mustSee(any.url, "hello guo")
	}
}

// Some browsers have the login page or the callback in their history: the login
// page knows who goes back to it, and sends another code to the callback of before.
func goingBackAfterTheLoginLeadsToThePage(t *testing.T, browser context.Context) {
	srv := newPlatform(t)
	shop := openShop(t, srv, srv.Client(), "127.0.0.1")
	lin := meet(t, browser, "en")
	page := shop.url + "deep/page?of=today"
	lin.open(page)
	lin.signIn("lin", "open sesame")
	lin.mustSee(page, "hello lin")
	login, callback := lin.wasAt("/oauth/authorize")[0], lin.wasAt("/callback")[0]
	for _, behind := range []string{login, callback, login} {
		lin.open(shop.url + "another")
		lin.open(behind)
		lin.mustSee(page, "hello lin")
		srv.Advance(10 * time.Minute) // more than the login may take
	}
	if n := len(lin.wasAt("/callback")); n < 4 {
		t.Errorf("%d callbacks: this test has lost its subject", n)
	}
}

func aPageUnderAnotherHostLogsInByTheHostOfTheCallback(t *testing.T, browser context.Context) {
	for name, hosts := range map[string]struct{ page, callback string }{
		"localhost": {"localhost", "127.0.0.1"},
		"www":       {"www.shop.test", "shop.test"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := newPlatform(t)
			shop := openShop(t, srv, srv.Client(), hosts.callback)
			lin := meet(t, browser, "zh-CN")
			other := strings.Replace(shop.url, hosts.callback, hosts.page, 1)
			lin.open(other + "orders?of=today")
			lin.mustBeAsked()
			lin.signIn("lin", "open sesame")
			lin.mustSee(shop.url+"orders?of=today", "hello lin")
			lin.open(other + "again")
			lin.mustSee(shop.url+"again", "hello lin")
		})
	}
}

func theLoginPageNamesTheApplication(t *testing.T, browser context.Context) {
	for languages, words := range map[string]string{"en": "to continue to ", "zh-CN": ""} {
		srv := newPlatform(t) // its app has no name
		shop := openShop(t, srv, srv.Client(), "127.0.0.1")
		lin := meet(t, browser, languages)
		lin.open(shop.url)
		name := ask[string](lin, "document.querySelector('strong').textContent")
		if name == "" || !strings.Contains(lin.text(), words+name) {
			t.Errorf("%s: the page names %q:\n%s", languages, name, lin.text())
		}
	}
}
