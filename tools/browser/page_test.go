package browser

import (
	"context"
	"strings"
	"testing"
	"unicode"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A person without a mouse signs in, also after a slip, and a screen reader
// says what went wrong.
func theLoginPageIsForKeyboardsAndScreenReaders(t *testing.T, browser context.Context) {
	for name, row := range map[string]struct{ languages, lang string }{
		"English": {"en-GB,en;q=0.9", "en"},
		"Chinese": {"zh-CN,zh;q=0.9,en;q=0.5", "zh"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := newPlatform(t)
			shop := openShop(t, srv, srv.Client(), "127.0.0.1")
			lin := meet(t, browser, row.languages)
			lin.expect("status of 401") // of the slip
			lin.open(shop.url)
			lin.mustBeAccessible(row.lang)
			lin.mustHaveNoAlert()

			lin.mustBeIn("login")
			lin.do(chromedp.KeyEvent("lin" + kb.Tab))
			lin.mustBeIn("password")
			lin.do(chromedp.KeyEvent("open barley"))
			lin.follow(chromedp.KeyEvent(kb.Enter))

			lin.mustBeAsked()
			lin.mustBeAccessible(row.lang)
			lin.mustHearAlert(row.lang)
			if got := ask[string](lin, "document.querySelector('[name=login]').value + ':' + document.querySelector('[name=password]').value"); got != "lin:" {
				t.Errorf("the form holds %q", got)
			}
			lin.tabTo("password")
			lin.do(chromedp.KeyEvent("open sesame"))
			lin.tabTo("") // the button
			lin.follow(chromedp.KeyEvent(kb.Enter))
			lin.mustSee(shop.url, "hello lin")
		})
	}
}

// mustBeIn wants the cursor in this field.
func (p *person) mustBeIn(field string) {
	p.t.Helper()
	if name := ask[string](p, "document.activeElement.name || ''"); name != field {
		p.t.Errorf("the cursor is in %q, want %q", name, field)
	}
}

// tabTo presses Tab until a field has the cursor; the one without a name is the
// button.
func (p *person) tabTo(field string) {
	p.t.Helper()
	const focused = "document.activeElement.tagName + ' ' + (document.activeElement.name || '')"
	for range 10 {
		tag, name, _ := strings.Cut(ask[string](p, focused), " ")
		if name == field && (tag == "INPUT" || tag == "BUTTON") {
			return
		}
		p.do(chromedp.KeyEvent(kb.Tab))
	}
	p.t.Errorf("ten times Tab do not lead to the field %q", field)
}

// mustBeAccessible wants a page in one language whose fields have names, and
// which fits on a small screen.
func (p *person) mustBeAccessible(lang string) {
	p.t.Helper()
	if got := ask[string](p, "document.documentElement.lang"); !strings.HasPrefix(got, lang) {
		p.t.Errorf("the page says that its language is %q, want %q", got, lang)
	}
	if isChinese(p.text()) != (lang == "zh") {
		p.t.Errorf("the page is not in %s:\n%s", lang, p.text())
	}
	for _, role := range []string{"textbox", "button", "heading"} {
		nodes := p.hear(role)
		if len(nodes) == 0 {
			p.t.Errorf("a screen reader finds no %s", role)
		}
		for _, name := range nodes {
			if name == "" {
				p.t.Errorf("a %s has no name", role)
			}
		}
	}
	p.do(chromedp.EmulateViewport(320, 480))
	if width := ask[int](p, "document.documentElement.scrollWidth"); width > 320 {
		p.t.Errorf("the page is %d pixels wide on a screen of 320", width)
	}
	p.do(chromedp.ResetViewport())
}

func isChinese(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

func (p *person) mustHaveNoAlert() {
	p.t.Helper()
	if n := len(p.hear("alert")); n > 0 {
		p.t.Errorf("%d alerts before anything went wrong", n)
	}
}

func (p *person) mustHearAlert(lang string) {
	p.t.Helper()
	text := ask[string](p, "document.querySelector('[role=alert]')?.innerText || ''")
	if n := len(p.hear("alert")); n != 1 || text == "" || isChinese(text) != (lang == "zh") {
		p.t.Errorf("%d alerts, and it says %q", n, text)
	}
}

// hear returns the names of the parts of the page that a screen reader knows
// by this role.
func (p *person) hear(role string) []string {
	p.t.Helper()
	return run(p, func(ctx context.Context, tab *chromedp.Target) ([]string, error) {
		tree, err := cdp.Call(ctx, tab, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		var names []string
		for _, node := range tree.Nodes {
			if !node.Ignored && textOf(node.Role) == role {
				names = append(names, textOf(node.Name))
			}
		}
		return names, err
	})
}

func textOf(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	return strings.Trim(string(v.Value), `"`)
}
