package platform_test

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

const (
	otherKey    = "otherkey"
	otherSecret = "othersecretothersecr"
	callback    = "https://shop.example/auth/callback?a=1"
)

func ann() platform.User {
	return platform.User{ID: "7", Login: "ann", Data: map[string]string{"mail": "ann@example.com", "@id": "spoofed"}}
}

// tokenEnv is a platform with an OAuth server and a clock that the test moves.
type tokenEnv struct {
	*env
	store platform.Store
	mu    sync.Mutex
	at    time.Time
}

func newTokenEnv(t testing.TB, cfg platform.Config) *tokenEnv {
	t.Helper()
	e := &tokenEnv{at: time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)}
	if cfg.Store == nil {
		cfg.Store = twoKeys()
	}
	cfg.Users, cfg.Now, e.store = cheapRegistry(cfg.Store), e.now, cfg.Store
	e.env = newEnv(t, cfg)
	return e
}

func twoKeys() *memory.Store {
	store := storeOf(
		platform.Key{ID: testKey, Secret: testSecret, App: "shop"},
		platform.Key{ID: otherKey, Secret: otherSecret, App: "other"})
	store.AddApp(platform.App{ID: "shop", Redirects: []string{callback}}, platform.App{ID: "other", Redirects: []string{callback}})
	return store
}

// cheapRegistry leaves hashes as cheap as the tests make them.
func cheapRegistry(store platform.Store) *platform.Registry {
	r := platform.NewRegistry(store)
	r.Iterations = -1
	return r
}

func (e *tokenEnv) now() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.at
}

func (e *tokenEnv) advance(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.at = e.at.Add(d)
}

func (e *tokenEnv) logIn() platform.Login {
	e.t.Helper()
	l, err := e.p.LogIn(e.t.Context(), ann())
	if err != nil {
		e.t.Fatal(err)
	}
	return l
}

func (e *tokenEnv) logOut(l platform.Login) {
	e.t.Helper()
	if err := e.p.LogOut(e.t.Context(), l.SessionID); err != nil {
		e.t.Fatal(err)
	}
}

// code returns a code for the first key.
func (e *tokenEnv) code(l platform.Login) string {
	e.t.Helper()
	return e.codeWith(l, "", "")
}

func (e *tokenEnv) codeWith(l platform.Login, challenge, method string) string {
	e.t.Helper()
	code, err := e.p.Code(e.t.Context(), l, testKey, callback, challenge, method)
	if err != nil {
		e.t.Fatal(err)
	}
	return code
}

// caller is who sends a call: a key and, if it has one, an access token.
type caller struct{ key, secret, authorization string }

func first() caller { return caller{testKey, testSecret, ""} }

func second() caller { return caller{otherKey, otherSecret, ""} }

func (c caller) bearing(token string) caller {
	c.authorization = "Bearer " + token
	return c
}

// as sends a call with its parameters where they belong.
func (e *tokenEnv) as(c caller, method, path string, params url.Values) reply {
	e.t.Helper()
	return e.send(e.requestAs(c, method, path, params))
}

func (e *tokenEnv) requestAs(c caller, method, path string, params url.Values) *http.Request {
	e.t.Helper()
	query, form, header := url.Values{}, url.Values(nil), http.Header{}
	if method == "POST" {
		form = maps.Clone(params)
		if form == nil {
			form = url.Values{}
		}
	} else {
		maps.Copy(query, params)
	}
	if c.authorization != "" {
		header.Set("Authorization", c.authorization)
	}
	signedBy(c.key, c.secret, e.now(), method, path, header, query, form)
	req, err := http.NewRequest(method, e.url+path+"?"+query.Encode(), strings.NewReader(form.Encode()))
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header = header
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return req
}

func codeParams(code string, more ...string) url.Values {
	params := url.Values{"grant_type": {"authorization_code"}, "code": {code}}
	for i := 0; i+1 < len(more); i += 2 {
		params.Add(more[i], more[i+1])
	}
	return params
}

func (e *tokenEnv) token(c caller, params url.Values) reply {
	e.t.Helper()
	return e.as(c, "POST", "/oauth/token", params)
}

// tokens exchanges a fresh code.
func (e *tokenEnv) tokens(l platform.Login) tokenReply {
	e.t.Helper()
	r := e.token(first(), codeParams(e.code(l)))
	r.want(e.t, 200, "")
	return r.tokens
}

func (e *tokenEnv) refresh(c caller, token string) reply {
	e.t.Helper()
	return e.token(c, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

func (e *tokenEnv) refreshed(token string) tokenReply {
	e.t.Helper()
	r := e.refresh(first(), token)
	r.want(e.t, 200, "")
	return r.tokens
}

func (e *tokenEnv) check(c caller, sessionID string) reply {
	e.t.Helper()
	return e.as(c, "POST", "/api/platform/oauth/session_check", url.Values{"session_id": {sessionID}})
}

// good reports whether an access token brings its user.
func (e *tokenEnv) good(access string) bool {
	e.t.Helper()
	r := e.as(first().bearing(access), "GET", "/api/platform/oauth/user", nil)
	if r.status != 200 {
		r.want(e.t, 401, "invalid_token")
	}
	return r.status == 200
}

// dead fails unless nothing can be done with tokens any more.
func (e *tokenEnv) dead(when string, tokens ...tokenReply) {
	e.t.Helper()
	for i, t := range tokens {
		if e.good(t.Access) {
			e.t.Errorf("%s, access token %d is good", when, i)
		}
		e.refresh(first(), t.Refresh).want(e.t, 400, "invalid_grant")
	}
}

// A hookedStore calls its hooks after a load and before a save.
type hookedStore struct {
	platform.Store
	loaded func(kind string)
	saving func(kind, id string, value []byte)
}

func (s *hookedStore) Load(ctx context.Context, kind, id string) (platform.Record, error) {
	r, err := s.Store.Load(ctx, kind, id)
	if s.loaded != nil {
		s.loaded(kind)
	}
	return r, err
}

func (s *hookedStore) Save(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
	if s.saving != nil {
		s.saving(kind, id, value)
	}
	return s.Store.Save(ctx, kind, id, value, revision, ttl)
}

// meeting makes the first n loads of a kind wait for each other, once armed.
type meeting struct {
	kind string
	mu   sync.Mutex
	left int
	all  chan struct{}
}

func (m *meeting) arm(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left, m.all = n, make(chan struct{})
}

func (m *meeting) join(kind string) {
	m.mu.Lock()
	all := m.all
	if kind != m.kind || m.left == 0 {
		m.mu.Unlock()
		return
	}
	if m.left--; m.left == 0 {
		close(all)
	}
	m.mu.Unlock()
	select {
	case <-all:
	case <-time.After(patience):
	}
}

// atOnce sends the same calls from several goroutines and counts the answers
// by status.
func (e *tokenEnv) atOnce(n int, send func() reply) (won []reply, refused int) {
	e.t.Helper()
	replies := make(chan reply, n)
	var group sync.WaitGroup
	for range n {
		group.Go(func() { replies <- send() })
	}
	group.Wait()
	close(replies)
	for r := range replies {
		if r.status == 200 {
			won = append(won, r)
			continue
		}
		refused++
		r.want(e.t, 400, "invalid_grant")
	}
	return won, refused
}
