//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestSIGHUPOpensTheAccessLogAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "access.log")
	p := start(t, nil, "serve", "--listen", "127.0.0.1:0", "--output", "json", "--access-log", file)
	var s served
	if err := json.Unmarshal([]byte(p.line()), &s); err != nil {
		t.Fatal(err)
	}
	s.do("queue list")
	moved := file + ".1"
	if err := os.Rename(file, moved); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGHUP)
	for {
		if _, err := os.Stat(file); err == nil {
			break
		}
		s.do("queue list") // until the new file is there
	}
	// The one that was under way when the file came may be in either.
	s.do("queue list")
	s.do("queue list")
	p.signal(syscall.SIGTERM)
	p.wants(exitDone)
	for _, name := range []string{file, moved} {
		text, err := os.ReadFile(name)
		if err != nil || bytes.Count(text, []byte("queue/list")) == 0 {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	if got := p.err.String(); got != "" {
		t.Errorf("it complained: %s", got)
	}
}

func TestSIGHUPDoesNotEndServe(t *testing.T) {
	p, env := serveProcess(t, "127.0.0.1:0")
	for range 3 {
		p.signal(syscall.SIGHUP)
	}
	start(t, env, "queue", "list").wants(exitDone)
	p.signal(syscall.SIGTERM)
	p.wants(exitDone)
}
