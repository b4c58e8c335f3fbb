package oauth

import (
	"context"
	"time"
)

// A timedLock grants claims with a session store that is no [Claimer], and so has
// no operation that compares and writes, only reads and writes. With those, one
// process at a time gets a claim as follows (Fischer's algorithm): a process that
// finds no claim writes its own, waits until every other process that found none
// must have written, too, and has the claim if it then still reads its own.
//
// That requires that reads return the last write, and that the clocks of the
// processes differ by seconds at most.
//
// A claim is a record of its own, beside that of the token: the late write of a
// claim must not put an old token over a new one.
type timedLock struct{ login *Login }

const (
	claimWrite = 500 * time.Millisecond // from finding no claim to having written one
	claimWait  = 600 * time.Millisecond // longer than claimWrite
)

// A lease is a claim as it is stored. The zero value is none.
type lease struct {
	Holder string    `json:"claim"`
	Until  time.Time `json:"until"`
}

// Claim implements [Claimer]. A claim that was written late is left in the store as
// if it was another process's, and so lasts until its life has passed: meanwhile
// another may have been granted.
func (t timedLock) Claim(ctx context.Context, id, holder string, life time.Duration) (bool, error) {
	began := time.Now()
	if free, err := t.isFree(ctx, id, life); err != nil || !free {
		return false, err
	}
	mine := lease{holder, t.login.cfg.Now().Add(life)}
	if err := t.login.put(ctx, id, &mine, time.Now().Add(life+skew)); err != nil {
		return false, err
	}
	if time.Since(began) > claimWrite {
		return false, nil
	}
	if err := sleep(ctx, claimWait); err != nil {
		return false, err
	}
	held, err := t.lease(ctx, id)
	return err == nil && held.Holder == holder, err
}

// Release implements [Claimer].
func (t timedLock) Release(ctx context.Context, id, holder string) error {
	held, err := t.lease(ctx, id)
	if err != nil || held.Holder != holder {
		return err
	}
	return t.login.remove(ctx, id)
}

// isFree reports whether the store has no claim that lasts.
func (t timedLock) isFree(ctx context.Context, id string, life time.Duration) (bool, error) {
	held, err := t.lease(ctx, id)
	left := held.Until.Sub(t.login.cfg.Now())
	return held.Holder == "" || left <= 0 || left > life+skew, err // more than life: the clock was put back
}

func (t timedLock) lease(ctx context.Context, id string) (held lease, err error) {
	_, err = t.login.find(ctx, id, &held)
	return held, err
}
