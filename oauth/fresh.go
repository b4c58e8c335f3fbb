package oauth

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// renewTime bounds how long the platform may take to refresh a token.
const renewTime = 20 * time.Second

// usable returns t, or the token that replaces it if t is due. All requests of a
// session get the same one.
func (l *Login) usable(r *http.Request, handle string, t *Token) (*Token, error) {
	now := l.cfg.Now()
	good := !t.expired(now)
	if !t.due(now, l.cfg.RefreshAhead) || good && t.RefreshToken == "" {
		return t, nil
	}
	newer, err := l.shared.renewals.do(r.Context(), handle, l.cfg.Now, func() (*Token, time.Duration, error) {
		return l.refreshForAll(r, handle)
	})
	switch reason := reasonOf(err); {
	case err == nil:
		return newer, nil
	case err == errNobody || reason == ReasonSessionEnded || reason == ReasonStoreFailed:
		return nil, err
	case good && !isOver(r):
		return t, nil
	case l.cfg.Outage == OutageEndsSession && !isOver(r):
		return nil, &LoginError{Reason: ReasonSessionEnded, Err: err}
	}
	return nil, &LoginError{Reason: ReasonPlatformFailed, Err: err}
}

// isOver reports whether nobody waits for the answer to r any more.
func isOver(r *http.Request) bool { return r.Context().Err() != nil }

// refreshForAll refreshes the token of a session for all its requests. It goes on
// when the browser of r hangs up: if the refresh token was used and the new token
// was lost, the user would have to log in again.
func (l *Login) refreshForAll(r *http.Request, handle string) (t *Token, keep time.Duration, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 2*claimLife)
	defer cancel()
	t, err = l.refreshOnce(ctx, handle, l.sessions.Deadline(r.Context()))
	if err == nil || err == errNobody || reasonOf(err) != "" {
		return t, 0, err
	}
	l.report(r, &LoginError{Reason: ReasonPlatformFailed, Err: err})
	return nil, pause, err // keep it, so that not every request waits for an outage
}

// refreshOnce refreshes the token of a handle unless it is not due any more.
func (l *Login) refreshOnce(ctx context.Context, handle string, deadline time.Time) (*Token, error) {
	rec, holder, err := l.claim(ctx, handle)
	if err != nil {
		return nil, err
	}
	if holder == "" {
		return rec.Token, nil
	}
	// However long the claim took, there must be time to store the new token.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), claimLife)
	defer cancel()
	defer l.release(ctx, handle, holder)
	limited, cancelRenewal := context.WithTimeout(ctx, renewTime)
	defer cancelRenewal()
	t, err := l.renew(limited, rec.Token)
	switch {
	case errors.Is(err, ErrLoginRequired):
		return l.awaitSuccessor(ctx, handle, rec.Token, err)
	case err != nil:
		return nil, err
	}
	if err := l.replace(ctx, handle, t, deadline); err != nil {
		return nil, err
	}
	if l.cfg.OnToken != nil {
		l.cfg.OnToken(ctx, t)
	}
	return t, nil
}

// successorTime is how long a newer token is looked for after a refresh token was
// refused: another process may have used it and not stored the new token yet.
const successorTime = time.Second

// awaitSuccessor returns the token that another process stores in place of used,
// whose refresh token was refused. If none does, it ends the session.
func (l *Login) awaitSuccessor(ctx context.Context, handle string, used *Token, refusal error) (*Token, error) {
	for until := time.Now().Add(successorTime); ; {
		rec, err := l.current(ctx, handle)
		if err != nil {
			return nil, err
		}
		if rec.Token.RefreshToken != used.RefreshToken {
			return rec.Token, nil
		}
		// No other process has the store that New made.
		if l.own != nil || time.Now().After(until) || sleep(ctx, claimPoll) != nil {
			break
		}
	}
	if err := l.deleteRecord(ctx, handle); err != nil {
		return nil, &LoginError{Reason: ReasonStoreFailed, Err: err}
	}
	return nil, &LoginError{Reason: ReasonSessionEnded, Err: refusal}
}

// replace stores t, and tries several times: the token before it cannot be
// refreshed any more.
func (l *Login) replace(ctx context.Context, handle string, t *Token, deadline time.Time) error {
	if _, err := l.current(ctx, handle); err == errNobody {
		return err // the user has logged out meanwhile
	}
	var err error
	for wait := 100 * time.Millisecond; ; wait *= 3 {
		err = l.save(ctx, handle, &record{Token: t}, deadline)
		if err == nil || wait > time.Second || sleep(ctx, wait) != nil {
			break
		}
	}
	if err != nil {
		return &LoginError{Reason: ReasonStoreFailed, Err: err}
	}
	switch deleted, err := l.hasTombstone(ctx, handle); {
	case err != nil:
		return &LoginError{Reason: ReasonStoreFailed, Err: err}
	case deleted: // the user has logged out since
		l.deleteRecord(ctx, handle)
		return errNobody
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
