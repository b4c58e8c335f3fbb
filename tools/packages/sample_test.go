package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// dir has what the tests share.
var dir string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if dir, err = os.MkdirTemp("", "prismctl-packages"); err != nil {
			fmt.Println(err)
			return 1
		}
		defer os.RemoveAll(dir)
		return m.Run()
	}())
}

// built returns the archive of this source for this machine, as tools/dist makes it. Its
// binary is not trimmed, so that its parts are those that other tests have compiled.
func built(t *testing.T) *archive {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("packages for Linux are made on a Unix")
	}
	out := filepath.Join(dir, "dist")
	if _, err := os.Stat(out); err != nil {
		binary := filepath.Join(dir, "prismctl")
		command(t, "go", "build", "-ldflags", "-s -w", "-o", binary, "../../cmd/prismctl")
		command(t, "go", "run", "../dist", "-o", out, "-binary", binary, "linux/"+runtime.GOARCH)
	}
	paths, err := filepath.Glob(filepath.Join(out, "prismctl_*_linux_*.tar.gz"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("archives %q, %v", paths, err)
	}
	a, err := openArchive(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// command returns what a command prints.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// packed writes a package into a directory of the test.
func (a *archive) packed(t *testing.T, format string) string {
	t.Helper()
	name, content, err := a.pack(format)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
