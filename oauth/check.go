package oauth

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// checkTime bounds the question whether a session lives, as requests wait for
// the answer.
const checkTime = 10 * time.Second

// check asks the platform whether the user has signed out elsewhere, at most
// once in Config.CheckEvery. It is nil when the user may stay.
func (l *Login) check(r *http.Request, handle string, t *Token) error {
	if l.cfg.CheckEvery < 0 || t.SessionID == "" {
		return nil
	}
	_, err := l.visits.checks.do(r.Context(), handle, l.cfg.Now, func() (struct{}, time.Duration, error) {
		keep, err := l.ask(r, t.SessionID)
		return struct{}{}, keep, err
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrSessionEnded):
		return &LoginError{Reason: ReasonSessionEnded, Err: err}
	case timeIsUp(r):
		return &LoginError{Reason: ReasonNoAnswer, Err: r.Context().Err()}
	}
	return l.unknown(err)
}

// ask returns for how long the answer is good. What the platform did not say is
// not asked again for a while, either: every request would wait in vain.
func (l *Login) ask(r *http.Request, sessionID string) (time.Duration, error) {
	// Others wait for the answer, too: the browser that has asked may leave.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), checkTime)
	defer cancel()
	err := l.CheckSession(ctx, sessionID)
	switch {
	case err == nil:
		return l.cfg.CheckEvery, nil
	case errors.Is(err, ErrSessionEnded):
		return 0, err
	}
	l.report(r, &LoginError{Reason: ReasonNoAnswer, Err: err})
	return min(pause, l.cfg.CheckEvery), err
}

// unknown is what a request gets when the platform did not tell whether the
// session lives. A token that has expired will be refreshed next, or not.
func (l *Login) unknown(err error) error {
	switch l.cfg.Unreachable {
	case SignOutAtOnce:
		return &LoginError{Reason: ReasonSessionEnded, Err: err}
	case RefuseMeanwhile:
		return &LoginError{Reason: ReasonNoAnswer, Err: err}
	}
	return nil
}
