//go:build unix

package signin

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// fakeOpener puts a script in the place of the program that opens browsers.
func fakeOpener(t *testing.T, script string) {
	t.Helper()
	name, _ := opener(runtime.GOOS)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	t.Setenv("DISPLAY", ":0")
}

func TestTheBrowserGetsTheAddressAsOneArgument(t *testing.T) {
	file := filepath.Join(t.TempDir(), "address")
	fakeOpener(t, `echo "$#" "$1" > `+file)
	const address = "http://127.0.0.1/oauth/authorize?a=1&b=$(c);d"
	if err := OpenBrowser(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file); string(got) != "1 "+address+"\n" {
		t.Errorf("it got %q, %v", got, err)
	}
}

func TestABrowserThatCannotBeOpenedIsNoticed(t *testing.T) {
	fakeOpener(t, "exit 3")
	if err := OpenBrowser(t.Context(), "http://x/"); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("error %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if err := OpenBrowser(t.Context(), "http://x/"); err == nil || !strings.Contains(err.Error(), "not found") {
		t.Errorf("error %v", err)
	}
}

func TestWithoutADisplayNoBrowserIsOpened(t *testing.T) {
	if name, _ := opener(runtime.GOOS); name != "xdg-open" {
		t.Skipf("NOT RUN: %s needs no display", name)
	}
	fakeOpener(t, "")
	for _, name := range []string{"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"} {
		t.Setenv(name, "")
	}
	if err := OpenBrowser(t.Context(), "http://x/"); err == nil || err.Error() != "there is no display" {
		t.Errorf("error %v", err)
	}
}
