package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/platform"
)

// inFiles returns one of the secrets that is in a file of dir, in clear or as base64.
func inFiles(t *testing.T, dir string, secrets ...string) (found string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return ignore(err, fs.ErrNotExist)
		}
		content, err := os.ReadFile(name)
		for _, secret := range secrets {
			if bytes.Contains(content, []byte(secret)) || bytes.Contains(content, []byte(base64.StdEncoding.EncodeToString([]byte(secret)))) {
				found = secret
			}
		}
		return ignore(err, fs.ErrNotExist)
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func goneFromFiles(t *testing.T, dir string, secrets ...string) {
	t.Helper()
	for deadline := time.Now().Add(patience.Of(time.Minute)); inFiles(t, dir, secrets...) != ""; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a secret is still in the directory")
		}
	}
}

func TestASecretThatWasRotatedOrDeletedIsGoneFromTheDirectory(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := serve(t, nil, "--data", data)
	made := parsed(t, s.do("key create prismctl --output json").out)[0]
	other, secret := made["key"].(string), made["secret"].(string)
	if inFiles(t, data, secret) == "" || inFiles(t, data, s.Secret) == "" {
		t.Fatal("it was never there")
	}
	own := s.Secret
	rotated := parsed(t, s.do("key rotate "+s.Key+" --grace 0s --output json").out)[0]
	s.Secret = rotated["secret"].(string)
	if r := s.do("key delete " + other); r.status != exitDone {
		t.Fatalf("%+v", r)
	}
	goneFromFiles(t, data, own, secret)
	s.stop().want(t, exitDone, "", "")
	again := serve(t, nil, "--data", data)
	if again.Key != s.Key || inFiles(t, data, own, secret) != "" {
		t.Errorf("after a start the first line is %s", again.first)
	}
	again.Secret = s.Secret
	again.do("queue list").want(t, exitDone, "", "")
	again.stop().want(t, exitDone, "", "")
}

// Earlier versions recorded the secret, and an end in the midst leaves it.
func TestTheRecordOfTheFirstKeyKeepsNoSecret(t *testing.T) {
	s := newStage(t)
	key := platform.NewKey(firstApp)
	text, err := json.Marshal(key)
	s.must(err)
	_, err = s.store.Save(t.Context(), kindServe, ownKeyThere, text, 0, 0)
	s.must(err)
	start := func() shownKey {
		seed := &seeder{store: s.store, registry: s.users}
		shown, err := seed.ownKey(t.Context())
		s.must(errors.Join(err, seed.forgetOwnSecret(t.Context())))
		return shown
	}
	for i := range 2 {
		if shown := start(); shown.id != key.ID || shown.secret != key.Secret || shown.old != (i > 0) {
			t.Errorf("start %d has the key %s, old: %v", i, shown.id, shown.old)
		}
		record, err := s.store.Load(t.Context(), kindServe, ownKeyThere)
		if err != nil || bytes.Contains(record.Value, []byte(key.Secret)) || !bytes.Contains(record.Value, []byte(key.ID)) {
			t.Errorf("after start %d the record has the secret, or not the key: %v", i, err)
		}
	}
	s.must(s.users.DeleteKey(t.Context(), key.ID))
	anew := start()
	if stored, there := s.key(anew.id); !there || anew.id == key.ID || stored.Secret != anew.secret || anew.secret == key.Secret {
		t.Errorf("where all keys were deleted there is %s", anew.id)
	}
}
