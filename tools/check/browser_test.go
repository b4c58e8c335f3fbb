package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/shopex/prism-go/tools/chromium"
)

// bare is a machine without any browser, whose PATH is the directory returned.
func bare(t *testing.T) string {
	if runtime.GOOS != "linux" {
		t.Skip("a browser may be where it is usually installed")
	}
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	t.Setenv(chromium.PathVariable, "")
	t.Setenv(chromium.SwitchVariable, "")
	return dir
}

func put(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func never(t *testing.T) func(string, ...string) error {
	return func(name string, args ...string) error {
		t.Errorf("it ran %s %q", name, args)
		return nil
	}
}

func TestABrowserThatIsThereIsUsed(t *testing.T) {
	put(t, filepath.Join(bare(t), "chromium"))
	if err := provide(true, never(t)); err != nil || os.Getenv(chromium.SwitchVariable) != "" {
		t.Errorf("%v, %s=%s", err, chromium.SwitchVariable, os.Getenv(chromium.SwitchVariable))
	}
}

func TestAMissingBrowserIsInstalledWhereThatIsPossible(t *testing.T) {
	dir := bare(t)
	var commands []string
	err := provide(true, func(name string, args ...string) error {
		commands = append(commands, name+" "+strings.Join(args, " "))
		if slices.Contains(args, "install") {
			put(t, filepath.Join(dir, "chromium"))
		}
		return nil
	})
	want := []string{"apt-get -qq update", "apt-get -qq install -y --no-install-recommends chromium"}
	if err != nil || !slices.Equal(commands, want) || os.Getenv(chromium.SwitchVariable) != "" {
		t.Errorf("%v; it ran %q", err, commands)
	}
}

func TestElsewhereTheTestsGoWithout(t *testing.T) {
	bare(t)
	if err := provide(false, never(t)); err != nil || os.Getenv(chromium.SwitchVariable) != chromium.Off {
		t.Errorf("%v, %s=%s", err, chromium.SwitchVariable, os.Getenv(chromium.SwitchVariable))
	}
}

func TestWhoWantsNoBrowserGetsNone(t *testing.T) {
	bare(t)
	t.Setenv(chromium.SwitchVariable, chromium.Off)
	if err := provide(true, never(t)); err != nil || os.Getenv(chromium.SwitchVariable) != chromium.Off {
		t.Error(err)
	}
}

func TestAFailedInstallationIsAFailureAndNoSilence(t *testing.T) {
	bare(t)
	broken := errors.New("no network")
	err := provide(true, func(string, ...string) error { return broken })
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), chromium.SwitchVariable) || os.Getenv(chromium.SwitchVariable) != "" {
		t.Error(err)
	}
	if err := provide(true, func(string, ...string) error { return nil }); !errors.Is(err, chromium.ErrMissing) {
		t.Errorf("installed without a browser: %v", err)
	}
}

func TestABrowserThatIsNamedAndNotThereIsAFailure(t *testing.T) {
	t.Setenv(chromium.PathVariable, filepath.Join(bare(t), "none"))
	if err := provide(true, never(t)); err == nil || os.Getenv(chromium.SwitchVariable) != "" {
		t.Error(err)
	}
}

func TestOnlyDebianIsDebian(t *testing.T) {
	for release, want := range map[string]bool{
		"PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n": true,
		"ID=\"debian\"\r\n":            true,
		"ID=ubuntu\nID_LIKE=debian\n":  false,
		"ID_LIKE=debian\nID=raspbian":  false,
		"":                             false,
		"VERSION_ID=debian\nID=alpine": false,
	} {
		if isDebian(release) != want {
			t.Errorf("%q: want %v", release, want)
		}
	}
}
