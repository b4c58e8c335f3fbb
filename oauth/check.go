package oauth

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// checkTime bounds a session check, as requests wait for the answer.
const checkTime = 10 * time.Second

// check asks the platform whether the user has logged out elsewhere, at most
// once in Config.CheckEvery. It returns nil if the user stays logged in.
func (l *Login) check(r *http.Request, handle string, t *Token) error {
	if l.cfg.CheckEvery == CheckNever || t.SessionID == "" {
		return nil
	}
	_, err := l.shared.checks.do(r.Context(), handle, l.cfg.Now, func() (struct{}, time.Duration, error) {
		keep, err := l.checkForAll(r, t.SessionID)
		return struct{}{}, keep, err
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrSessionEnded):
		return &LoginError{Reason: ReasonSessionEnded, Err: err}
	case isOver(r):
		return &LoginError{Reason: ReasonPlatformFailed, Err: r.Context().Err()}
	}
	return l.outageError(err)
}

// checkForAll checks a session for all its requests, and returns for how long the
// outcome is kept. A check that failed is kept for a while, too, so that not every
// request waits for an outage.
func (l *Login) checkForAll(r *http.Request, sessionID string) (keep time.Duration, err error) {
	// Other requests wait for the answer, too, if the browser of r hangs up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), checkTime)
	defer cancel()
	err = l.CheckSession(ctx, sessionID)
	switch {
	case err == nil:
		return l.cfg.CheckEvery, nil
	case errors.Is(err, ErrSessionEnded):
		return 0, err
	}
	l.report(r, &LoginError{Reason: ReasonPlatformFailed, Err: err})
	return min(pause, l.cfg.CheckEvery), err
}

// outageError returns the error of a request, if any, when the platform did not
// answer a session check. A token that has expired is refreshed after it, or not.
func (l *Login) outageError(err error) error {
	switch l.cfg.Outage {
	case OutageEndsSession:
		return &LoginError{Reason: ReasonSessionEnded, Err: err}
	case OutageRefusesRequest:
		return &LoginError{Reason: ReasonPlatformFailed, Err: err}
	}
	return nil
}
