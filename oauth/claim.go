package oauth

import (
	"cmp"
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
//
// A claim is a record of its own, beside that of the token: a claim that was
// on its way for long must not write an old token over a new one.
const (
	claimTime  = 30 * time.Second       // above renewTime: later, its holder has died
	claimWrite = 500 * time.Millisecond // from finding no claim to having written one
	claimWait  = 600 * time.Millisecond // above claimWrite
	claimPoll  = 50 * time.Millisecond  // between looks at what another process does
)

// A lease is a claim as it lies in the store. The zero value is none.
type lease struct {
	Claim string    `json:"claim"` // names who refreshes the token
	Until time.Time `json:"until"` // when the claim is over
}

// claim returns the record of handle, and the name of the claim by which it is
// for the caller to refresh its token. If that is empty, its token is not due
// any more, or good for now while another process refreshes it.
func (l *Login) claim(ctx context.Context, handle string) (rec *record, mine string, err error) {
	for {
		began := time.Now()
		rec, err = l.current(ctx, handle)
		if err != nil || !l.due(rec) {
			l.release(ctx, handle, mine)
			return rec, "", err
		}
		if mine != "" || l.own != nil { // nobody else has the store of New
			return rec, cmp.Or(mine, "own"), nil
		}
		free, err := l.unclaimed(ctx, handle)
		if err != nil || !free && !rec.Token.expired(l.cfg.Now()) {
			return rec, "", err
		}
		if free {
			if mine, err = l.stake(ctx, handle, began); err != nil {
				return nil, "", err
			}
		}
		if mine != "" {
			continue // another may have refreshed it before the claim was granted
		}
		if sleep(ctx, claimPoll) != nil {
			return nil, "", errors.New("oauth: another process was refreshing the token and did not finish, or the session store is too slow for a claim to hold")
		}
	}
}

// current returns the record of handle. The error is errNobody if there is none.
func (l *Login) current(ctx context.Context, handle string) (*record, error) {
	rec, err := l.load(ctx, handle)
	switch {
	case err != nil:
		return nil, &LoginError{Reason: ReasonStoreFailed, Err: err}
	case rec == nil:
		return nil, errNobody
	}
	return rec, nil
}

func (l *Login) due(rec *record) bool { return rec.Token.due(l.cfg.Now(), l.cfg.RefreshAhead) }

// unclaimed reports whether nobody refreshes the token of handle, so far as the
// store says.
func (l *Login) unclaimed(ctx context.Context, handle string) (bool, error) {
	held, err := l.lease(ctx, handle)
	left := held.Until.Sub(l.cfg.Now())
	return held.Claim == "" || left <= 0 || left > claimTime+skew, err // the clock was put back
}

func (l *Login) lease(ctx context.Context, handle string) (lease, error) {
	var held lease
	if _, err := l.find(ctx, l.id(claimKind, handle), &held); err != nil {
		return lease{}, &LoginError{Reason: ReasonStoreFailed, Err: err}
	}
	return held, nil
}

// stake claims handle, which was found free after the time began, and returns
// the claim if it holds. If it came late, another may have been granted
// meanwhile: it is left as if it was someone else's, and so has to be waited for.
func (l *Login) stake(ctx context.Context, handle string, began time.Time) (string, error) {
	mine := lease{secret(), l.cfg.Now().Add(claimTime)}
	if err := l.put(ctx, l.id(claimKind, handle), &mine, time.Now().Add(claimTime+skew)); err != nil {
		return "", &LoginError{Reason: ReasonStoreFailed, Err: err}
	}
	if time.Since(began) > claimWrite {
		return "", nil
	}
	if err := sleep(ctx, claimWait); err != nil {
		return "", err
	}
	held, err := l.lease(ctx, handle)
	if err != nil || held.Claim != mine.Claim {
		return "", err
	}
	return mine.Claim, nil
}

// release gives a claim back, so that the next to come may try.
func (l *Login) release(ctx context.Context, handle, mine string) {
	if mine == "" || l.own != nil {
		return
	}
	if held, err := l.lease(ctx, handle); err == nil && held.Claim == mine {
		l.remove(ctx, l.id(claimKind, handle)) // or it will run out
	}
}
