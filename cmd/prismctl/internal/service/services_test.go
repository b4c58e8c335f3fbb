package service

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// An ending is a context that ends when somebody has asked so many times whether it has.
type ending struct {
	context.Context
	left int
}

func (e *ending) Err() error {
	if e.left--; e.left >= 0 {
		return nil
	}
	return context.DeadlineExceeded
}

// Whoever asks once more after the last file sees an end that came too late to matter.
func TestFilesThatAreReadAreUsedThoughTheTimeEndsBehindThem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "api.json")
	if err := os.WriteFile(file, []byte(`{"prefix": "shop"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	const most = 20
	read := 0
	for n := range most {
		files, lost, err := fetched(&ending{t.Context(), n}, file)
		switch {
		case err == nil && (lost || len(files) != 1):
			t.Errorf("an end after %d looks: %d files, lost: %t", n, len(files), lost)
		case err == nil:
			read++
		case !lost:
			t.Errorf("an end after %d looks: %v, and it is a fault of the file", n, err)
		}
	}
	if read == 0 || read == most {
		t.Errorf("%d of %d starts read the file", read, most)
	}
}
