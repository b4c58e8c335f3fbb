package platform_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// What is taken away ends for those who hold it.

func (u *countingUsers) Epoch(ctx context.Context, login string) (string, error) {
	users, ok := u.Users.(platform.UserEpochs)
	if !ok {
		return "", nil
	}
	return users.Epoch(ctx, login)
}

// A held login is all that a user and an app have of it.
type heldLogin struct {
	*browser
	tokenReply
	code string // not yet exchanged
}

func (e *pageEnv) heldLogin() heldLogin {
	e.t.Helper()
	b := e.browser()
	code := b.logIn(authorizePath(), "ann", annsPassword).sentTo(callback).Get("code")
	return heldLogin{b, e.exchange(code), b.get(authorizePath()).sentTo(callback).Get("code")}
}

// over fails if anything of a login is still good.
func (e *pageEnv) over(l heldLogin) {
	e.t.Helper()
	if e.good(l.Access) {
		e.t.Error("the access token is good")
	}
	e.check(first(), l.Session).want(e.t, 400, "invalid_session")
	e.refresh(first(), l.Refresh).want(e.t, 400, "invalid_grant")
	e.token(first(), codeParams(l.code)).want(e.t, 400, "invalid_grant")
	l.get(authorizePath()).want(200, "password")
}

func TestWhatIsTakenFromAUserEndsAtOnce(t *testing.T) {
	ctx := t.Context()
	again := func(r *platform.Registry) error { return r.SaveUser(ctx, ann(), hash(t, annsPassword, 1)) }
	for name, row := range map[string]struct {
		take  func(*platform.Registry) error
		stays bool // ann may log in with her password
	}{
		"disabled": {func(r *platform.Registry) error { return r.DisableUser(ctx, "ann") }, false},
		"disabled and enabled": {func(r *platform.Registry) error {
			return errors.Join(r.DisableUser(ctx, "ann"), r.EnableUser(ctx, "ann"))
		}, true},
		"deleted":               {func(r *platform.Registry) error { return r.DeleteUser(ctx, "ann") }, false},
		"deleted and saved":     {func(r *platform.Registry) error { return errors.Join(r.DeleteUser(ctx, "ann"), again(r)) }, true},
		"password":              {func(r *platform.Registry) error { return r.SetPassword(ctx, "ann", hash(t, "new", 1)) }, false},
		"saved with a password": {func(r *platform.Registry) error { return r.SaveUser(ctx, ann(), hash(t, "new", 1)) }, false},
		"sessions":              {func(r *platform.Registry) error { return r.EndUserSessions(ctx, "ann") }, true},
		"another ID": {func(r *platform.Registry) error {
			text, _ := annsHash()
			return r.SaveUser(ctx, platform.User{ID: "8", Login: "ann"}, text)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			e := newPageEnv(t, platform.Config{})
			l := e.heldLogin()
			if !e.good(l.Access) {
				t.Fatal("the access token is not good")
			}
			must(t, row.take(cheapRegistry(e.store))) // as another process does
			e.over(l)
			v := e.browser().logIn(authorizePath(), "ann", annsPassword)
			if row.stays {
				v.sentTo(callback)
			} else {
				v.want(401)
			}
		})
	}
}

func TestAUserWhoIsSavedAsBeforeStaysLoggedIn(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	l := e.heldLogin()
	text, _ := annsHash()
	must(t, cheapRegistry(e.store).SaveUser(t.Context(), ann(), text))
	if !e.good(l.Access) {
		t.Error("the access token has ended")
	}
}

// A login whose password is changed while it is checked begins nothing.
func TestALoginIsOfNoUseOnceThePasswordIsAnother(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	e.users.instead = func(ctx context.Context, login, password string) (platform.User, error) {
		user, err := e.users.Users.Authenticate(ctx, login, password)
		return user, errors.Join(err, cheapRegistry(e.store).SetPassword(ctx, login, hash(t, "new", 1)))
	}
	b := e.browser()
	b.logIn(authorizePath(), "ann", annsPassword).want(200, "password")
	b.get(authorizePath()).want(200, "password")
}

func TestAKeyThatIsMadeAgainHasNoTokensOfTheEarlierOne(t *testing.T) {
	for name, take := range map[string]func(*platform.Registry) error{
		"deleted and saved": func(r *platform.Registry) error {
			key, err := r.Key(t.Context(), testKey)
			return errors.Join(err, r.DeleteKey(t.Context(), testKey), r.SaveKey(t.Context(), key))
		},
		"with its app": func(r *platform.Registry) error {
			key, err := r.Key(t.Context(), testKey)
			app, _ := r.App(t.Context(), key.App)
			return errors.Join(err, r.DeleteApp(t.Context(), key.App), r.SaveApp(t.Context(), app), r.SaveKey(t.Context(), key))
		},
		"its tokens": func(r *platform.Registry) error { return r.EndKeyTokens(t.Context(), testKey) },
	} {
		t.Run(name, func(t *testing.T) {
			e := newPageEnv(t, platform.Config{})
			l := e.heldLogin()
			must(t, take(platform.NewRegistry(e.store)))
			if e.good(l.Access) {
				t.Error("the access token is good")
			}
			e.check(first(), l.Session).want(t, 400, "invalid_session")
			e.refresh(first(), l.Refresh).want(t, 400, "invalid_grant")
			e.token(first(), codeParams(l.code)).want(t, 400, "invalid_grant")
			l.get(authorizePath()).sentTo(callback) // it is the user's session still
		})
	}
}

func TestACodeIsOfNoUseOnceItsRedirectIsTakenAway(t *testing.T) {
	e := newPageEnv(t, platform.Config{})
	l := e.heldLogin()
	_, err := platform.NewRegistry(e.store).UpdateApp(t.Context(), "shop", func(app *platform.App) error {
		app.Redirects = app.Redirects[1:]
		return nil
	})
	must(t, err)
	e.token(first(), codeParams(l.code)).want(t, 400, "invalid_grant")
}

// However much a login is used, it ends: with endless refreshing an app would never have
// to log the user in again.
func TestALoginEndsAfterItsLife(t *testing.T) {
	e := newPageEnv(t, platform.Config{OAuth: platform.OAuth{SessionLife: 10 * time.Hour, SessionIdle: time.Hour}})
	l := e.heldLogin()
	for range 19 {
		e.advance(30 * time.Minute)
		e.check(first(), l.Session).want(t, 200, "")
		l.tokenReply = e.refreshed(l.Refresh)
	}
	l.code = l.get(authorizePath()).sentTo(callback).Get("code")
	e.advance(30 * time.Minute)
	e.over(l)
}
