package oauth

import (
	"net/http"
	"time"
)

// A session is the site's session in one request.
type session struct {
	login *Login
	r     *http.Request // its context holds the values of the session
	// owned is set if no LoadAndSave further out saves the session and sets its
	// cookie, so that this package has to.
	owned bool
}

// openSession loads the session of r, unless the context of r has it already.
func (l *Login) openSession(r *http.Request) (*session, error) {
	// Without an id Load finds the session in the context or makes an empty
	// one, and does not ask the store.
	if ctx, err := l.sessions.Load(r.Context(), ""); err == nil && ctx == r.Context() {
		return &session{login: l, r: r}, nil
	}
	var id string
	if cookie, err := r.Cookie(l.sessions.Cookie.Name); err == nil {
		id = cookie.Value
	}
	ctx, err := l.sessions.Load(r.Context(), id)
	if err != nil {
		return nil, &LoginError{Reason: ReasonStoreFailed, Err: err}
	}
	return &session{login: l, r: r.WithContext(ctx), owned: true}, nil
}

// handleName is the name under which a session holds the user's handle: a
// random text that leads to the record of the token. It differs by key, so that
// two Logins may use one session.
func (l *Login) handleName() string { return "prism.oauth " + l.client.Key() }

// handle returns the handle in the session of r, or "" if nobody is logged in.
func (l *Login) handle(r *http.Request) string {
	return l.sessions.GetString(r.Context(), l.handleName())
}

// renew gives the session a new id and puts handle into it. Unless keep is set,
// all other values are removed.
func (s *session) renew(w http.ResponseWriter, handle string, keep bool) error {
	manager, ctx := s.login.sessions, s.r.Context()
	if err := manager.RenewToken(ctx); err != nil {
		return err
	}
	if !keep {
		if err := manager.Clear(ctx); err != nil {
			return err
		}
	}
	manager.Put(ctx, s.login.handleName(), handle)
	return s.commit(w)
}

// commit saves the session at once: the request that follows a redirect must
// find it.
func (s *session) commit(w http.ResponseWriter) error {
	manager, ctx := s.login.sessions, s.r.Context()
	id, expiry, err := manager.Commit(ctx)
	if err == nil && s.owned {
		manager.WriteSessionCookie(ctx, w, id, expiry)
	}
	return err
}

// destroy deletes the session and the record of its user.
func (s *session) destroy(w http.ResponseWriter) error {
	l, ctx := s.login, s.r.Context()
	if handle := l.handle(s.r); handle != "" {
		l.shared.checks.forget(handle)
		if err := l.deleteRecord(ctx, handle); err != nil {
			return err
		}
	}
	if l.sessions.Token(ctx) == "" {
		return nil // it was never saved
	}
	if err := l.sessions.Destroy(ctx); err != nil {
		return err
	}
	if s.owned {
		l.sessions.WriteSessionCookie(ctx, w, "", time.Time{})
	}
	return nil
}
