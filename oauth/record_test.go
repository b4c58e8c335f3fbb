package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"

	"github.com/shopex/prism-go/prismtest"
)

func readForm(body io.Reader) (url.Values, error) {
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	return url.ParseQuery(string(text))
}

// Each operation of the store is made to fail once, wherever it comes in the
// walk of a user. There is a page each time, OnError is told, and when the
// store works again so does the site.
func TestStoreThatFailsIsAPageAndNeverALoop(t *testing.T) {
	failing, total := int32(0), int32(1)
	for failing < total {
		failing++
		t.Run(fmt.Sprint("operation ", failing), func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *prismtest.Server) { total = walkWithFailure(t, srv, failing) })
		})
	}
	if total < 10 {
		t.Errorf("the walk has only %d operations", total)
	}
}

// walkWithFailure returns how many operations the walk has had.
func walkWithFailure(t *testing.T, srv *prismtest.Server, failing int32) int32 {
	var count atomic.Int32
	store := &brokenStore{quietStore(), func(string) bool { return count.Add(1) == failing }}
	s := newShop(t, srv, func(c *Config) { c.Sessions = managerOf(store) })
	browser := srv.Browser()
	statuses := s.walk(browser)
	total := count.Load()
	failures := 0
	for _, status := range statuses {
		if status == 500 {
			failures++
		} else if status != 200 {
			t.Errorf("statuses %v", statuses)
		}
	}
	told := s.reasons()
	if failures > 1 || failures != len(told) || failures == 1 && told[0] != ReasonStoreFailed {
		t.Errorf("statuses %v, but OnError got %q", statuses, told)
	}
	if got := s.body(srv.SignIn(browser, s.url+"/again", joe, password)); got != "joe at /again" {
		t.Errorf("later the site says %q", got)
	}
	return total
}

// walk is what a user does: to log in, look at pages, also after a while, and
// log out.
func (s *shop) walk(browser *http.Client) []int {
	defer s.ahead.Store(0)
	var statuses []int
	resp := s.srv.SignIn(browser, s.url+"/a", joe, password)
	s.body(resp)
	statuses = append(statuses, resp.StatusCode)
	for _, path := range []string{"/b", "/c"} {
		s.ahead.Add(int64(59*time.Minute + 30*time.Second)) // the token is due
		status, _ := s.get(browser, path)
		statuses = append(statuses, status)
	}
	status, _ := s.send(browser, "POST", "/logout", "Accept", "application/json", "Sec-Fetch-Mode", "cors")
	return append(statuses, status)
}

func TestStoreThatIsAwayGives500(t *testing.T) {
	var away atomic.Bool
	store := &brokenStore{quietStore(), func(string) bool { return away.Load() }}
	s := newShop(t, newPlatform(t), func(c *Config) { c.Sessions = managerOf(store) })
	browser := s.signedIn(joe)
	away.Store(true)
	if status, body := s.get(browser, "/x"); status != 500 || !strings.Contains(body, "cannot store or read") {
		t.Errorf("got %d %s", status, body)
	}
	if status, body := s.send(browser, "GET", "/x", "Accept", "application/json"); status != 500 || !strings.Contains(body, `"store_failed"`) {
		t.Errorf("a script got %d %s", status, body)
	}
	s.wantReasons(ReasonStoreFailed, ReasonStoreFailed)
	away.Store(false)
	s.wantPage(browser, joe, "/x")
}

// A ctxStore takes a context, and has no other way.
type ctxStore struct {
	scs.Store
	t    testing.TB
	used atomic.Int32
}

type valueKey struct{}

func (c *ctxStore) check(ctx context.Context) {
	if c.used.Add(1); ctx.Value(valueKey{}) != "kept" {
		c.t.Error("the context of the request did not reach the store")
	}
}

func (c *ctxStore) Find(string) ([]byte, bool, error)      { panic("missing context") }
func (c *ctxStore) Commit(string, []byte, time.Time) error { panic("missing context") }
func (c *ctxStore) Delete(string) error                    { panic("missing context") }

func (c *ctxStore) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	c.check(ctx)
	return c.Store.Find(token)
}

func (c *ctxStore) CommitCtx(ctx context.Context, token string, value []byte, expiry time.Time) error {
	c.check(ctx)
	return c.Store.Commit(token, value, expiry)
}

func (c *ctxStore) DeleteCtx(ctx context.Context, token string) error {
	c.check(ctx)
	return c.Store.Delete(token)
}

// A jsonCodec is one that keeps only what JSON knows.
type jsonCodec struct{}

type jsonSession struct {
	Deadline time.Time
	Values   map[string]any
}

func (jsonCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	return json.Marshal(jsonSession{deadline, values})
}

func (jsonCodec) Decode(b []byte) (time.Time, map[string]any, error) {
	var s jsonSession
	err := json.Unmarshal(b, &s)
	return s.Deadline, s.Values, err
}

func TestStoresWithContextsHashesAndOtherCodecs(t *testing.T) { inBubble(t, storesWithContexts) }

func storesWithContexts(t *testing.T, srv *prismtest.Server) {
	store := &ctxStore{Store: quietStore(), t: t}
	sessions := managerOf(store)
	sessions.HashTokenInStore, sessions.Codec, sessions.IdleTimeout = true, jsonCodec{}, time.Hour
	s := newShop(t, srv, func(c *Config) { c.CheckEvery, c.Sessions = CheckNever, sessions })
	inner := *s.handler.Load()
	s.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), valueKey{}, "kept")))
	}))
	for _, status := range s.walk(s.srv.Browser()) {
		if status != 200 {
			t.Errorf("got %d", status)
		}
	}
	s.wantReasons()
	if store.used.Load() < 10 {
		t.Errorf("the store was used %d times", store.used.Load())
	}
}

// The columns of some stores have room for a session id and no more.
func TestRecordsHaveIdsOfTheLengthOfSessionIds(t *testing.T) {
	s := newShop(t, newPlatform(t), nil)
	browser := s.signedIn(joe)
	for id := range s.login.own.items {
		if len(id) != len(s.sessionCookie(browser)) {
			t.Errorf("an id has %d characters", len(id))
		}
	}
}

func TestSiteCanIterateOverItsSessions(t *testing.T) {
	sessions := managerOf(quietStore())
	s := newShop(t, newPlatform(t), func(c *Config) { c.Sessions = sessions })
	s.signedIn(joe)
	s.wantLogin(s.srv.Browser(), "/x")
	signedIn := 0
	err := sessions.Iterate(t.Context(), func(ctx context.Context) error {
		if sessions.GetString(ctx, s.login.handleName()) != "" {
			signedIn++
		}
		return nil
	})
	if err != nil || signedIn != 1 {
		t.Errorf("%d sessions: %v", signedIn, err)
	}
}

func TestRecordsOfTwoKeysAreApart(t *testing.T) {
	srv := newPlatform(t)
	sessions := managerOf(quietStore())
	one := newShop(t, srv, func(c *Config) { c.Sessions = sessions })
	client := srv.ClientConfig()
	key := srv.NewKey()
	client.Key, client.Secret = key.ID, key.Secret
	other := newShopFor(t, srv, client, func(c *Config) { c.Sessions = sessions })
	browser := one.signedIn(joe)
	other.wantLogin(browser, "/x")
	other.wantPage(browser, joe, "/x")
	one.wantPage(browser, joe, "/y")
	if one.login.id(tokenKind, "x") == other.login.id(tokenKind, "x") || one.login.id(tokenKind, "x") == one.login.id(claimKind, "x") {
		t.Error("records of different keys or kinds lie at one place")
	}
}

func TestRecordThatCannotBeReadIsNotQuoted(t *testing.T) {
	l := newLogin(t, "http://127.0.0.1:1/api", Config{CallbackURL: sampleBack})
	id := l.id(tokenKind, "h")
	for _, stored := range [][]byte{[]byte("the secret"), encoded(t, "the secret"), encoded(t, `{"token":["the secret"]}`)} {
		l.sessions.Store.Commit(id, stored, time.Now().Add(time.Hour))
		if _, err := l.load(t.Context(), "h"); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("got %v", err)
		}
	}
	for _, stored := range [][]byte{encoded(t, ""), encoded(t, "{}"), encoded(t, "null")} {
		l.sessions.Store.Commit(id, stored, time.Now().Add(time.Hour))
		if rec, err := l.load(t.Context(), "h"); err != nil || rec != nil {
			t.Errorf("got %v %v", rec, err)
		}
	}
}

func encoded(t *testing.T, text string) []byte {
	b, err := scs.GobCodec{}.Encode(time.Now(), map[string]any{content: text})
	if err != nil {
		t.Fatal(err)
	}
	return b
}
