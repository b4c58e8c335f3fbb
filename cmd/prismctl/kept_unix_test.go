//go:build unix

package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestOnlyItsOwnerCanReadAKeptLogin(t *testing.T) {
	p := newPerson(t)
	dir := filepath.Join(p.config, "prismctl")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if r := p.login(); r.status != exitDone {
		t.Fatalf("%+v", r)
	}
	for name, want := range map[string]fs.FileMode{dir: 0o700 | fs.ModeDir, p.keep().file: 0o600, p.keep().file + ".lock": 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode() != want {
			t.Errorf("%s has the mode %v, %v", name, info.Mode(), err)
		}
	}
}

func TestTwoProcessesRefreshOnce(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", "")
	config, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	p := newPerson(t)
	p.config = config
	if r := p.login(); r.status != exitDone {
		t.Fatalf("%+v", r)
	}
	p.expire()
	p.srv.Forget()
	env := []string{"HOME=" + home}
	for name, value := range p.env {
		env = append(env, name+"="+value)
	}
	first, second := start(t, env, "whoami"), start(t, env, "whoami")
	for _, process := range []*process{first, second} {
		if got := process.line(); got != "alice (user 1001)\n" {
			t.Errorf("printed %q", got)
		}
		process.wants(exitDone)
	}
	if n := p.refreshes(); n != 1 {
		t.Errorf("%d refreshes", n)
	}
}

func TestALockIsWaitedForAndFreedWithItsProcess(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lock")
	open := func() *os.File {
		f, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	first, second := open(), open()
	defer second.Close()
	if err := lock(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := lock(ctx, second); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the second lock: %v", err)
	}
	locked := make(chan error, 1)
	go func() { locked <- lock(t.Context(), second) }()
	first.Close()
	if err := <-locked; err != nil {
		t.Errorf("the second lock: %v", err)
	}
}

// wholeAt replaces the file of a name by the text "whole".
func wholeAt(name string) error { return replaceFile(name, []byte("whole")) }

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
	err := replaceFileBy(filepath.Join(dir, "prism.backup"), func(io.Writer) error {
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
