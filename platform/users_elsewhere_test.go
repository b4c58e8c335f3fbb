package platform_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/users"
)

// noUsers stands for those of a database.
type noUsers struct{}

func (noUsers) Authenticate(context.Context, string, string) (platform.User, error) {
	return platform.User{}, platform.ErrWrongPassword
}

func TestCallsAboutUsersThatAreElsewhereSaySo(t *testing.T) {
	store := storeOf(platform.Key{ID: testKey, Secret: testSecret, App: "admin", Admin: true})
	e := newEnv(t, platform.Config{Store: store, Users: noUsers{}})
	for path, params := range map[string]url.Values{"list": nil, "disable": {"login": {"ann"}}, "password": {"login": {"ann"}}} {
		r := e.call("POST", "platform/user/"+path, params)
		if r.status != http.StatusNotFound || !strings.Contains(r.body, "asks elsewhere") {
			t.Errorf("%s: %+v", path, r)
		}
	}
}

// elsewhere is a platform whose users an API knows, and what that answers from now on.
func elsewhere(t *testing.T) (e *pageEnv, answers func(login, check string)) {
	var login, check atomic.Value
	answers = func(l, c string) { login.Store(l); check.Store(c) }
	answers(`{"id":7,"epoch":1}`, `{"id":7,"epoch":1}`)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := &login
		if r.URL.Path == "/check" {
			text = &check
		}
		_, _ = io.WriteString(w, text.Load().(string))
	}))
	t.Cleanup(api.Close)
	e = newPageEnv(t, platform.Config{})
	e.users.Users = &users.HTTP{
		URL: api.URL + "/login", CheckURL: api.URL + "/check", CheckEvery: time.Nanosecond,
		Key: "usersapi", Secret: "secretofusersapi2345", Client: api.Client(),
	}
	return e, answers
}

func TestWhatIsTakenFromAUserElsewhereEndsAtTheNextUse(t *testing.T) {
	for name, check := range map[string]string{"disabled": `null`, "another password": `{"id":7,"epoch":2}`, "another ID": `{"id":8,"epoch":1}`} {
		t.Run(name, func(t *testing.T) {
			e, answers := elsewhere(t)
			l := e.heldLogin()
			if !e.good(l.Access) {
				t.Fatal("the access token is not good")
			}
			answers(`{"id":7,"epoch":2}`, check)
			e.over(l)
			if name == "another password" {
				e.browser().logIn(authorizePath(), "ann", annsPassword).sentTo(callback)
			}
		})
	}
}

func TestAnOutageElsewhereEndsNoSession(t *testing.T) {
	e, answers := elsewhere(t)
	l := e.heldLogin()
	answers(`<html>`, `<html>`)
	if !e.good(l.Access) {
		t.Error("the access token has ended")
	}
	e.refresh(first(), l.Refresh).want(t, 200, "")
	e.browser().logIn(authorizePath(), "ann", annsPassword).want(500)
}

// Users whose epochs nobody compares would look safe, and nothing would end their sessions.
func TestAUserWithoutTheEpochThatThereIsIsNotLoggedIn(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	e.users.instead = func(context.Context, string, string) (platform.User, error) { return ann(), nil }
	e.browser().logIn(authorizePath(), "ann", annsPassword).want(500)
}
