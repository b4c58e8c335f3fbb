package browser

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"

	"github.com/shopex/prism-go/prismtest"
)

// jar is a browser of a thief with these cookies.
func jar(t *testing.T, srv *prismtest.Server, page string, cookies map[string]string) *http.Client {
	t.Helper()
	at, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	thief := srv.Browser()
	for name, value := range cookies {
		thief.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
	}
	return thief
}

// mustBeOutside wants this browser to be led to the login.
func mustBeOutside(t *testing.T, browser *http.Client, page string) {
	t.Helper()
	resp, err := browser.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.Request.URL.Path != "/oauth/authorize" || resp.StatusCode != http.StatusOK {
		t.Errorf("the thief got HTTP %d from %s", resp.StatusCode, resp.Request.URL.Path)
	}
}

func cookiesFromBeforeTheLoginAreWorthNothingAfterIt(t *testing.T, browser context.Context) {
	srv := newPlatform(t)
	shop := openShop(t, srv, srv.Client(), "127.0.0.1")
	lin := meet(t, browser, "en")
	lin.open(shop.url)
	lin.mustBeAsked()
	before := lin.cookies("127.0.0.1") // of the platform, too: it has the same host
	lin.signIn("lin", "open sesame")
	lin.mustSee(shop.url, "hello lin")
	mustBeOutside(t, jar(t, srv, shop.url, before), shop.url)

	after := lin.cookies("127.0.0.1")
	lin.click("form button")
	lin.mustBeAsked()
	mustBeOutside(t, jar(t, srv, shop.url, after), shop.url)
}

// A thief who can put cookies into somebody's browser, or whose own ones they
// are, does not get in with them once that person has logged in.
func plantedCookiesAreWorthNothingAfterTheLogin(t *testing.T, browser context.Context) {
	srv := newPlatform(t)
	shop := openShop(t, srv, srv.Client(), "127.0.0.1")
	guo := meet(t, browser, "en") // is the thief
	guo.open(shop.url)
	guo.signIn("guo", "open barley")
	own := guo.cookies("127.0.0.1")
	guo.click("form button")
	made := maps.Clone(own)
	for name := range made {
		made[name] = "abcdefghijklmnopqrstuvwxyz0123456789"
	}
	for name, cookies := range map[string]map[string]string{"made up": made, "of an earlier session": own} {
		t.Run(name, func(t *testing.T) {
			lin := meet(t, browser, "en")
			for name, value := range cookies {
				lin.plant(shop.url, name, value)
			}
			lin.open(shop.url)
			lin.signIn("lin", "open sesame")
			lin.mustSee(shop.url, "hello lin")
			mustBeOutside(t, jar(t, srv, shop.url, cookies), shop.url)
		})
	}
}

// What somebody had before the login stays theirs, but not by the same cookie.
func aSessionChangesItsIDAtTheLogin(t *testing.T, browser context.Context) {
	srv := newPlatform(t)
	shop := openShopOver(t, srv, srv.Client(), "127.0.0.1", &scs.SessionManager{ // as scs.New has it, without its goroutine
		Lifetime: time.Hour,
		Store:    memstore.NewWithCleanupInterval(0),
		Codec:    scs.GobCodec{},
		Cookie:   scs.SessionCookie{Name: "session", Path: "/"},
		ErrorFunc: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		},
	})
	lin := meet(t, browser, "en")
	lin.open(shop.url + "cart")
	lin.mustSee(shop.url+"cart", "1 in the cart")
	before := lin.cookies("127.0.0.1")
	lin.open(shop.url)
	lin.signIn("lin", "open sesame")
	lin.mustSee(shop.url, "hello lin")
	mustBeOutside(t, jar(t, srv, shop.url, before), shop.url)
	lin.open(shop.url + "cart")
	lin.mustSee(shop.url+"cart", "2 in the cart")

	during := lin.cookies("127.0.0.1")
	lin.open(shop.url)
	lin.click("form button")
	mustBeOutside(t, jar(t, srv, shop.url, during), shop.url)
	lin.open(shop.url + "cart")
	lin.mustSee(shop.url+"cart", "1 in the cart")
}
