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

	// Epoch is random. A key that is made again under the same ID has another one, so
	// the sessions and tokens of the earlier key are not valid for it.
	Epoch string `json:",omitempty"`

	// OldSecret is valid until OldUntil, beside Secret.
	OldSecret string    `json:",omitempty"`
	OldUntil  time.Time `json:",omitzero"`

	// Deleted is set when the deletion of the key has begun. From then on only
	// deletions find the key.
	Deleted bool `json:",omitempty"`
}

// newStoredKey returns the record of a new key.
func newStoredKey(key Key) *storedKey { return &storedKey{Key: key, Epoch: randomName()} }

// replaceKey returns the record of key in place of old, which may be nil.
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

// holder returns the name of the key in sessions and grants.
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

// shows reports whether secret is a valid secret of the key.
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

// RotateKey gives a key a new random secret and returns the key with it. The previous
// secret stays valid until the given time; secrets before that are no longer valid. It
// returns [ErrUnknownKey] if there is no such key.
func (r *Registry) RotateKey(ctx context.Context, id string, until time.Time) (Key, error) {
	key, err := r.rotateKeyIf(ctx, id, until, until.After(time.Now()), func(*storedKey) bool { return true })
	if err != nil {
		return Key{}, err
	}
	return key.Key, nil
}

// expireKeyIf changes when a key ends, if same returns true for it.
func (r *Registry) expireKeyIf(ctx context.Context, id string, expires time.Time, same func(*storedKey) bool) (*storedKey, error) {
	key, err := updateRecord(ctx, r.store, kindKey, id, 0, func(key *storedKey) (bool, error) {
		if !same(key) || key.Deleted {
			return false, ErrUnknownKey
		}
		key.Expires = expires
		return true, nil
	})
	return key, instead(err, ErrUnknownKey)
}

// rotateKeyIf is RotateKey for a key for which same returns true. It keeps the previous
// secret only if that is good.
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
