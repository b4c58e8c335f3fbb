package browser

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/shopex/prism-go/prismtest"
)

// A front is a proxy before the platform, which answers with an error of its own, or not at
// all, while the platform is away.
type front struct {
	url   string
	state atomic.Int32 // here, away or silent
	proxy *httputil.ReverseProxy
}

const (
	here = iota
	away
	silent
)

func openFront(t *testing.T, srv *prismtest.Server) *front {
	t.Helper()
	back, err := url.Parse(srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	back.Path = ""
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	f := &front{proxy: &httputil.ReverseProxy{Transport: transport, ErrorLog: log.New(io.Discard, "", 0), Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(back)
		r.Out.Host = r.In.Host
	}}}
	f.url = srv.Site(f)
	return f
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch f.state.Load() {
	case away:
		http.Error(w, "502 Bad Gateway", http.StatusBadGateway)
	case silent:
		panic(http.ErrAbortHandler)
	default:
		f.proxy.ServeHTTP(w, r)
	}
}

// While the platform is away a page says so and keeps what it shows; when it is back the
// page goes on, and nobody had to do anything.
func aPageOutlivesThePlatform(t *testing.T, browser context.Context) {
	srv := busyPlatform(t)
	front := openFront(t, srv)
	p := meet(t, browser, "en")
	p.expect("status of 502")
	p.expect("net::ERR_")     // of a connection that ended
	p.expect("console.error") // by htmx, of each of these
	p.enterAt(srv, front.url)
	for name, state := range map[string]int32{"away": away, "silent": silent} {
		front.state.Store(state)
		if said := p.poll(); !strings.Contains(said, "The platform does not answer") {
			t.Errorf("%s: the overview says %q", name, said)
		}
		if n := ask[int](p, `document.querySelectorAll("#now .number").length`); n == 0 {
			t.Errorf("%s: the overview shows nothing any more", name)
		}
		front.state.Store(here)
		if said := p.poll(); said != "" {
			t.Errorf("%s: the platform is back, and the overview says %q", name, said)
		}
	}

	p.open(front.url + "/console/live?api=shop")
	p.await(`document.querySelector("[data-state]").textContent === "Connected"`)
	front.state.Store(away)
	srv.Cut()
	p.await(`document.querySelector("[data-state]").textContent.includes("does not answer")`)
	srv.Restart()
	front.state.Store(here)
	p.await(`document.querySelector("[data-state]").textContent === "Connected"`)
	if _, err := srv.Client().Get(t.Context(), "shop/items/item/7", nil); err != nil {
		t.Fatal(err)
	}
	p.await(`document.querySelector(".live tbody").innerText.includes("shop/items")`)

	p.expect("status of 400")
	p.expect("EventSource's response has a MIME type")
	p.open(front.url + "/console/live?client=nobody&routing_key=" + strings.Repeat("x", 2000))
	p.await(`document.querySelector("[data-state]").textContent.includes("refuses this filter")`)
}

// A page on which the session ends leads to the login, and from there back.
func anEndedSessionLeadsBackToThePage(t *testing.T, browser context.Context) {
	srv := busyPlatform(t)
	p := meet(t, browser, "en")
	p.expect("status of 401")
	p.expect("net::ERR_")                              // of the connection that is cut
	p.expect("EventSource's response has a MIME type") // the login page
	p.enter(srv)
	site := siteOf(srv)
	p.makeLinOperator(srv)

	p.open(site + "/console/?past=month") // asks for itself anew
	srv.Advance(31 * time.Minute)
	p.follow(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`htmx.trigger(document.querySelector("#now"), "every"); true`))
		return err
	}))
	p.logIn("lin", "open sesame")
	p.mustSee(site+"/console/?past=month", "lin operator")

	p.open(site + "/console/live?api=shop")
	p.await(`document.querySelector("[data-state]").textContent === "Connected"`)
	srv.Advance(31 * time.Minute)
	srv.Cut()
	p.await(`!document.querySelector("[data-again]").hidden`)
	p.click("[data-again]")
	p.logIn("lin", "open sesame")
	p.mustSee(site+"/console/live?api=shop", "lin operator")

	p.open(site + "/console/queues/" + srv.Key()) // a form
	srv.Advance(31 * time.Minute)
	p.click(`form[action="/console/language"] button`)
	p.click("main a.button")
	p.logIn("lin", "open sesame")
	p.mustSee(site+"/console/queues/"+srv.Key(), "lin operator")
}

// logIn fills in the console's login form that is on the screen.
func (p *person) logIn(login, password string) {
	p.t.Helper()
	if at := p.place(); at.Path != "/console/login" {
		p.t.Fatalf("HTTP %d from %s, want the login page:\n%s", p.status, at, p.text())
	}
	p.do(chromedp.SendKeys(chromedp.CSS("#login"), login), chromedp.SendKeys(chromedp.CSS("#password"), password))
	p.follow(chromedp.KeyEvent(kb.Enter))
}

// poll lets the overview ask for itself anew, and returns what it then says of the platform.
func (p *person) poll() string {
	p.t.Helper()
	return ask[string](p, `new Promise(done => {
		document.addEventListener("htmx:finally:request", () => done(document.querySelector("[data-stale]").textContent), {once: true});
		htmx.trigger(document.querySelector("#now"), "every");
	})`)
}

// await waits until a condition is true on the page.
func (p *person) await(condition string) {
	p.t.Helper()
	ask[bool](p, `new Promise(done => {
		const look = () => `+condition+` && done(true);
		new MutationObserver(look).observe(document, {subtree: true, childList: true, characterData: true, attributes: true});
		look();
	})`)
}
