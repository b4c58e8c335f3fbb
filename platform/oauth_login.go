package platform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/shopex/prism-go/internal/code"
)

// login handles the form of the login page.
func (p *Platform) login(w *answer, r *http.Request, c *call, a *authorization) error {
	if crossSite(r) {
		return &failure{status: http.StatusForbidden, code: code.CrossSite, message: "the login form was sent by another site"}
	}
	v := pageView{Login: c.form.Get("login")}
	words := pageLanguage(r).words()
	if !p.ownForm(r, c) {
		w.code, v.Alert = code.FormExpired, words.FormExpired
		return p.showLogin(w, r, http.StatusForbidden, a, v)
	}
	user, err := p.authenticate(r, v.Login, c.form.Get("password"))
	var limited *TooManyFailuresError
	switch {
	case err == nil:
		if err := p.rememberDevice(w, r, v.Login); err != nil {
			return err
		}
		return p.loggedIn(w, r, a, user)
	case errors.As(err, &limited):
		w.code, v.Alert = code.TooManyFailures, limited.alert(words)
		(&failure{retryAfter: limited.Wait}).setHeader(w.Header())
		return p.showLogin(w, r, http.StatusTooManyRequests, a, v)
	case errors.Is(err, ErrWrongPassword):
		w.code, v.Alert = code.WrongPassword, words.WrongPassword
		return p.showLogin(w, r, http.StatusUnauthorized, a, v)
	}
	return err
}

func (p *Platform) showLogin(w *answer, r *http.Request, status int, a *authorization, v pageView) error {
	v.App, v.Title = cmp.Or(a.app.Name, a.app.ID), pageLanguage(r).words().SignIn
	return p.showForm(w, r, status, "login", a.RedirectURI, v)
}

// authenticate asks Users for the user of a login and password, within the limits. An
// attempt stays counted if the password was wrong, or may have been: the caller hung up.
func (p *Platform) authenticate(r *http.Request, login, password string) (User, error) {
	if login == "" || password == "" { // a directory treats that as an anonymous user
		return User{}, ErrWrongPassword
	}
	device, err := p.knownDevice(r, login)
	if err != nil {
		return User{}, err
	}
	attempt, wait := p.logins.begin(p.cfg.Now(), login, callerIn(r).group(), device)
	if attempt == nil {
		return User{}, &TooManyFailuresError{wait}
	}
	failed := false
	defer func() { attempt.end(failed) }()
	ctx := r.Context()
	if err := p.logins.enter(ctx); err != nil {
		return User{}, err
	}
	defer p.logins.leave()
	failed = true // if Users panics
	user, err := p.cfg.Users.Authenticate(ctx, login, password)
	failed = err != nil && (ctx.Err() != nil || errors.Is(err, ErrWrongPassword))
	if err == nil && user.Epoch == "" {
		err = p.checkHasNoEpoch(ctx, login)
	}
	return user, err
}

// checkHasNoEpoch returns an error if a user has an epoch, and Authenticate has not said
// which: nothing would end the session.
func (p *Platform) checkHasNoEpoch(ctx context.Context, login string) error {
	epoch, err := p.userEpoch(ctx, login)
	if err == nil && epoch != "" {
		return errors.New("platform: Config.Users is a UserEpochs, and its Authenticate has set no Epoch")
	}
	return unless(err, ErrUnknownUser)
}

// loggedIn gives the browser a new session, whatever cookie it had: an attacker may know
// the cookie from before the login (session fixation).
func (p *Platform) loggedIn(w *answer, r *http.Request, a *authorization, user User) error {
	if err := p.endBrowserSession(r.Context(), p.cookie(r, sessionCookie)); err != nil {
		return err
	}
	cookie, s, err := p.beginSession(r.Context(), user)
	if err != nil {
		return err
	}
	p.setCookie(w, r, sessionCookie, cookie)
	err = p.sendCode(w, r, a, s)
	if errors.Is(err, errSessionOver) { // the user was disabled, or the password changed, since it was checked
		return p.showLogin(w, r, http.StatusOK, a, pageView{})
	}
	return err
}

// endBrowserSession ends the session that belongs to a cookie, if any.
func (p *Platform) endBrowserSession(ctx context.Context, cookie string) error {
	s, err := p.knownSession(ctx, cookie)
	if err != nil || s == nil {
		return err
	}
	return p.endSession(ctx, s.ID)
}

// A TooManyFailuresError refuses an attempt to log in without a look at the password, as too
// many have failed.
type TooManyFailuresError struct {
	Wait time.Duration // until the next attempt may be made
}

// Error implements error.
func (e *TooManyFailuresError) Error() string {
	return fmt.Sprintf("platform: too many logins have failed; wait %v", e.Wait)
}

func (e *TooManyFailuresError) alert(t words) string {
	minutes := (e.Wait + time.Minute - 1) / time.Minute
	return fmt.Sprintf(t.TryLater, int(minutes))
}
