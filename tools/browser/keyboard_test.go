package browser

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/prismtest"
)

// mostTabs bounds how often Tab is pressed to get to one part of a page.
const mostTabs = 80

// menu has what is before the content of a page and used here.
var menu = []string{"APIs", "中文", "退出登录"}

// A move is Tab until the part of the page with this name is in focus, and then keys.
type move struct{ to, keys string }

// Whoever has no mouse can do in the console what others do, sees where they are, and need
// not go through the menu on each page.
func theConsoleNeedsNoMouse(t *testing.T, browser context.Context) {
	srv := busyPlatform(t)
	for _, body := range []string{"put back", "thrown away"} {
		parkOne(t, srv, body)
	}
	p := meet(t, browser, "en")
	p.enter(srv)
	p.becomeOperator(srv)

	p.open(p.console(srv) + "live")
	p.skipTheMenu()
	p.tabOn("Pause")
	p.do(chromedp.KeyEvent(" "))
	p.tabOn("Go on")
	p.do(chromedp.KeyEvent(kb.Enter))
	p.tabOn("Pause")

	key := srv.Key()
	ofQueue := "queues/" + key
	parked := "parked?" + url.Values{"key": {key}}.Encode()
	newest := srv.Parked("")[0].Message.ID
	for _, row := range []struct {
		act, page string // where they are, if it is not the page before
		moves     []move // the last of them is followed by Enter, which leads to a page
		sees      string
	}{
		{"go by the menu", "", []move{{"APIs", ""}}, "1 services, 1 APIs"},
		{"search", "", []move{{"Find APIs by path, method ID or summary", "items.get"}}, "One item"},
		{"open what was found", "", []move{{"items.get", ""}}, "Try it"},
		{"try a call", "", []move{{"Key", key}, {"fields", "name"}, {"Send", ""}}, "the call in detail"},
		{"open a refused call", "calls?failed=1", []move{{"GET /api/shop/items/item/7", ""}}, "Edit and replay"},
		{"edit it", "", []move{{"Edit and replay", ""}}, "Path and query"},
		{"replay it", "", []move{{"Path and query", "/api/shop/items/item/8"}, {"Replay", ""}}, "The call was made again"},
		{"bind", ofQueue, []move{{"Pattern", "goods.#"}, {"Add binding", ""}}, "The binding was added."},
		{"unbind", "", []move{{"Remove goods.#", ""}}, "The binding was removed."},
		{"put a message", "", []move{{"Put a message into this queue", kb.Enter}, {"Body", "by hand"}, {"Put", ""}}, "The message is in the queue."},
		{"peek", "", []move{{"All messages", ""}}, "by hand"},
		{"put one back", parked, []move{{"Put back " + fmt.Sprint(newest), ""}}, "The messages were put back."},
		{"discard the other", parked, []move{{"To confirm, type " + key, key}, {"Discard (1)", ""}}, "The messages were discarded."},
		{"create an app", "apps", []move{{"Name", "Till"}, {"ID", "till"}, {"Create", ""}}, "The app was created."},
		{"create a key", "", []move{{"Create", ""}}, "This secret is shown now"},
		{"go on to the key", "", []move{{"I have it: go on to the key", ""}}, "New secret"},
		{"rotate it", "", []move{{"Make a new secret", ""}}, "The old secret is good, too"},
		{"return to the key", "", []move{{"I have it: go on to the key", ""}}, "New secret"},
		{"switch it off", "", []move{{"Switch off now", ""}}, "The key is switched off."},
		{"switch it on", "", []move{{"Switch on, for ever", ""}}, "The key is switched on."},
		{"disable the app", "apps/till", []move{{"To confirm, type till", "till"}, {"Disable", ""}}, "The app was disabled."},
		{"read Chinese", "apps", []move{{"中文", ""}}, "退出登录"},
		{"leave", "", []move{{"退出登录", ""}}, "Sign in"},
	} {
		if row.page != "" {
			p.open(p.console(srv) + row.page)
		}
		if !slices.Contains(menu, row.moves[0].to) {
			p.skipTheMenu()
		}
		for i, m := range row.moves {
			p.tabOn(m.to)
			if m.keys != "" {
				p.do(chromedp.KeyEvent(m.keys))
			}
			if i == len(row.moves)-1 {
				p.follow(chromedp.KeyEvent(kb.Enter))
			}
		}
		if p.status != 200 || !strings.Contains(p.text(), row.sees) {
			t.Fatalf("%s: HTTP %d from %s, want %q:\n%s", row.act, p.status, p.place(), row.sees, p.text())
		}
	}
}

// parkOne writes a message into the default queue and parks it.
func parkOne(t *testing.T, srv *prismtest.Server, body string) {
	t.Helper()
	srv.Write("", body)
	all := srv.Peek("")
	if _, err := srv.Client().Post(t.Context(), "platform/notify/queue/park", prism.Params{"id": fmt.Sprint(all[len(all)-1].Message.ID), "reason": "no stock"}); err != nil {
		t.Fatal(err)
	}
}

// console is the address of its first page.
func (p *person) console(srv *prismtest.Server) string {
	return siteOf(srv) + "/console/"
}

// becomeOperator gives lin a role, and logs in as lin without a mouse.
func (p *person) becomeOperator(srv *prismtest.Server) {
	p.t.Helper()
	p.makeLinOperator(srv)
	p.tabOn("Sign out")
	p.follow(chromedp.KeyEvent(kb.Enter))
	p.open(p.console(srv) + "login")
	p.mustBeIn("login")
	p.do(chromedp.KeyEvent("lin" + kb.Tab + "open sesame"))
	p.follow(chromedp.KeyEvent(kb.Enter))
}

// skipTheMenu wants the first part of the page to lead past its menu, and goes there.
func (p *person) skipTheMenu() {
	p.t.Helper()
	p.do(chromedp.KeyEvent(kb.Tab))
	if at := p.focus(); at.Name != "Skip to the content" || !at.Visible || !at.Inside {
		p.t.Errorf("the first Tab leads to %+v", at)
	}
	p.do(chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent(kb.Tab))
	if !ask[bool](p, `document.activeElement.closest("main") !== null`) {
		p.t.Errorf("from the link past the menu Tab leads to %+v", p.focus())
	}
}

// tabOn presses Tab until the part of the page with this name is in focus. All on the way can
// be seen to be in focus.
func (p *person) tabOn(name string) {
	p.t.Helper()
	var passed []string
	for range mostTabs {
		at := p.focus()
		if at.Name != "" && !at.Visible {
			p.t.Errorf("nobody sees that %q is in focus at %s", at.Name, p.place())
		}
		if at.Name == name {
			return
		}
		passed = append(passed, at.Name)
		p.do(chromedp.KeyEvent(kb.Tab))
	}
	p.t.Fatalf("%s has no %q among what Tab leads to: %q\n%s", p.place(), name, passed, p.text())
}

// A focused part of a page: its name, whether an outline shows it, and whether it is on the
// screen.
type focused struct {
	Name            string
	Visible, Inside bool
}

func (p *person) focus() focused {
	p.t.Helper()
	return ask[focused](p, `(() => {
		const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
		if (e === document.body) return {Name: "", Visible: false, Inside: false};
		return {
			Name: (e.getAttribute("aria-label") || e.labels?.[0]?.firstChild.textContent || e.textContent).trim(),
			Visible: style.outlineStyle !== "none" && style.outlineWidth !== "0px",
			Inside: box.left >= 0 && box.top >= 0,
		};
	})()`)
}
