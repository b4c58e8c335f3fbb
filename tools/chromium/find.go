// Package chromium finds the browser that the tests drive.
package chromium

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

const (
	// PathVariable is the environment variable that names the browser.
	PathVariable = "PRISM_CHROMIUM"
	// SwitchVariable is the environment variable that [Off] turns the tests
	// with a browser off by.
	SwitchVariable = "PRISM_BROWSER"
	// Off is the value of SwitchVariable to go without a browser.
	Off = "off"
)

// ErrMissing says that there is no browser, how to get one and how to do
// without.
var ErrMissing = errors.New("no Chromium or Chrome was found in PATH or where they are usually installed: " +
	"install one (on Debian: apt-get install chromium), or set " + PathVariable + " to the path of its program, or set " +
	SwitchVariable + "=" + Off + " to go without the tests that need it")

// Find returns the path of Chromium or Chrome: what [PathVariable] names, else
// the first one in PATH, else one where it is usually installed. The error
// matches [ErrMissing] when there is none, and says so when the one that is
// named is not there.
func Find() (string, error) {
	return search{os.Getenv, exec.LookPath, runtime.GOOS}.find()
}

// A search is for one machine.
type search struct {
	getenv func(string) string
	look   func(string) (string, error) // [exec.LookPath]; it takes paths, too
	system string                       // GOOS
}

func (s search) find() (string, error) {
	if named := s.getenv(PathVariable); named != "" {
		path, err := s.look(named)
		if err != nil {
			return "", fmt.Errorf("%s names a browser that is not there: %w", PathVariable, err)
		}
		return path, nil
	}
	for _, name := range append([]string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"}, s.usual()...) {
		if path, err := s.look(name); err == nil {
			return path, nil
		}
	}
	return "", ErrMissing
}

// usual lists where the installers of systems put it that do not use PATH.
func (s search) usual() []string {
	switch s.system {
	case "darwin":
		return []string{
			"/Applications/Chromium.app/Contents/MacOS/Chromium",
			"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
		}
	case "windows":
		var paths []string
		for _, variable := range []string{"LOCALAPPDATA", "PROGRAMFILES", "PROGRAMFILES(X86)"} {
			if dir := s.getenv(variable); dir != "" {
				paths = append(paths,
					filepath.Join(dir, "Chromium", "Application", "chrome.exe"),
					filepath.Join(dir, "Google", "Chrome", "Application", "chrome.exe"))
			}
		}
		return paths
	}
	return nil
}
