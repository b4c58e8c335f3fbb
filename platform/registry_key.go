package platform

import (
	"context"
	"crypto/subtle"
	"strings"
	"time"
)

// A storedKey is a key as it is stored.
type storedKey struct {
	Key

	// Epoch is random, and another one for a key that was made anew under the same
	// ID, so that what users allowed the earlier one is over.
	Epoch string `json:",omitempty"`

	// OldSecret is good until OldUntil, beside Secret.
	OldSecret string    `json:",omitempty"`
	OldUntil  time.Time `json:",omitzero"`

	// Deleted is set when its deletion has begun: nobody but another deletion
	// finds it.
	Deleted bool `json:",omitempty"`
}

// newStoredKey returns what is stored of a key that was not there before.
func newStoredKey(key Key) *storedKey { return &storedKey{Key: key, Epoch: randomName()} }

// replaceKey returns what is stored of key in place of old, which may be nil.
func replaceKey(old *storedKey, key Key) *storedKey {
	if old == nil || old.Deleted {
		return newStoredKey(key)
	}
	stored := *old
	stored.Key = key
	if old.Secret != key.Secret {
		stored.OldSecret, stored.OldUntil = "", time.Time{}
	}
	return &stored
}

// holder names the key in what users allow it to do.
func (k *storedKey) holder() string {
	if k.Epoch == "" { // stored before keys had one
		return k.ID
	}
	return k.ID + "\x00" + k.Epoch
}

// heldBy returns the ID of a holder.
func heldBy(holder string) string {
	id, _, _ := strings.Cut(holder, "\x00")
	return id
}

// shows reports whether secret is good for the key.
func (k *storedKey) shows(secret string, now time.Time) bool {
	equal := func(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
	return equal(k.Secret, secret) || k.hasOld(now) && equal(k.OldSecret, secret)
}

func (k *storedKey) hasOld(now time.Time) bool { return k.OldSecret != "" && now.Before(k.OldUntil) }

// EndKeyTokens ends the tokens that users have given to a key, and its part in
// their sessions. It returns [ErrUnknownKey] if there is no such key.
func (r *Registry) EndKeyTokens(ctx context.Context, id string) error {
	_, err := updateRecord(ctx, r.store, kindKey, id, 0, func(key *storedKey) (bool, error) {
		key.Epoch = randomName()
		return true, nil
	})
	return instead(err, ErrUnknownKey)
}

// RotateKey gives a key a new random secret and returns the key with it. The
// secret that it had is good until the given time, too; one from before that is
// not, from now on. It returns [ErrUnknownKey] if there is no such key.
func (r *Registry) RotateKey(ctx context.Context, id string, until time.Time) (Key, error) {
	key, err := r.rotateKeyIf(ctx, id, until, until.After(time.Now()), func(*storedKey) bool { return true })
	if err != nil {
		return Key{}, err
	}
	return key.Key, nil
}

// rotateKeyIf is RotateKey for a key that is still the same. The secret that it had
// is kept only if it is still good.
func (r *Registry) rotateKeyIf(ctx context.Context, id string, until time.Time, good bool, same func(*storedKey) bool) (*storedKey, error) {
	key, err := updateRecord(ctx, r.store, kindKey, id, 0, func(key *storedKey) (bool, error) {
		if !same(key) {
			return false, ErrUnknownKey
		}
		key.OldSecret, key.OldUntil = key.Secret, until.UTC()
		if !good {
			key.OldSecret = ""
		}
		key.Secret = randomText(secretLength)
		return true, nil
	})
	return key, instead(err, ErrUnknownKey)
}
