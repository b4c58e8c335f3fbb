package oauth

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// renewTime bounds what the platform takes to refresh a token.
const renewTime = 20 * time.Second

// fresh returns t, or a token in its place when it is due. All requests of a
// session get the same one.
func (l *Login) fresh(r *http.Request, handle string, t *Token) (*Token, error) {
	now := l.cfg.Now()
	good := !t.expired(now)
	if !t.due(now, l.cfg.RefreshAhead) || good && t.RefreshToken == "" {
		return t, nil
	}
	newer, err := l.visits.renewals.do(r.Context(), handle, l.cfg.Now, func() (*Token, time.Duration, error) {
		return l.lead(r, handle)
	})
	switch reason := reasonOf(err); {
	case err == nil:
		return newer, nil
	case err == errNobody || reason == ReasonSessionEnded || reason == ReasonStoreFailed:
		return nil, err
	case good && !timeIsUp(r):
		return t, nil
	case l.cfg.Unreachable == SignOutAtOnce && !timeIsUp(r):
		return nil, &LoginError{Reason: ReasonSessionEnded, Err: err}
	}
	return nil, &LoginError{Reason: ReasonNoAnswer, Err: err}
}

// timeIsUp reports whether nobody waits for the answer to r any more.
func timeIsUp(r *http.Request) bool { return r.Context().Err() != nil }

// lead does the work of fresh for all requests of a session. It goes on when
// the browser leaves: a refresh token that was used, and its successor lost,
// would sign the user out.
func (l *Login) lead(r *http.Request, handle string) (*Token, time.Duration, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 2*claimTime)
	defer cancel()
	t, err := l.refreshOnce(ctx, handle, l.sessions.Deadline(r.Context()))
	if err == nil || err == errNobody || reasonOf(err) != "" {
		return t, 0, err
	}
	l.report(r, &LoginError{Reason: ReasonNoAnswer, Err: err})
	return nil, pause, err // so that not every request waits in vain
}

// refreshOnce refreshes the token of a handle unless it is not due any more.
func (l *Login) refreshOnce(ctx context.Context, handle string, deadline time.Time) (*Token, error) {
	rec, mine, err := l.claim(ctx, handle)
	if err != nil {
		return nil, err
	}
	if mine == "" {
		return rec.Token, nil
	}
	// However long the claim took: what is bought now must also be stored.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), claimTime)
	defer cancel()
	defer l.release(ctx, handle, mine)
	limited, cancelRenewal := context.WithTimeout(ctx, renewTime)
	defer cancelRenewal()
	t, err := l.renew(limited, rec.Token)
	switch {
	case errors.Is(err, ErrLoginRequired):
		return l.lookAgain(ctx, handle, rec.Token, err)
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

// lookTime is how long a refused refresh token is looked after: another process
// may have used it and have its successor still in hand.
const lookTime = time.Second

// lookAgain ends a session whose refresh token was refused, unless another
// process puts a newer one there.
func (l *Login) lookAgain(ctx context.Context, handle string, used *Token, refusal error) (*Token, error) {
	for until := time.Now().Add(lookTime); ; {
		rec, err := l.current(ctx, handle)
		if err != nil {
			return nil, err
		}
		if rec.Token.RefreshToken != used.RefreshToken {
			return rec.Token, nil
		}
		if l.own != nil || time.Now().After(until) || sleep(ctx, claimPoll) != nil {
			break
		}
	}
	if err := l.drop(ctx, handle); err != nil {
		return nil, &LoginError{Reason: ReasonStoreFailed, Err: err}
	}
	return nil, &LoginError{Reason: ReasonSessionEnded, Err: refusal}
}

// replace stores t, and tries hard: the token before is of no use any more.
func (l *Login) replace(ctx context.Context, handle string, t *Token, deadline time.Time) error {
	if _, err := l.current(ctx, handle); err == errNobody {
		return err // the user has left meanwhile
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
	switch gone, err := l.gone(ctx, handle); {
	case err != nil:
		return &LoginError{Reason: ReasonStoreFailed, Err: err}
	case gone: // the user has left since
		l.drop(ctx, handle)
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
