//go:build unix

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
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
	for name, want := range map[string]fs.FileMode{dir: 0o700 | fs.ModeDir, p.keep().File: 0o600, p.keep().File + ".lock": 0o600} {
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
