package platform_test

import (
	"context"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

const annsPassword = "correct horse battery"

// pageEnv is a platform with two apps, on whose pages ann can log in.
type pageEnv struct {
	*tokenEnv
	users *countingUsers
}

// countingUsers counts who is let through to Users, and may do something else
// in its stead.
type countingUsers struct {
	platform.Users
	asked   atomic.Int64
	instead func(ctx context.Context, login, password string) (platform.User, error)
}

func (u *countingUsers) Authenticate(ctx context.Context, login, password string) (platform.User, error) {
	u.asked.Add(1)
	if u.instead != nil {
		return u.instead(ctx, login, password)
	}
	return u.Users.Authenticate(ctx, login, password)
}

var annsHash = sync.OnceValues(func() (string, error) { return platform.HashPassword(annsPassword, 1) })

func newPageEnv(t testing.TB, cfg platform.Config) *pageEnv {
	t.Helper()
	hash, err := annsHash()
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Store == nil {
		cfg.Store = twoApps()
	}
	users := cheapRegistry(cfg.Store)
	if err := users.SaveUser(t.Context(), ann(), hash); err != nil {
		t.Fatal(err)
	}
	e := &pageEnv{&tokenEnv{at: time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)}, &countingUsers{Users: users}}
	cfg.Users, cfg.Now, e.store = e.users, e.now, cfg.Store
	e.env = newEnv(t, cfg)
	return e
}

func twoApps() *memory.Store {
	s := twoKeys()
	s.AddApp(
		platform.App{ID: "shop", Redirects: []string{callback, "https://shop.example/bye", "http://127.0.0.1/cb", "http://[::1]/cb"}},
		platform.App{ID: "other", Redirects: []string{"https://other.example/cb"}})
	return s
}

// browser is what a user has in front of them. It does not follow redirects.
type browser struct {
	e      *pageEnv
	t      testing.TB
	client *http.Client
}

func (e *pageEnv) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		e.t.Fatal(err)
	}
	client := *e.client
	client.Jar = jar
	return &browser{e, e.t, &client}
}

// view is what a browser gets.
type view struct {
	t        testing.TB
	status   int
	header   http.Header
	body     string
	location string
}

// open sends a request; header is name, value, name, value ...
func (b *browser) open(method, path string, form url.Values, header ...string) view {
	b.t.Helper()
	v, err := b.try(context.Background(), method, path, form, header...)
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

func (b *browser) try(ctx context.Context, method, path string, form url.Values, header ...string) (view, error) {
	req, err := http.NewRequestWithContext(ctx, method, b.e.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		return view{}, err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return view{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return view{b.t, resp.StatusCode, resp.Header, string(body), resp.Header.Get("Location")}, err
}

func (b *browser) get(path string, header ...string) view {
	b.t.Helper()
	return b.open("GET", path, nil, header...)
}

var tokenField = regexp.MustCompile(`<input type="hidden" name="form_token" value="([^"]*)">`)

// form returns the fields of the page's form that nobody types.
func (v view) form() url.Values {
	v.t.Helper()
	found := tokenField.FindStringSubmatch(v.body)
	if found == nil {
		v.t.Fatalf("the page has no form; status %d, body %s", v.status, v.body)
	}
	return url.Values{"form_token": {html.UnescapeString(found[1])}}
}

// want fails unless the page has the status, is no redirect, and has the texts.
func (v view) want(status int, texts ...string) {
	v.t.Helper()
	if v.status != status || v.location != "" {
		v.t.Fatalf("answered %d, Location %q, want %d; body %s", v.status, v.location, status, v.body)
	}
	contains(v.t, v.body, texts...)
}

// sentTo returns the query with which the browser is sent to address.
func (v view) sentTo(address string) url.Values {
	v.t.Helper()
	rest, ok := strings.CutPrefix(v.location, address)
	if v.status != http.StatusSeeOther || !ok || rest != "" && rest[0] != '?' && rest[0] != '&' {
		v.t.Fatalf("answered %d, Location %q, want 303 to %s; body %s", v.status, v.location, address, v.body)
	}
	query, err := url.ParseQuery(strings.TrimLeft(rest, "?&"))
	if err != nil {
		v.t.Fatal(err)
	}
	return query
}

// authorizePath is where an app sends a browser; more is name, value, ... and an
// empty value takes a parameter away.
func authorizePath(more ...string) string {
	query := url.Values{"client_id": {testKey}, "redirect_uri": {callback}, "response_type": {"code"}, "state": {"st4te"}}
	for i := 0; i+1 < len(more); i += 2 {
		query.Del(more[i])
		if more[i+1] != "" {
			query.Set(more[i], more[i+1])
		}
	}
	return "/oauth/authorize?" + query.Encode()
}

// logIn opens an authorize page and fills in its form.
func (b *browser) logIn(path, login, password string) view {
	b.t.Helper()
	page := b.get(path)
	page.want(200)
	form := page.form()
	form.Set("login", login)
	form.Set("password", password)
	return b.open("POST", path, form)
}

// loggedIn returns a browser in which ann is logged in, for the first app.
func (e *pageEnv) loggedIn() *browser {
	e.t.Helper()
	b := e.browser()
	b.logIn(authorizePath(), "ann", annsPassword).sentTo(callback)
	return b
}

// cookie returns what the browser has under a name.
func (b *browser) cookie(name string) string {
	b.t.Helper()
	at, err := url.Parse(b.e.url)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(at) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (b *browser) setCookie(name, value string) {
	b.t.Helper()
	at, err := url.Parse(b.e.url)
	if err != nil {
		b.t.Fatal(err)
	}
	b.client.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// session reports whether the platform knows the browser's session.
func (b *browser) session() bool {
	b.t.Helper()
	return b.e.knows(b.cookie("prism_session"))
}

func (e *pageEnv) knows(cookie string) bool {
	e.t.Helper()
	known, err := e.p.Known(e.t.Context(), cookie)
	if err != nil {
		e.t.Fatal(err)
	}
	return known
}

// exchange returns the tokens for a code of the first app.
func (e *pageEnv) exchange(code string) tokenReply {
	e.t.Helper()
	r := e.token(first(), codeParams(code))
	r.want(e.t, 200, "")
	return r.tokens
}

// brokenStore fails at what it is told to.
type brokenStore struct {
	platform.Store
	load   string // the kind of records that cannot be loaded
	remove bool
}

var errBroken = errors.New("the disk of the store is on fire")

func (s *brokenStore) Load(ctx context.Context, kind, id string) (platform.Record, error) {
	if s.load == kind {
		return platform.Record{}, errBroken
	}
	return s.Store.Load(ctx, kind, id)
}

func (s *brokenStore) Delete(ctx context.Context, kind, id string) error {
	if s.remove {
		return errBroken
	}
	return s.Store.Delete(ctx, kind, id)
}
