package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/patience"
)

// inFiles returns one of the secrets that is in a file of dir, in clear or as base64.
func inFiles(t *testing.T, dir string, secrets ...string) (found string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return unlessGone(err)
		}
		content, err := os.ReadFile(name)
		for _, secret := range secrets {
			if bytes.Contains(content, []byte(secret)) || bytes.Contains(content, []byte(base64.StdEncoding.EncodeToString([]byte(secret)))) {
				found = secret
			}
		}
		return unlessGone(err)
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// unlessGone is err, but for a file that was removed meanwhile.
func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
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
	again.do("queue create orders").want(t, exitDone, "created queue orders\n", "")
	again.stop().want(t, exitDone, "", "")
}
