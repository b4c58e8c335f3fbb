package platform_test

import (
	"context"
	"math"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

func TestAnImageDoesNotLogOut(t *testing.T) {
	for _, accept := range []string{"image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "text/css,*/*;q=0.1", "application/json"} {
		e := newPageEnv(t, platform.Config{})
		b := e.loggedIn()
		b.get("/oauth/logout", "Accept", accept).want(200, "form_token")
		if !b.session() {
			t.Errorf("Accept %q: logged out", accept)
		}
	}
	for _, accept := range []string{"", "*/*", "text/html,application/xhtml+xml,*/*;q=0.8", "Text/HTML;q=0.9"} {
		e := newPageEnv(t, platform.Config{})
		b := e.loggedIn()
		cookie := b.cookie("prism_session")
		if accept == "" {
			b.get("/oauth/logout", typed...).want(200)
		} else {
			b.get("/oauth/logout", "Accept", accept, "Sec-Fetch-Site", "none").want(200)
		}
		if e.knows(cookie) {
			t.Errorf("Accept %q: not logged out", accept)
		}
	}
}

type alwaysConflicts struct {
	platform.Store
	on   atomic.Bool
	kind string
	n    atomic.Int64
}

func (s *alwaysConflicts) Save(ctx context.Context, kind, id string, v []byte, rev uint64, ttl time.Duration) (uint64, error) {
	if s.on.Load() && kind == s.kind {
		s.n.Add(1)
		return 0, platform.ErrConflict
	}
	return s.Store.Save(ctx, kind, id, v, rev, ttl)
}

func TestAStoreThatOnlyConflictsDoesNotHoldACallForever(t *testing.T) {
	s := &alwaysConflicts{Store: twoKeys(), kind: "session"}
	e := newTokenEnv(t, platform.Config{Store: s})
	a := e.tokens(e.logIn())
	s.on.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	req := e.requestAs(first(), "POST", "/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.Refresh}})
	resp, err := e.client.Do(req.WithContext(ctx))
	if err != nil {
		t.Fatalf("no answer; the store was asked %d times", s.n.Load())
	}
	resp.Body.Close()
	t.Log(resp.StatusCode)
	if resp.StatusCode < 500 {
		t.Error("not the platform's fault?")
	}
}

func TestUsersAreNotMixedUp(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	one, err1 := e.p.LogIn(t.Context(), platform.User{ID: "a\xff", Login: "x"})
	two, err2 := e.p.LogIn(t.Context(), platform.User{ID: "a\xfe", Login: "y"})
	if err1 != nil && err2 != nil {
		return
	}
	if a, b := e.tokens(one).Data["@id"], e.tokens(two).Data["@id"]; a == b {
		t.Errorf("two users have the id %q", a)
	}
}

// Whoever wants no limit writes a number as large as can be: then either New
// refuses it, or people can log in.
func TestHugeOAuthSettingsAreRefusedOrWork(t *testing.T) {
	for name, o := range map[string]platform.OAuth{
		"LoginFailures": {LoginFailures: math.MaxInt},
		"RefreshLife":   {RefreshLife: math.MaxInt64},
		"SessionIdle":   {SessionIdle: math.MaxInt64},
		"LoginWindow":   {LoginWindow: math.MaxInt64},
		"CodeLife":      {CodeLife: math.MaxInt64},
		"TokenLife":     {TokenLife: math.MaxInt64},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := platform.New(platform.Config{Store: new(memory.Store), Queues: newQueues(memory.Config{}), Users: nobody(), OAuth: o}); err != nil {
				return
			}
			e := newPageEnv(t, platform.Config{OAuth: o})
			back := e.browser().logIn(authorizePath(), "ann", annsPassword).sentTo(callback)
			if tk := e.exchange(back.Get("code")); !e.good(tk.Access) || tk.Expires < 0 {
				t.Errorf("tokens are not good: %+v", tk)
			}
		})
	}
}
