package seed

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/shopex/prism-go/platform"
)

// The key that serve makes at the first start of all is recorded before it is stored
// as a key, so that all who start at the same time have the same one, also after an
// end in between. After that the record keeps the ID only: the secret is in the key,
// and goes when that is rotated or deleted.

const (
	kindServe   = "serve"
	ownKeyThere = "key"
)

// ownKey returns the key that serve made at the first start. It makes one where
// there are no keys.
func (s *seeder) ownKey(ctx context.Context) (Key, error) {
	keys, err := s.registry.Keys(ctx)
	if err != nil {
		return Key{}, err
	}
	recorded, err := remembered(ctx, s.store, ownKeyThere, newOwnKey, len(keys) == 0)
	if err != nil || recorded.ID == "" {
		return Key{}, err
	}
	known, err := s.registry.Key(ctx, recorded.ID)
	switch {
	case err == nil:
		return Key{ID: known.ID, Secret: known.Secret, Old: len(keys) > 0}, errors.Join(s.begin(ctx, known), s.redirects(ctx))
	case !errors.Is(err, platform.ErrUnknownKey):
		return Key{}, err
	case len(keys) > 0: // an administrator has deleted it
		return Key{}, s.redirects(ctx)
	case recorded.Secret == "": // and all others
		return s.ownKeyAnew(ctx)
	}
	return Key{ID: recorded.ID, Secret: recorded.Secret}, s.first(ctx, recorded)
}

func newOwnKey() (platform.Key, error) { return platform.NewKey(FirstApp), nil }

// ownKeyAnew records another key in place of one that was deleted, and makes it.
func (s *seeder) ownKeyAnew(ctx context.Context) (Key, error) {
	key, _ := newOwnKey()
	err := s.changeOwnKey(ctx, func(recorded *platform.Key) bool {
		if recorded.Secret != "" { // by another start of the same moment
			key = *recorded
			return false
		}
		*recorded = key
		return true
	})
	if err == nil {
		err = s.first(ctx, key)
	}
	return Key{ID: key.ID, Secret: key.Secret}, err
}

// forgetOwnSecret leaves the ID in the record of serve's own key once that is stored.
// Earlier versions kept the secret.
func (s *seeder) forgetOwnSecret(ctx context.Context) error {
	return s.changeOwnKey(ctx, func(recorded *platform.Key) bool {
		changed := recorded.Secret != ""
		recorded.Secret = ""
		return changed
	})
}

// changeOwnKey stores what change makes of the record of serve's own key, if there is
// one, unless it returns false.
func (s *seeder) changeOwnKey(ctx context.Context, change func(*platform.Key) bool) error {
	for {
		record, err := s.store.Load(ctx, kindServe, ownKeyThere)
		if err != nil {
			return ignore(err, platform.ErrNoRecord)
		}
		var key platform.Key
		if err := json.Unmarshal(record.Value, &key); err != nil || !change(&key) {
			return err
		}
		text, err := json.Marshal(key)
		if err != nil {
			return err
		}
		if _, err = s.store.Save(ctx, kindServe, ownKeyThere, text, record.Revision, 0); !errors.Is(err, platform.ErrConflict) {
			return err
		}
	}
}

// remembered returns what serve once made and recorded under this name, or the
// zero value. Where nothing is and it may, it makes and records one: whoever
// starts at the same time on the same records gets the same.
func remembered[T any](ctx context.Context, store platform.Store, name string, newOne func() (T, error), may bool) (value T, err error) {
	for {
		record, err := store.Load(ctx, kindServe, name)
		if err == nil {
			return value, json.Unmarshal(record.Value, &value)
		}
		if !errors.Is(err, platform.ErrNoRecord) || !may {
			return value, ignore(err, platform.ErrNoRecord)
		}
		made, err := newOne()
		if err != nil {
			return value, err
		}
		text, err := json.Marshal(made)
		if err != nil {
			return value, err
		}
		if _, err = store.Save(ctx, kindServe, name, text, 0, 0); !errors.Is(err, platform.ErrConflict) {
			return made, err
		}
	}
}
