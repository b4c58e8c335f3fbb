package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"
)

// Callback returns the handler of Config.CallbackURL, to which the platform
// sends the browser back. [Login.Require] answers that path itself, so Callback
// is needed only where Require does not get the requests for it.
//
// A callback that fails is answered with a page that says why, and never with
// another redirect. One that is repeated in the same browser, as by its back
// button, does not fail while the session lives: it redirects to the page again.
// A callback that fails leaves an existing session unchanged, unless the session
// store failed while changing it.
func (l *Login) Callback() http.Handler { return http.HandlerFunc(l.serveCallback) }

func (l *Login) serveCallback(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	s, err := l.openSession(r)
	if err == nil {
		r = s.r
		err = l.finish(w, s)
	}
	if err != nil {
		l.fail(w, l.withCallbackPath(r), err)
	}
}

// withCallbackPath returns a callback with the path that the browser sees, which
// a StripPrefix or a proxy may have cut: an error page must not link to it.
func (l *Login) withCallbackPath(r *http.Request) *http.Request {
	address, copied := *r.URL, *r
	address.Path, address.RawPath = l.callback.Path, l.callback.RawPath
	copied.URL = &address
	return &copied
}

// finish completes the login that the callback belongs to.
func (l *Login) finish(w http.ResponseWriter, s *session) error {
	query := s.r.URL.Query()
	if query.Has(startParam) && !query.Has("state") {
		return l.startForPage(w, s.r, query.Get(startParam))
	}
	state, err := single(query, "state")
	if err != nil {
		return &LoginError{Reason: ReasonStateInvalid, Err: err}
	}
	if state == "" {
		return &LoginError{Reason: ReasonStateMissing, Err: errors.New("oauth: the callback has no state, so this site did not begin the login: begin it at a page of this site")}
	}
	p, cookie, err := l.consumeState(s.r, state)
	if err != nil {
		return l.resume(w, s.r, p, err)
	}
	if err := l.complete(w, s, p); err != nil {
		l.setLoginCookie(w, cookie) // the state is used up
		return err
	}
	cookie.rounds, cookie.last = cookie.rounds+1, l.cfg.Now()
	l.setLoginCookie(w, cookie)
	redirect(w, p.Return)
	return nil
}

// resume redirects a browser that repeats its own callback to the page of that
// login, if a user is logged in: people press the back button, and log in in
// several tabs. Otherwise it returns err.
func (l *Login) resume(w http.ResponseWriter, r *http.Request, p *pending, err error) error {
	if p == nil {
		return err
	}
	if loggedIn, storeErr := l.isLoggedIn(r); storeErr != nil || !loggedIn {
		return cmp.Or(storeErr, err)
	}
	redirect(w, p.Return)
	return nil
}

// isLoggedIn reports whether a user is logged in in the session of r.
func (l *Login) isLoggedIn(r *http.Request) (bool, error) {
	handle := l.handle(r)
	if handle == "" {
		return false, nil
	}
	rec, err := l.load(r.Context(), handle)
	if err != nil {
		return false, &LoginError{Reason: ReasonStoreFailed, Err: err}
	}
	return rec != nil, nil
}

// complete exchanges the code of a callback for a token, and logs its user in.
func (l *Login) complete(w http.ResponseWriter, s *session, p *pending) error {
	t, err := l.redeem(s.r, p)
	if err != nil {
		return err
	}
	if err := l.logIn(w, s, t); err != nil {
		return &LoginError{Reason: ReasonStoreFailed, Err: err}
	}
	if l.cfg.OnToken != nil {
		l.cfg.OnToken(context.WithoutCancel(s.r.Context()), t) // the browser may hang up, but the token is stored
	}
	return nil
}

// redeem exchanges the code of a callback for a token.
func (l *Login) redeem(r *http.Request, p *pending) (*Token, error) {
	query := r.URL.Query()
	if query.Has("error") {
		return nil, &LoginError{Reason: ReasonAccessDenied, Err: denial(query)}
	}
	code, err := single(query, "code")
	if err == nil && code == "" {
		err = errors.New("oauth: the callback has neither a code nor an error: check that no proxy changes its query")
	}
	if err != nil {
		return nil, &LoginError{Reason: ReasonCodeMissing, Err: err}
	}
	var opts []oauth2.AuthCodeOption
	if p.Verifier != "" {
		opts = append(opts, oauth2.VerifierOption(p.Verifier))
	}
	t, err := l.Exchange(r.Context(), code, opts...)
	switch {
	case errors.Is(err, ErrLoginRequired):
		return nil, &LoginError{Reason: ReasonCodeRefused, Err: err}
	case err != nil:
		return nil, &LoginError{Reason: ReasonPlatformFailed, Err: err}
	}
	return t, nil
}

// logIn puts t into the session, under a new session id: somebody else may know
// the one from before the login (session fixation). The token is stored first, so
// that a store that fails leaves the session unchanged, or without a user.
func (l *Login) logIn(w http.ResponseWriter, s *session, t *Token) error {
	ctx, before, handle := s.r.Context(), l.handle(s.r), secret()
	same, err := l.isSameUser(ctx, before, t)
	if err != nil {
		return err
	}
	if err := l.save(ctx, handle, &record{Token: t}, time.Now().Add(l.sessions.Lifetime)); err != nil {
		return err
	}
	if err := s.renew(w, handle, same); err != nil {
		l.deleteRecord(context.WithoutCancel(ctx), handle) // no session leads to it
		return err
	}
	if l.cfg.CheckEvery > 0 {
		l.shared.checks.set(handle, struct{}{}, l.cfg.Now().Add(l.cfg.CheckEvery))
	}
	if before != "" {
		if err := l.deleteRecord(context.WithoutCancel(ctx), before); err != nil {
			// The user is logged in; no session leads to the old record, which will expire.
			l.report(s.r, &LoginError{Reason: ReasonStoreFailed, Err: err})
		}
	}
	return nil
}

// isSameUser reports whether t belongs to the user who is logged in with handle,
// or nobody is: the values that the site keeps in a session are not for another
// user.
func (l *Login) isSameUser(ctx context.Context, handle string, t *Token) (bool, error) {
	if handle == "" {
		return true, nil
	}
	rec, err := l.load(ctx, handle)
	id := t.User().ID // some platforms do not send it
	return err == nil && rec != nil && id != "" && rec.Token.User().ID == id, err
}

// single returns the only value of a parameter, or "".
func single(query url.Values, name string) (string, error) {
	if len(query[name]) > 1 {
		return "", fmt.Errorf("oauth: the callback has the parameter %s %d times", name, len(query[name]))
	}
	return query.Get(name), nil
}

// longestDenial bounds how much of each parameter is quoted, in characters:
// anybody can write them.
const longestDenial = 200

// denial says why the platform sent the browser back without a code.
func denial(query url.Values) error {
	code, text := query.Get("error"), query.Get("error_description")
	return fmt.Errorf("oauth: the platform did not log the user in: %.*q %.*q", longestDenial, code, longestDenial, text)
}
