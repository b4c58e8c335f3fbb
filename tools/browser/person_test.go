package browser

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A person looks at one page at a time. What the browser complains about on the
// console fails the test, unless it was expected.
type person struct {
	t      *testing.T
	ctx    context.Context
	status int64 // of the page that was loaded last

	heard      chan struct{} // holds one when there may be a new complaint
	mu         sync.Mutex    // guards what follows
	visited    []string      // pages that were asked for, redirects included
	complaints []string
	expected   []string
}

// meet returns a person with cookies of their own who reads languages, such as
// "zh-CN,zh;q=0.9".
func meet(t *testing.T, browser context.Context, languages string) *person {
	t.Helper()
	p := &person{t: t, heard: make(chan struct{}, 1)}
	var leave context.CancelFunc
	p.ctx, leave = chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.notice))
	t.Cleanup(leave)
	t.Cleanup(p.mustNotHaveComplained)
	p.do(chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetUserAgentOverride,
			emulation.SetUserAgentOverrideParams{UserAgent: "Mozilla/5.0 Chromium", AcceptLanguage: languages})
		return err
	}))
	return p
}

func (p *person) notice(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if e.Type == network.ResourceTypeDocument {
			p.visited = append(p.visited, e.Request.URL)
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			p.complain(fmt.Sprintf("%s: %s", e.Entry.Source, e.Entry.Text))
		}
	case *runtime.EventExceptionThrown:
		p.complain("exception: " + e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		p.complain(fmt.Sprintf("console.%s", e.Type))
	}
}

// complain is called with mu held.
func (p *person) complain(what string) {
	p.complaints = append(p.complaints, what)
	select {
	case p.heard <- struct{}{}:
	default:
	}
}

// expect lets the browser complain about something.
func (p *person) expect(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = append(p.expected, text)
}

func (p *person) mustNotHaveComplained() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.complaints {
		if !slices.ContainsFunc(p.expected, func(text string) bool { return strings.Contains(c, text) }) {
			p.t.Errorf("the browser complained: %s", c)
		}
	}
}

// mustComplain waits for a complaint of the browser.
func (p *person) mustComplain(text string) {
	p.t.Helper()
	p.expect(text)
	late := time.After(patience)
	for !p.complained(text) {
		select {
		case <-p.heard:
		case <-late:
			p.t.Fatalf("the browser did not complain of %s", text)
		}
	}
}

func (p *person) complained(text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.complaints, func(c string) bool { return strings.Contains(c, text) })
}

// wasAt returns the pages with this path that were asked for.
func (p *person) wasAt(path string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var at []string
	for _, address := range p.visited {
		if u, err := url.Parse(address); err == nil && u.Path == path {
			at = append(at, address)
		}
	}
	return at
}

func (p *person) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	run(p, chromedp.Steps(steps...))
}

func run[T any](p *person, step chromedp.Action[T]) T {
	p.t.Helper()
	if chromedp.FromContext(p.ctx).Target == nil { // its life is that of the context that opens it
		if err := chromedp.Do(p.ctx); err != nil {
			p.t.Fatalf("no new page: %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	result, err := chromedp.Run(ctx, step)
	if err != nil {
		p.t.Fatalf("%v, after %q", err, p.visited)
	}
	return result
}

func ask[T any](p *person, expression string) T {
	p.t.Helper()
	return run(p, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// open types an address.
func (p *person) open(address string) {
	p.t.Helper()
	p.status = run(p, chromedp.NavigateResponse(address)).Status
}

// follow does what leads to another page, and waits for that.
func (p *person) follow(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	run(p, func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		resp, err := chromedp.RunResponse(ctx, steps...)
		if err == nil && resp == nil {
			err = errors.New("no page was loaded")
		}
		if err == nil {
			p.status = resp.Status
		}
		return chromedp.Void{}, err
	})
}

func (p *person) click(selector string) {
	p.t.Helper()
	p.follow(chromedp.Click(chromedp.CSS(selector)))
}

// signIn fills in the login form that is on the screen.
func (p *person) signIn(login, password string) {
	p.t.Helper()
	p.mustBeAsked()
	p.do(chromedp.Clear(chromedp.CSS("input[name=login]")),
		chromedp.SendKeys(chromedp.CSS("input[name=login]"), login),
		chromedp.SendKeys(chromedp.CSS("input[name=password]"), password))
	p.follow(chromedp.KeyEvent(kb.Enter))
}

func (p *person) text() string {
	p.t.Helper()
	return ask[string](p, "document.body.innerText")
}

func (p *person) place() *url.URL {
	p.t.Helper()
	at, err := url.Parse(run(p, chromedp.Location()))
	if err != nil {
		p.t.Fatal(err)
	}
	return at
}

// mustSee wants a page with this text, at this address.
func (p *person) mustSee(address, text string) {
	p.t.Helper()
	if at := p.place().String(); at != address || !strings.Contains(p.text(), text) {
		p.t.Fatalf("HTTP %d from %s, want %q from %s:\n%s", p.status, at, text, address, p.text())
	}
}

// mustBeAsked wants the platform's login page.
func (p *person) mustBeAsked() {
	p.t.Helper()
	if at := p.place(); at.Path != "/oauth/authorize" || !ask[bool](p, "!!document.querySelector('form input[type=password]')") {
		p.t.Fatalf("HTTP %d from %s, want the login page:\n%s", p.status, at, p.text())
	}
}

// cookies returns those of this person, by name, that a host gets.
func (p *person) cookies(host string) map[string]string {
	p.t.Helper()
	all := run(p, func(ctx context.Context, tab *chromedp.Target) ([]*network.Cookie, error) {
		res, err := cdp.Call(ctx, tab, network.GetCookies, network.GetCookiesParams{URLs: []string{"http://" + host + "/"}})
		return res.Cookies, err
	})
	found := make(map[string]string)
	for _, c := range all {
		if !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax {
			p.t.Errorf("the cookie %s can be read by scripts or sent by other sites", c.Name)
		}
		found[c.Name] = c.Value
	}
	return found
}

// plant puts a cookie into the browser.
func (p *person) plant(address, name, value string) {
	p.t.Helper()
	p.do(chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: address})
		return err
	}))
}
