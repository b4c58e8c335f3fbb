package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopex/prism-go"
)

func TestOnlyACleanTreeIsPrepared(t *testing.T) {
	repository := commit(t)
	if err := write(repository, "forgotten.go", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	release := t.TempDir()
	if err := copyCommit(t.Context(), repository, release); err == nil || !strings.Contains(err.Error(), "forgotten.go") {
		t.Errorf("got %v", err)
	}
	wantFiles(t, release)
}

func TestACheckTakesWhatWouldBeCommitted(t *testing.T) {
	repository, copied := commit(t), t.TempDir()
	for _, name := range []string{"new.go", "bin/prismctl"} {
		if err := write(repository, name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(repository, "prism.go")); err != nil {
		t.Fatal(err)
	}
	if err := copyWorkingTree(t.Context(), repository, copied); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, copied, append(except("prism.go"), "new.go")...)
}

func TestACheckNeedsNoClone(t *testing.T) {
	t.Setenv("GIT_CEILING_DIRECTORIES", os.TempDir())
	copied := t.TempDir()
	if err := copyWorkingTree(t.Context(), lie(t, sample), copied); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, copied, except()...)
}

func TestTheConstantAndTheChangelogNameTheVersion(t *testing.T) {
	version := "v" + prism.Version
	for changelog, want := range map[string]string{
		"## " + prism.Version + " (1 December 2026)\n": "",
		"## " + prism.Version + " (unreleased)\n":      "has no chapter",
		"## " + prism.Version + ".1 (1 May)\n":         "has no chapter",
	} {
		path := filepath.Join(lie(t, map[string]string{"CHANGELOG.md": "# Changelog\n\n" + changelog}), "CHANGELOG.md")
		err := named(version, path)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", changelog, err)
		}
		if err := named(version+"1", path); err == nil || !strings.Contains(err.Error(), "prism.Version") {
			t.Errorf("another version than the constant: %v", err)
		}
	}
}
