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
// sends the browser back. [Login.Require] answers that path by itself, so this
// is for those who have it elsewhere.
//
// Whatever is wrong with a callback ends in a page that says so, and never in
// another redirect. One that this browser has come to before, as by its back
// button, is not wrong while the session lives: it leads to the page again. A session that the browser has is left alone then, unless
// the session store failed in the midst of changing it.
func (l *Login) Callback() http.Handler { return http.HandlerFunc(l.serveCallback) }

func (l *Login) serveCallback(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	r, own, err := l.open(r)
	if err == nil {
		err = l.finish(w, r, own)
	}
	if err != nil {
		l.fail(w, l.seen(r), err)
	}
}

// seen returns a callback with the path that the browser sees, which a
// StripPrefix or a proxy may have cut: pages must not lead back to it.
func (l *Login) seen(r *http.Request) *http.Request {
	address, whole := *r.URL, *r
	address.Path, address.RawPath = l.callback.Path, l.callback.RawPath
	whole.URL = &address
	return &whole
}

// finish completes the login that the callback r belongs to.
func (l *Login) finish(w http.ResponseWriter, r *http.Request, own bool) error {
	query := r.URL.Query()
	if query.Has(startParam) && !query.Has("state") {
		return l.start(w, r, query.Get(startParam))
	}
	state, err := single(query, "state")
	if err != nil {
		return &LoginError{Reason: ReasonWrongState, Err: err}
	}
	if state == "" {
		return &LoginError{Reason: ReasonNoState}
	}
	p, m, err := l.take(r, state)
	if err != nil {
		return l.goOn(w, r, p, err)
	}
	if err := l.complete(w, r, own, p); err != nil {
		l.setMark(w, m) // the state was used
		return err
	}
	m.rounds, m.last = m.rounds+1, l.cfg.Now()
	l.setMark(w, m)
	redirect(w, p.Return)
	return nil
}

// goOn sends a browser that comes to an own callback once more to the page that
// its login was for, if a user is signed in: people go back, and log in in
// several tabs. Otherwise it returns err.
func (l *Login) goOn(w http.ResponseWriter, r *http.Request, p *pending, err error) error {
	if p == nil {
		return err
	}
	if in, broken := l.isSignedIn(r); broken != nil || !in {
		return cmp.Or(broken, err)
	}
	redirect(w, p.Return)
	return nil
}

// isSignedIn reports whether r has the session of a user.
func (l *Login) isSignedIn(r *http.Request) (bool, error) {
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

// complete exchanges what the browser has brought for a token, and signs its
// user in.
func (l *Login) complete(w http.ResponseWriter, r *http.Request, own bool, p *pending) error {
	t, err := l.redeem(r, r.URL.Query(), p)
	if err != nil {
		return err
	}
	if err := l.signIn(w, r, own, t); err != nil {
		return &LoginError{Reason: ReasonStoreFailed, Err: err}
	}
	if l.cfg.OnToken != nil {
		l.cfg.OnToken(context.WithoutCancel(r.Context()), t) // the browser may leave: the token is stored
	}
	return nil
}

// redeem gets the token for what the browser has brought.
func (l *Login) redeem(r *http.Request, query url.Values, p *pending) (*Token, error) {
	if query.Has("error") {
		return nil, &LoginError{Reason: ReasonDenied, Err: denial(query)}
	}
	code, err := single(query, "code")
	if err != nil || code == "" {
		return nil, &LoginError{Reason: ReasonNoCode, Err: err}
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
		return nil, &LoginError{Reason: ReasonNoAnswer, Err: err}
	}
	return t, nil
}

// signIn puts t into a session with a new id: who knew the one before the login
// must not be signed in with it. The token is stored first, so that a store that
// fails leaves the session as it was, or without a user.
func (l *Login) signIn(w http.ResponseWriter, r *http.Request, own bool, t *Token) error {
	ctx, before, handle := r.Context(), l.handle(r), secret()
	same, err := l.isSameUser(ctx, before, t)
	if err != nil {
		return err
	}
	if err := l.save(ctx, handle, &record{Token: t}, time.Now().Add(l.sessions.Lifetime)); err != nil {
		return err
	}
	if err := l.renewSession(w, r, own, handle, same); err != nil {
		l.drop(context.WithoutCancel(ctx), handle) // nobody will ask for it
		return err
	}
	if l.cfg.CheckEvery > 0 {
		l.visits.checks.note(handle, struct{}{}, l.cfg.Now().Add(l.cfg.CheckEvery))
	}
	if before != "" {
		if err := l.drop(context.WithoutCancel(ctx), before); err != nil {
			// The user is in; no session leads to the record, which will run out.
			l.report(r, &LoginError{Reason: ReasonStoreFailed, Err: err})
		}
	}
	return nil
}

// renewSession puts handle into the session, which gets a new id and, if keep,
// stays what it is otherwise.
func (l *Login) renewSession(w http.ResponseWriter, r *http.Request, own bool, handle string, keep bool) error {
	if err := l.sessions.RenewToken(r.Context()); err != nil {
		return err
	}
	if !keep {
		if err := l.sessions.Clear(r.Context()); err != nil {
			return err
		}
	}
	l.sessions.Put(r.Context(), l.handleName(), handle)
	return l.commit(w, r, own)
}

// isSameUser reports whether t is of the user who was signed in with handle, or
// nobody was: what the site has put into a session is not for another user.
func (l *Login) isSameUser(ctx context.Context, handle string, t *Token) (bool, error) {
	if handle == "" {
		return true, nil
	}
	rec, err := l.load(ctx, handle)
	id := t.User().ID // some platforms do not tell it
	return err == nil && rec != nil && id != "" && rec.Token.User().ID == id, err
}

// single returns the only value of a parameter, or "".
func single(query url.Values, name string) (string, error) {
	if len(query[name]) > 1 {
		return "", fmt.Errorf("oauth: the callback has %d of the parameter %s", len(query[name]), name)
	}
	return query.Get(name), nil
}

// longestDenial bounds what is told of each parameter, in characters: anybody can
// write them.
const longestDenial = 200

// denial tells why the platform sent the browser back without a code.
func denial(query url.Values) error {
	code, text := query.Get("error"), query.Get("error_description")
	return fmt.Errorf("oauth: the platform did not let the user in: %.*q %.*q", longestDenial, code, longestDenial, text)
}
