package oauth

import (
	"context"
	"errors"
	"time"
)

// Processes that share a session store must not use a refresh token twice. The
// store has no operation that compares and writes, only reads and writes; with
// them one process at a time gets through as follows (Fischer's algorithm):
// whoever finds no claim writes its own, waits until each other one that found
// none has written, too, and goes on if it then still reads its own.
//
// That stands on the store giving everyone what was last written, and on the
// clocks of the processes being seconds apart at most.
const (
	claimTime  = 30 * time.Second       // above renewTime: later, its holder has died
	claimWrite = 250 * time.Millisecond // from finding no claim to having written one
	claimWait  = 300 * time.Millisecond // above claimWrite
	claimPoll  = 50 * time.Millisecond  // between looks at what another process does
)

// claim returns the record of handle, and whether it is for the caller to
// refresh its token. If it is not, its token is not due any more, or good for
// now while another process refreshes it.
func (l *Login) claim(ctx context.Context, handle string, deadline time.Time) (rec *record, mine bool, err error) {
	for {
		began := time.Now()
		rec, err = l.current(ctx, handle)
		if err != nil || !l.wanted(rec) {
			return rec, false, err
		}
		if l.own != nil {
			return rec, true, nil // nobody else has this store
		}
		if l.unclaimed(rec) {
			mine, err = l.stake(ctx, handle, *rec, deadline, began)
			if err != nil || mine {
				return rec, mine, err
			}
		}
		if sleep(ctx, claimPoll) != nil {
			return nil, false, errors.New("oauth: another process was refreshing the token and did not finish")
		}
	}
}

// current returns the record of handle. The error is errNobody if there is none.
func (l *Login) current(ctx context.Context, handle string) (*record, error) {
	rec, err := l.load(ctx, handle)
	switch {
	case err != nil:
		return nil, &LoginError{Reason: StoreFailed, Err: err}
	case rec == nil:
		return nil, errNobody
	}
	return rec, nil
}

// unclaimed tells whether nobody refreshes rec, so far as it says.
func (l *Login) unclaimed(rec *record) bool {
	left := rec.Until.Sub(l.cfg.Now())
	return rec.Claim == "" || left <= 0 || left > claimTime+skew // the clock was put back
}

// wanted tells whether rec is worth waiting for a newer one.
func (l *Login) wanted(rec *record) bool {
	now := l.cfg.Now()
	return rec.Token.due(now, l.cfg.RefreshAhead) && (l.unclaimed(rec) || rec.Token.expired(now))
}

// stake claims rec, which was asked for at the time began, and tells whether
// the claim holds. If it came late, another may have been granted meanwhile: it
// is left as if it was someone else's, and so has to be waited for.
func (l *Login) stake(ctx context.Context, handle string, rec record, deadline, began time.Time) (bool, error) {
	rec.Claim, rec.Until = secret(), l.cfg.Now().Add(claimTime)
	if err := l.save(ctx, handle, &rec, deadline); err != nil {
		return false, &LoginError{Reason: StoreFailed, Err: err}
	}
	if time.Since(began) > claimWrite {
		return false, nil
	}
	if err := sleep(ctx, claimWait); err != nil {
		return false, err
	}
	now, err := l.current(ctx, handle)
	return err == nil && now.Claim == rec.Claim, err
}

// release gives a claim back whose refresh has failed, so that the next to come
// may try.
func (l *Login) release(ctx context.Context, handle string, old *record, deadline time.Time) {
	now, err := l.current(ctx, handle)
	if l.own != nil || err != nil || now.Token.RefreshToken != old.Token.RefreshToken {
		return
	}
	l.save(ctx, handle, &record{Token: old.Token}, deadline) // or it will run out
}
