package main

import (
	"fmt"
	"os/exec"
)

// nginx makes sure that the tests that follow have a reverse proxy: on Debian it
// installs one, elsewhere it says loudly that they go without.
func nginx() error {
	path, err := exec.LookPath("nginx")
	if err != nil && !canInstall() {
		fmt.Println("!!! WITHOUT THE TEST BEHIND A PROXY: " + err.Error())
		return nil
	}
	if err != nil {
		path = "nginx-light, which was installed"
		err = install(func(name string, args ...string) error { return run(name, args...) }, "nginx-light")
	}
	if err == nil {
		fmt.Println("the tests use " + path)
	}
	return err
}

// install installs a package of Debian.
func install(run func(name string, args ...string) error, name string) error {
	if err := run("apt-get", "-qq", "update"); err != nil {
		return err
	}
	return run("apt-get", "-qq", "install", "-y", "--no-install-recommends", name)
}
