// Command check is the project's test command. It needs nothing but Go (and,
// for the race detector, a C compiler, and for the tests in a real browser,
// Chromium, which it installs on Debian), prints what it does, and exits with 1
// when anything failed:
//
//	go run ./tools/check          everything
//	go run ./tools/check lint     format, vet and staticcheck
//	go run ./tools/check test     tests, fuzzing, and the demo of a release
package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const (
	staticcheck = "honnef.co/go/tools/cmd/staticcheck@v0.8.2"
	// For each fuzz test. A number of inputs and not a time: go test -fuzz now
	// and then takes the end of its own time for a failure.
	fuzzInputs = "6000x"
	fuzzTime   = "10m" // bounds a fuzz test that hangs
)

func main() {
	if len(os.Args) > 3 && os.Args[1] == "guard" {
		os.Exit(guardMain(os.Args[2:]))
	}
	steps := map[string][]step{"lint": lint, "test": test, "": append(lint, test...)}
	chosen, known := steps[strings.Join(os.Args[1:], " ")]
	if !known {
		fmt.Fprintln(os.Stderr, "usage: go run ./tools/check [lint|test]")
		os.Exit(2)
	}
	endTogether()
	announce()
	failed := 0
	for _, s := range chosen {
		began := time.Now()
		fmt.Printf("=== %s\n", s.name)
		if err := s.run(); err != nil {
			failed++
			fmt.Printf("--- FAILED: %s: %v\n", s.name, err)
			continue
		}
		fmt.Printf("--- done: %s (%v)\n", s.name, time.Since(began).Round(time.Second))
	}
	fmt.Printf("%d passed, %d failed\n", len(chosen)-failed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}

type step struct {
	name string
	run  func() error
}

var lint = []step{
	{"gofmt", format},
	{"go vet", func() error { return run("go", "vet", "work") }},
	{"staticcheck", func() error {
		return inModules(func(dir string) error { return runIn(dir, "go", "run", staticcheck, "./...") })
	}},
	{"govulncheck", func() error { return vulnerabilities(cmp.Or(os.Getenv("GOVULNDB"), vulnDatabase)) }},
}

var test = []step{
	{"a browser for the tests", browser},
	{"a proxy for the tests", nginx},
	{"databases for the tests", databases},
	{"tests with the race detector", tests},
	{"packages that install", packages},
	{"fuzzing each decoder with " + fuzzInputs, fuzz},
	{"a release that installs, and its demo", func() error { return run("go", "run", "./tools/release", "check") }},
}

func format() error {
	root, err := output("go", "env", "GOROOT")
	if err != nil {
		return err
	}
	files, err := output(root+"/bin/gofmt", "-l", ".")
	if err == nil && files != "" {
		return fmt.Errorf("run gofmt -w on:\n%s", files)
	}
	return err
}

// fuzz runs every fuzz test of the workspace for a while.
func fuzz() error {
	return inModules(func(dir string) error {
		dirs, err := outputIn(dir, "go", "list", "-f", "{{.Dir}}", "./...")
		errs := []error{err}
		for _, dir := range strings.Fields(dirs) {
			names, err := fuzzTests(dir)
			errs = append(errs, err)
			if len(names) > 0 {
				errs = append(errs, fuzzPackage(dir, names))
			}
		}
		return errors.Join(errs...)
	})
}

// fuzzPackage runs the fuzz tests in a directory. It builds them once: go test would do so
// for each.
func fuzzPackage(dir string, names []string) error {
	temp, err := os.MkdirTemp("", "prism-fuzz-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	binary := filepath.Join(temp, "fuzz.test")
	if err := runIn(dir, "go", "test", "-c", "-fuzz", ".", "-o", binary, "."); err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		fmt.Println(name, "of", dir)
		errs = append(errs, runIn(dir, binary, "-test.run", "^$", "-test.fuzz", "^"+name+"$", "-test.fuzztime", fuzzInputs,
			"-test.fuzzcachedir", filepath.Join(temp, "cache"), "-test.timeout", fuzzTime))
	}
	return errors.Join(errs...)
}

var fuzzTest = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)

// fuzzTests returns the names of the fuzz tests in a directory. It reads the source, as
// go test -list would build each package, also those that have none.
func fuzzTests(dir string) (names []string, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, match := range fuzzTest.FindAllSubmatch(source, -1) {
			names = append(names, string(match[1]))
		}
	}
	return names, nil
}
