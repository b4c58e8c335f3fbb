package browser

import (
	"context"
	_ "embed"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/prismtest"
)

// axe is axe-core 4.14.1 as published, which finds what keeps people from using a page. Its
// licence is beside it.
//
//go:embed testdata/axe/axe.min.js
var axe string

// mostPages bounds the pages that are looked at, one of each kind.
const mostPages = 40

// Whoever opens a page of the console can read and use it: in both languages, by day and by
// night, on a telephone and on a large screen, with a screen reader. Each page that is
// linked is there.
func everyPageOfTheConsoleIsForEverybody(t *testing.T, browser context.Context) {
	srv := busyPlatform(t)
	for name, row := range map[string]struct {
		languages, lang, scheme string
		width                   int64
	}{
		"English, by day, a telephone":      {"en", "en", "light", 375},
		"Chinese, by night, a large screen": {"zh-CN,zh;q=0.9", "zh", "dark", 1920},
	} {
		t.Run(name, func(t *testing.T) {
			p := meet(t, browser, row.languages)
			p.screen(row.width, row.scheme)
			p.enter(srv)
			p.walkTheConsole(func(page string) { p.mustBeForEverybody(page, row.lang) })
		})
	}
}

// What the overview asks for by itself shows what is new, but not while somebody reads the
// table of its curves.
func theOverviewGoesOnAndLeavesWhatIsRead(t *testing.T, browser context.Context) {
	srv := busyPlatform(t)
	p := meet(t, browser, "en")
	p.enter(srv)
	const number = `document.querySelector("#now .number").textContent`
	before := ask[string](p, number)
	if _, err := srv.Client().Get(t.Context(), "shop/items/item/7", nil); err != nil {
		t.Fatal(err)
	}
	if after := ask[string](p, `new Promise(done => {
		document.addEventListener("htmx:after:swap", () => done(`+number+`), {once: true});
		htmx.trigger(document.querySelector("#now"), "every");
	})`); before != "1" || after != "2" {
		t.Errorf("the overview tells of %s calls, and after one more of %s", before, after)
	}
	if ask[bool](p, `new Promise(done => {
		document.querySelector("details.numbers").open = true;
		document.addEventListener("htmx:before:request", e => done(!e.defaultPrevented), {once: true});
		htmx.trigger(document.querySelector("#now"), "every");
	})`) {
		t.Error("a table is taken away from whoever reads it")
	}
}

// busyPlatform has something of all that the console shows.
func busyPlatform(t *testing.T) *prismtest.Server {
	srv := newPlatform(t)
	client := srv.Client()
	for _, body := range []string{"first", "<b>second</b>"} {
		if _, err := client.Post(t.Context(), "platform/notify/write", prism.Params{"routing_key": "order.new", "data": body}); err != nil {
			t.Fatal(err)
		}
	}
	srv.Serve(&apijson.Service{
		Prefix: "shop/items", Summary: "The items of a shop", Mode: apijson.Path,
		APIs: []apijson.API{{
			ID: "items.get", Path: "item/{id}", Methods: []string{"GET"}, Summary: "One item", Notes: "Answers with *one* item.\n\n<script>alert(1)</script>",
			Params: []apijson.Parameter{{Name: "fields", Description: "which members to answer with"}},
		}},
	}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"name":"<b>tea</b>","price":"12.50"}`)
	}))
	cfg := srv.ClientConfig()
	cfg.Secret = "another"
	stranger, err := prism.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Get(t.Context(), "shop/items/item/7", prism.Params{"fields": "name"}); err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.Get(t.Context(), "shop/items/item/7", nil); err == nil {
		t.Fatal("a wrong signature was accepted")
	}
	return srv
}

func (p *person) screen(width int64, scheme string) {
	p.t.Helper()
	p.do(chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1})
		if err != nil {
			return err
		}
		_, err = cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		return err
	}))
}

// siteOf returns the address of the platform without a path.
func siteOf(srv *prismtest.Server) string { return strings.TrimSuffix(srv.URL(), "/api") }

// enter opens the console by a link.
func (p *person) enter(srv *prismtest.Server) {
	p.t.Helper()
	p.enterAt(srv, siteOf(srv))
}

// makeLinOperator gives lin the role of an operator, as somebody who may do that.
func (p *person) makeLinOperator(srv *prismtest.Server) {
	p.t.Helper()
	p.open(siteOf(srv) + "/console/users/user?login=lin")
	p.do(chromedp.SetValue(chromedp.CSS("#role"), "operator"))
	p.click(`form[action="/console/users/role"] button`)
}

// enterAt is enter by a proxy at another site.
func (p *person) enterAt(srv *prismtest.Server, site string) {
	p.t.Helper()
	p.open(strings.Replace(srv.Console(), siteOf(srv), site, 1))
	p.click("main button")
	if at := p.place(); !strings.HasSuffix(at.Path, "/console/") || p.status != 200 {
		p.t.Fatalf("the link leads to %s, %d:\n%s", at, p.status, p.text())
	}
}

// numbered is what makes pages of one kind different.
var numbered = regexp.MustCompile(`[A-Z2-7]{26}|[0-9a-z]{8,}|[0-9]+`)

// walkTheConsole follows links from the page on the screen, and calls look for one page of
// each kind. All have to be there.
func (p *person) walkTheConsole(look func(page string)) {
	p.t.Helper()
	first := p.place()
	pages, kinds := []string{first.String()}, []string{first.Path}
	for i := 0; i < len(pages) && i < mostPages; i++ {
		if p.open(pages[i]); p.status != 200 {
			p.t.Errorf("%s is answered with %d", pages[i], p.status)
			continue
		}
		look(pages[i])
		for _, link := range ask[[]string](p, "[...document.querySelectorAll('a[href]')].map(a => a.href)") {
			u, err := url.Parse(link)
			if err != nil || u.Host != first.Host || !strings.HasPrefix(u.Path, "/console/") {
				continue
			}
			u.Fragment = ""
			kind := numbered.ReplaceAllString(u.Path, "#") + " " + strings.Join(slices.Sorted(maps.Keys(u.Query())), " ")
			if !slices.Contains(kinds, kind) && u.Path != first.Path {
				pages, kinds = append(pages, u.String()), append(kinds, kind)
			}
		}
	}
	if len(pages) < 15 {
		p.t.Errorf("a walk leads to these pages only: %q", pages)
	}
}

// mustBeForEverybody looks at the page on the screen.
func (p *person) mustBeForEverybody(page, lang string) {
	p.t.Helper()
	if got := ask[string](p, "document.documentElement.lang"); !strings.HasPrefix(got, lang) {
		p.t.Errorf("%s says that its language is %q", page, got)
	}
	if wide := ask[int](p, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); wide > 0 {
		widest := ask[string](p, "[...document.querySelectorAll('main *, header *')].filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth && !e.closest('.scroll, pre')).map(e => e.outerHTML.slice(0, 150)).slice(0, 3).join('\n')")
		p.t.Errorf("%s is %d pixels wider than the screen, by\n%s", page, wide, widest)
	}
	ask[bool](p, axe+"; true")
	text := ask[string](p, `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}).then(r =>
		JSON.stringify(r.violations.map(v => [v.impact, v.id, v.help, ...v.nodes.slice(0, 3).map(n => n.html.slice(0, 200))])))`)
	var found [][]string
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		p.t.Fatal(err)
	}
	for _, violation := range found {
		if violation[0] == "serious" || violation[0] == "critical" {
			p.t.Errorf("%s: %q", page, violation)
		} else {
			p.t.Logf("%s: %q", page, violation)
		}
	}
}
