package platform

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shopex/prism-go/internal/guard"
	"github.com/shopex/prism-go/internal/push"
)

// MaxPushWorkers is how many POSTs at a time a [Push] may ask for.
const MaxPushWorkers = 64

// A Push says where the messages of a key's default queue are posted to. The zero Push
// is nowhere.
type Push struct {
	// URL is an http or https address without a user, password or fragment.
	URL string
	// Workers is how many POSTs are made at a time, at most [MaxPushWorkers]. One
	// worker, which is also what zero means, keeps the order of the queue, over
	// failures too.
	Workers int `json:",omitzero"`
	// Secret signs the messages, as Standard Webhooks says, and until OldUntil
	// OldSecret does so as well. They begin with "whsec_".
	Secret    string
	OldSecret string    `json:",omitzero"`
	OldUntil  time.Time `json:",omitzero"`
}

// String says where to, without what could be secret.
func (p Push) String() string {
	if p.URL == "" {
		return "no push"
	}
	return "push to " + hostOf(p.URL)
}

// GoString is String.
func (p Push) GoString() string { return p.String() }

// workers returns how many POSTs are made at a time.
func (p *Push) workers() int { return max(1, p.Workers) }

// check is the one place that says whether a Push may be stored.
func (p *Push) check() error {
	if *p == (Push{}) {
		return nil
	}
	if _, err := guard.ParseAddress(p.URL); err != nil {
		return err
	}
	if p.Workers < 0 || p.Workers > MaxPushWorkers {
		return fmt.Errorf("there may be 1 to %d workers, not %d", MaxPushWorkers, p.Workers)
	}
	if _, err := push.ParseSecret(p.Secret); err != nil {
		return err
	}
	if p.OldSecret != "" {
		_, err := push.ParseSecret(p.OldSecret)
		return err
	}
	return nil
}

// secrets returns the secrets that sign at this time.
func (p *Push) secrets(now time.Time) []push.Secret {
	var all []push.Secret
	if s, err := push.ParseSecret(p.Secret); err == nil {
		all = append(all, s)
	}
	if s, err := push.ParseSecret(p.OldSecret); err == nil && now.Before(p.OldUntil) {
		all = append(all, s)
	}
	return all
}

// errNoPush is returned for a key without a push address.
var errNoPush = errors.New("platform: the key has no push address")

// SetPush makes platforms post the messages in the default queue of a key to an address,
// or changes that. A key that had no address gets a secret, which SetPush returns; one
// that had an address keeps its secret, and SetPush returns "". The error is
// [ErrUnknownKey] if there is no such key.
func (r *Registry) SetPush(ctx context.Context, id, address string, workers int) (secret string, err error) {
	return r.setPushIf(ctx, id, address, workers, anyKey)
}

func (r *Registry) setPushIf(ctx context.Context, id, address string, workers int, same func(*storedKey) bool) (secret string, err error) {
	fresh := push.NewSecret()
	key, err := r.updatePush(ctx, id, same, func(p *Push) error {
		p.URL, p.Workers = address, workers
		if p.Secret == "" {
			p.Secret = fresh
		}
		return p.check()
	})
	if err != nil || key.Push.Secret != fresh {
		return "", err
	}
	return fresh, nil
}

// StopPush ends the pushing for a key, and forgets its address and secrets. What was not
// delivered stays in the queue. The error is [ErrUnknownKey] if there is no such key.
func (r *Registry) StopPush(ctx context.Context, id string) error {
	return r.stopPushIf(ctx, id, anyKey)
}

func (r *Registry) stopPushIf(ctx context.Context, id string, same func(*storedKey) bool) error {
	_, err := r.updatePush(ctx, id, same, func(p *Push) error {
		*p = Push{}
		return nil
	})
	return err
}

// rotatePushIf gives the pushing for a key a new secret, and returns it. The one that it
// had signs until the given time, too; a secret of before that does no longer. The error
// is errNoPush for a key without a push address.
func (r *Registry) rotatePushIf(ctx context.Context, id string, now, until time.Time, same func(*storedKey) bool) (secret string, err error) {
	fresh := push.NewSecret()
	_, err = r.updatePush(ctx, id, same, func(p *Push) error {
		if p.URL == "" {
			return errNoPush
		}
		p.OldSecret, p.OldUntil = "", time.Time{}
		if until.After(now) {
			p.OldSecret, p.OldUntil = p.Secret, until.UTC()
		}
		p.Secret = fresh
		return nil
	})
	return fresh, err
}

func anyKey(*storedKey) bool { return true }

// updatePush changes the Push of a key for which same returns true, and returns the key.
func (r *Registry) updatePush(ctx context.Context, id string, same func(*storedKey) bool, change func(*Push) error) (*storedKey, error) {
	key, err := updateRecord(ctx, r.store, kindKey, id, 0, func(key *storedKey) (bool, error) {
		if key.Deleted || !same(key) {
			return false, ErrUnknownKey
		}
		before := key.Push
		err := change(&key.Push)
		return key.Push != before, err
	})
	if err == nil {
		err = r.notePush(ctx)
	}
	return key, instead(err, ErrUnknownKey)
}

// A pushNote is a record whose revision grows whenever the Push of a key changes. So a
// platform sees by one record whether it has to look at all keys.
type pushNote struct {
	Changes uint64
}

const (
	kindPush = "push"
	pushName = "changes"
)

// notePush says that the Push of a key has changed. It goes on when the caller has gone:
// the change is made.
func (r *Registry) notePush(ctx context.Context) error {
	ctx, cancel := finishing(ctx)
	defer cancel()
	return putRecord(ctx, r.store, kindPush, pushName, func(old *pushNote) (*pushNote, error) {
		if old == nil {
			old = new(pushNote)
		}
		return &pushNote{old.Changes + 1}, nil
	})
}

// pushRevision returns the revision of the note, 0 if there is none.
func (r *Registry) pushRevision(ctx context.Context) (uint64, error) {
	_, revision, err := loadRecord[pushNote](ctx, r.store, kindPush, pushName)
	if errors.Is(err, ErrNoRecord) {
		return 0, nil
	}
	return revision, err
}
