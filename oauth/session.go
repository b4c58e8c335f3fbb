package oauth

import (
	"net/http"
	"time"
)

// handleName is the name under which the session keeps the user's handle: a
// random text that leads to the record of the token. Two keys may share a
// session.
func (l *Login) handleName() string { return "prism.oauth " + l.client.Key() }

// handle returns the handle of the user, or "" if nobody is signed in.
func (l *Login) handle(r *http.Request) string {
	return l.sessions.GetString(r.Context(), l.handleName())
}

// open returns r with its session in the context. own tells that no LoadAndSave
// further out has put it there, which would write it and set the cookie.
func (l *Login) open(r *http.Request) (opened *http.Request, own bool, err error) {
	// Without an id Load finds the session of the context or makes an empty
	// one, and does not ask the store.
	if ctx, err := l.sessions.Load(r.Context(), ""); err == nil && ctx == r.Context() {
		return r, false, nil
	}
	var id string
	if cookie, err := r.Cookie(l.sessions.Cookie.Name); err == nil {
		id = cookie.Value
	}
	ctx, err := l.sessions.Load(r.Context(), id)
	if err != nil {
		return r, true, &LoginError{Reason: ReasonStoreFailed, Err: err}
	}
	return r.WithContext(ctx), true, nil
}

// commit writes the session at once: the page that follows must find it.
func (l *Login) commit(w http.ResponseWriter, r *http.Request, own bool) error {
	id, expiry, err := l.sessions.Commit(r.Context())
	if err == nil && own {
		l.sessions.WriteSessionCookie(r.Context(), w, id, expiry)
	}
	return err
}

// destroy ends the session and what is known of its user.
func (l *Login) destroy(w http.ResponseWriter, r *http.Request, own bool) error {
	if handle := l.handle(r); handle != "" {
		l.visits.checks.forget(handle)
		if err := l.drop(r.Context(), handle); err != nil {
			return err
		}
	}
	if l.sessions.Token(r.Context()) == "" {
		return nil // it was never written
	}
	if err := l.sessions.Destroy(r.Context()); err != nil {
		return err
	}
	if own {
		l.sessions.WriteSessionCookie(r.Context(), w, "", time.Time{})
	}
	return nil
}
