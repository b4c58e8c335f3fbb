package jetstream

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestADirectoryOfANewerVersionIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := open(t, Config{Dir: dir}).Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "version")
	if err := os.WriteFile(name, []byte("7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Config{Dir: dir, Logger: quiet(t)})
	if !errors.Is(err, ErrNewerVersion) || !strings.Contains(err.Error(), "run the newer program") {
		t.Errorf("newer version: %v", err)
	}
	if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{Dir: dir, Logger: quiet(t)}); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("damaged version: %v", err)
	}
	for _, before := range []string{"1\n", "2\n", "3\n", "4\n", "5\n"} {
		must(t, os.WriteFile(name, []byte(before), 0o600))
		must(t, open(t, Config{Dir: dir}).Close())
		versionIs(t, dir, "5\n") // programs of before know up to 4
	}
}

func TestADirectoryInUseSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	open(t, Config{Dir: dir})
	_, err := Open(t.Context(), Config{Dir: dir, Logger: quiet(t)})
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "stop the process that has it") || strings.Contains(err.Error(), "\n") {
		t.Error(err)
	}
}

// The server in the process must not write to the program's standard output or error.
func TestTheServerSpeaksThroughTheLoggerOnly(t *testing.T) {
	var logged bytes.Buffer
	printed := printedBy(t, func() {
		log := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		if err := open(t, Config{Dir: t.TempDir(), Logger: log}).Close(); err != nil {
			t.Error(err)
		}
	})
	if printed != "" {
		t.Errorf("printed %q", printed)
	}
	for _, line := range strings.Split(strings.TrimSpace(logged.String()), "\n") {
		if !strings.Contains(line, "level=DEBUG") || !strings.Contains(line, "jetstream") {
			t.Errorf("logged %q", line)
		}
	}
}

// printedBy returns what do writes to the standard output and error.
func printedBy(t *testing.T, do func()) string {
	f, err := os.Create(filepath.Join(t.TempDir(), "printed"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out, errs := os.Stdout, os.Stderr
	defer func() { os.Stdout, os.Stderr = out, errs }()
	os.Stdout, os.Stderr = f, f
	do()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
