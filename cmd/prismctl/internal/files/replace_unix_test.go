//go:build unix

package files

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/shopex/prism-go/internal/lock"
)

// wholeAt replaces the file of a name by the text "whole".
func wholeAt(name string) error { return Replace(name, []byte("whole")) }

func TestASymbolicLinkStaysWhenItsFileIsReplaced(t *testing.T) {
	dir := t.TempDir()
	for to, there := range map[string]bool{"there": true, "not-there": false} {
		target, link := filepath.Join(dir, to), filepath.Join(dir, "link-"+to)
		if there {
			if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(os.Symlink(to, link), wholeAt(link)); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("the link to %s is %v, %v", to, info.Mode(), err)
		}
		if text, err := os.ReadFile(target); err != nil || string(text) != "whole" {
			t.Errorf("%s has %q, %v", to, text, err)
		}
	}
	round := filepath.Join(dir, "round")
	if err := errors.Join(os.Symlink("round", round), wholeAt(round)); err == nil {
		t.Error("a link to itself was replaced")
	}
}

func TestAPipeIsWrittenToAndStays(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan string, 1)
	go func() {
		text, _ := os.ReadFile(pipe)
		read <- string(text)
	}()
	if err := wholeAt(pipe); err != nil {
		t.Fatal(err)
	}
	if got := <-read; got != "whole" {
		t.Errorf("the reader got %q", got)
	}
	if info, err := os.Lstat(pipe); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		t.Errorf("the pipe is %v, %v", info.Mode(), err)
	}
	if err := wholeAt(os.DevNull); err != nil {
		t.Error(err)
	}
}

func TestAHalfFileIsNamedAfterTheWholeOneAndPrivate(t *testing.T) {
	dir := t.TempDir()
	err := ReplaceBy(filepath.Join(dir, "prism.backup"), func(io.Writer) error {
		half, err := filepath.Glob(filepath.Join(dir, "prism.backup.new-*"))
		if err != nil || len(half) != 1 {
			t.Fatalf("there are %v, %v", half, err)
		}
		if info, err := os.Stat(half[0]); err != nil || info.Mode() != 0o600 {
			t.Errorf("it has the mode %v, %v", info.Mode(), err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatAKilledBackupLeftIsRemoved(t *testing.T) {
	name := filepath.Join(t.TempDir(), "prism.[1]backup")
	left, err := os.Create(name + ".new-1")
	if err != nil {
		t.Fatal(err)
	}
	left.Close() // as by the end of its process
	atWork, err := os.Create(name + ".new-2")
	if err != nil {
		t.Fatal(err)
	}
	defer atWork.Close()
	if locked, err := lock.Try(atWork); !locked || err != nil {
		t.Fatal(locked, err)
	}
	if err := Replace(name, []byte("x")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil || len(entries) != 2 || entries[1].Name() != filepath.Base(atWork.Name()) {
		t.Errorf("%v, %v", entries, err)
	}
}
