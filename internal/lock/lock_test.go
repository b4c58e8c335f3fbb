package lock

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOneOpeningHasTheLockUntilItCloses(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	open := func() *os.File {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	try := func(f *os.File, want bool) {
		t.Helper()
		if locked, err := Try(f); locked != want || err != nil {
			t.Errorf("locked %v, %v; want %v", locked, err, want)
		}
	}
	first, second := open(), open()
	try(first, true)
	try(second, false)
	first.Close()
	try(second, true)
}

func TestWhatCannotBeLockedIsAnError(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "lock"))
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if locked, err := Try(f); locked || err == nil {
		t.Errorf("locked %v, %v", locked, err)
	}
}
