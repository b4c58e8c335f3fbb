package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
)

// databases makes sure that the tests that follow have PostgreSQL and MariaDB: on Debian it
// installs them, elsewhere it says loudly that they go without.
func databases() error {
	for _, d := range []struct{ program, where, name, kind string }{
		// Where Debian has it, which is not in PATH.
		{"initdb", "/usr/lib/postgresql/*/bin/initdb", "postgresql", "POSTGRESQL"},
		{"mariadb-install-db", "/usr/bin/mariadb-install-db", "mariadb-server", "MYSQL"},
	} {
		if err := database(d.program, d.where, d.name, d.kind); err != nil {
			return err
		}
	}
	return nil
}

// database makes sure that a program is in PATH or where a pattern says, by a package of
// Debian.
func database(program, where, name, kind string) error {
	path, err := exec.LookPath(program)
	if err != nil {
		if found, _ := filepath.Glob(where); len(found) > 0 {
			path, err = found[len(found)-1], nil
		}
	}
	if err != nil && !canInstall() {
		fmt.Println("!!! WITHOUT THE TEST OF USERS IN " + kind + ": " + err.Error())
		return nil
	}
	if err != nil {
		path = name + ", which was installed"
		err = install(func(name string, args ...string) error { return run(name, args...) }, name)
	}
	if err == nil {
		fmt.Println("the tests use " + path)
	}
	return err
}
