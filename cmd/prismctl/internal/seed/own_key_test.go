package seed

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/shopex/prism-go/platform"
)

// Earlier versions recorded the secret, and an end in the midst leaves it.
func TestTheRecordOfTheFirstKeyKeepsNoSecret(t *testing.T) {
	s := newStage(t)
	key := platform.NewKey(FirstApp)
	text, err := json.Marshal(key)
	s.must(err)
	_, err = s.store.Save(t.Context(), kindServe, ownKeyThere, text, 0, 0)
	s.must(err)
	start := func() Key {
		seed := &seeder{store: s.store, registry: s.users}
		shown, err := seed.ownKey(t.Context())
		s.must(errors.Join(err, seed.forgetOwnSecret(t.Context())))
		return shown
	}
	for i := range 2 {
		if shown := start(); shown.ID != key.ID || shown.Secret != key.Secret || shown.Old != (i > 0) {
			t.Errorf("start %d has the key %s, old: %v", i, shown.ID, shown.Old)
		}
		record, err := s.store.Load(t.Context(), kindServe, ownKeyThere)
		if err != nil || bytes.Contains(record.Value, []byte(key.Secret)) || !bytes.Contains(record.Value, []byte(key.ID)) {
			t.Errorf("after start %d the record has the secret, or not the key: %v", i, err)
		}
	}
	s.must(s.users.DeleteKey(t.Context(), key.ID))
	anew := start()
	if stored, there := s.key(anew.ID); !there || anew.ID == key.ID || stored.Secret != anew.Secret || anew.Secret == key.Secret {
		t.Errorf("where all keys were deleted there is %s", anew.ID)
	}
}
