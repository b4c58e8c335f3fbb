package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// licenses returns the licences of everything that is linked into the binary
// of this target; most ask to be handed on with it.
func (t target) licenses() ([]byte, error) {
	goroot, err := output(nil, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	var all bytes.Buffer
	if err := addLicense(&all, "Go", goroot); err != nil {
		return nil, err
	}
	list, err := output(t.env(), "go", "-C", command, "list", "-deps", "-f",
		"{{with .Module}}{{if .Version}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}", ".")
	if err != nil {
		return nil, err
	}
	lines := strings.Split(list, "\n")
	slices.Sort(lines)
	for _, line := range slices.Compact(lines) {
		if name, dir, ok := strings.Cut(line, "\t"); ok && !strings.HasPrefix(name, module) {
			if err := addLicense(&all, name, dir); err != nil {
				return nil, err
			}
		}
	}
	return all.Bytes(), nil
}

// addLicense appends what dir says about the licence of name.
func addLicense(all *bytes.Buffer, name, dir string) error {
	var found []string
	for _, pattern := range []string{"LICENSE*", "LICENCE*", "COPYING*", "NOTICE*"} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return err
		}
		found = append(found, paths...)
	}
	if len(found) == 0 {
		return errors.New("there is no licence of " + name + " in " + dir + ": it cannot be handed on without one")
	}
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(all, "%s\n%s\n\n%s\n\n", name, strings.Repeat("=", len(name)), bytes.TrimSpace(text))
	}
	return nil
}
