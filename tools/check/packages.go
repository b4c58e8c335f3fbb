package main

import (
	"fmt"
	"os"
	"strings"
)

// packagesTool has tests of its own step: what it is made of takes long to compile with the
// race detector, and it starts no goroutines.
const packagesTool = "tools/packages"

// packages makes a deb and an rpm of this source, and installs the deb. On Debian that is
// never left out, elsewhere it says loudly when it is.
func packages() error {
	if canInstall() {
		if err := os.Setenv("PRISM_MUST_INSTALL", "1"); err != nil {
			return err
		}
	} else {
		fmt.Println("!!! WITHOUT THE INSTALLATION OF A PACKAGE, unless root has dpkg here")
	}
	return run("go", "test", "-timeout", "30m", "./"+packagesTool)
}

func isPackagesTool(pkg string) bool { return strings.HasSuffix(pkg, "/"+packagesTool) }
