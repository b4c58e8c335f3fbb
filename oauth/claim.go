package oauth

import (
	"context"
	"errors"
	"time"
)

// A Claimer is a session store that can also grant claims, each by one atomic
// operation. The platform takes a refresh token once, so processes that share a
// store claim the right to refresh it. If the Store of Config.Sessions is a
// Claimer, that takes one operation. With any other store it takes 0.6 s, and
// depends on the timing that Config.Sessions asks for.
//
// Who gets a claim: of all calls of Claim for an id, in all processes, one gets
// true, and every other one gets false until that claim has ended. A store whose
// client repeats an operation after a lost answer may give false to the holder
// itself; then nobody uses the claim until it ends. After true, Find returns what
// was committed before it, by any process.
//
// Until when: a claim ends when its holder releases it or when its life has passed
// on the store's clock, whichever comes first. Nothing prolongs it.
//
// What a crash means: the claim of a process that has died ends with its life, of
// 30 seconds. Until then requests use the token if it has not expired, and wait
// otherwise; then one of them gets the claim. If the process died after the
// platform had answered and before it stored the new token, that token is lost and
// the user has to log in again. If the store itself loses a claim, two processes
// may refresh at the same time, and the user may have to log in again.
//
// With Redis, Claim is SET id holder NX PX life, and Release a script that deletes
// id if its value is holder. With SQL, Claim is an INSERT that on a conflict
// replaces only a row whose life has passed, and Release a DELETE of the row with
// id and holder. Claims are not sessions: Find and All do not return them.
//
// Both methods may be called by many goroutines at the same time.
type Claimer interface {
	// Claim grants the claim id to holder for the time life, if nobody has it,
	// and reports whether it did. It does not wait for a claim to end. holder is
	// a random text that differs in each call. After an error the claim is not
	// used, so if it was granted it lasts until its life has passed.
	Claim(ctx context.Context, id, holder string, life time.Duration) (bool, error)

	// Release ends the claim id if holder has it, and otherwise does nothing.
	Release(ctx context.Context, id, holder string) error
}

const (
	// claimLife exceeds renewTime: when a claim ends by itself, its holder has
	// died or is not going to use the refresh token any more.
	claimLife   = 30 * time.Second
	claimPoll   = 50 * time.Millisecond // between two looks at what another process does
	releaseTime = 5 * time.Second
)

// claim returns the record of handle, and the holder of the claim under which the
// caller has to refresh its token and then release the claim. If holder is empty,
// there is nothing to do: the token is not due any more, or it has not expired and
// another process refreshes it.
func (l *Login) claim(ctx context.Context, handle string) (rec *record, holder string, err error) {
	for {
		holder = secret()
		rec, granted, err := l.tryClaim(ctx, handle, holder)
		switch {
		case err != nil:
			return nil, "", err
		case granted:
			return rec, holder, nil
		case !rec.Token.expired(l.cfg.Now()):
			return rec, "", nil
		}
		if sleep(ctx, claimPoll) != nil {
			return nil, "", errNotClaimed
		}
	}
}

var errNotClaimed = errors.New("oauth: the token was not refreshed: another process was refreshing it and did not finish, or the session store is too slow to grant a claim")

// tryClaim claims handle once, if its token is due. It returns the record, which
// was read under the claim if that was granted.
func (l *Login) tryClaim(ctx context.Context, handle, holder string) (rec *record, granted bool, err error) {
	if rec, err = l.current(ctx, handle); err != nil || !l.due(rec) {
		return rec, false, err
	}
	asked := time.Now()
	granted, err = l.claims.Claim(ctx, l.id(claimKind, handle), holder, claimLife)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, false, errNotClaimed
	case err != nil:
		return nil, false, &LoginError{Reason: ReasonStoreFailed, Err: err}
	case !granted:
		return rec, false, nil
	}
	rec, err = l.current(ctx, handle) // another process may have refreshed the token since
	late := time.Since(asked) > claimLife-renewTime
	if err != nil || late || !l.due(rec) { // late: the claim might end before the refresh does
		l.release(ctx, handle, holder)
		return rec, false, err
	}
	return rec, true, nil
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

// release ends a claim, so that the next process may get it.
func (l *Login) release(ctx context.Context, handle, holder string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	l.claims.Release(ctx, l.id(claimKind, handle), holder) // if it fails, the claim ends with its life
}
