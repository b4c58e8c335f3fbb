package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/shopex/prism-go/tools/chromium"
)

// browser makes sure that the tests that follow have a browser: on Debian it
// installs one, elsewhere it says loudly that they go without.
func browser() error {
	return provide(canInstall(), func(name string, args ...string) error { return run(name, args...) })
}

func provide(install bool, run func(name string, args ...string) error) error {
	if os.Getenv(chromium.SwitchVariable) == chromium.Off {
		return without(chromium.SwitchVariable + "=" + chromium.Off + " is set")
	}
	path, err := chromium.Find()
	if errors.Is(err, chromium.ErrMissing) {
		if !install {
			return without(err.Error())
		}
		path, err = installed(run)
	}
	if err == nil {
		fmt.Println("the tests use " + path)
	}
	return err
}

// without turns the tests with a browser off in what is run from now on.
func without(why string) error {
	fmt.Println("!!! WITHOUT THE BROWSER TESTS: " + why)
	return os.Setenv(chromium.SwitchVariable, chromium.Off)
}

// canInstall reports whether this is Debian, where the package has this name and
// is no snap, and whether this process may install it.
func canInstall() bool {
	release, _ := os.ReadFile("/etc/os-release")
	_, err := exec.LookPath("apt-get")
	return err == nil && os.Geteuid() == 0 && isDebian(string(release))
}

func isDebian(release string) bool {
	for line := range strings.Lines(release) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), "="); name == "ID" {
			return strings.Trim(value, `"'`) == "debian"
		}
	}
	return false
}

// installed installs Chromium and returns its path.
func installed(run func(name string, args ...string) error) (string, error) {
	if err := install(run, "chromium"); err != nil {
		return "", fmt.Errorf("chromium is missing and was not installed (set %s=%s to go without): %w", chromium.SwitchVariable, chromium.Off, err)
	}
	return chromium.Find()
}
