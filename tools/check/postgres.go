package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// postgres makes sure that the tests that follow have PostgreSQL: on Debian it installs
// it, elsewhere it says loudly that they go without.
func postgres() error {
	path, err := exec.LookPath("initdb")
	if err != nil {
		// Where Debian has it, which is not in PATH.
		if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); len(found) > 0 {
			path, err = found[len(found)-1], nil
		}
	}
	if err != nil && !canInstall() {
		fmt.Println("!!! WITHOUT THE TEST OF USERS IN POSTGRESQL: " + err.Error())
		return nil
	}
	if err != nil {
		path = "postgresql, which was installed"
		err = install(func(name string, args ...string) error { return run(name, args...) }, "postgresql")
	}
	if err == nil {
		fmt.Println("the tests use " + path)
	}
	return err
}
