// Command check is the project's test command. It needs nothing but Go (and,
// for the race detector, a C compiler, and for the tests in a real browser,
// Chromium, which it installs on Debian), prints what it does, and exits with 1
// when anything failed:
//
//	go run ./internal/check          everything
//	go run ./internal/check lint     format, vet and staticcheck
//	go run ./internal/check test     tests, fuzzing and the demo
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

const (
	staticcheck = "honnef.co/go/tools/cmd/staticcheck@v0.8.2"
	// For each fuzz test. A number of inputs and not a time: go test -fuzz now
	// and then takes the end of its own time for a failure.
	fuzzInputs = "6000x"
)

func main() {
	steps := map[string][]step{"lint": lint, "test": test, "": append(lint, test...)}
	chosen, known := steps[strings.Join(os.Args[1:], " ")]
	if !known {
		fmt.Fprintln(os.Stderr, "usage: go run ./internal/check [lint|test]")
		os.Exit(2)
	}
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
}

var test = []step{
	{"a browser for the tests", browser},
	{"tests with the race detector", tests},
	{"fuzzing each decoder with " + fuzzInputs, fuzz},
	{"demo", func() error { return run("go", "run", "./cmd/prismctl", "demo") }},
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

func tests() error {
	args := []string{"test", "-race", "-timeout", "5m", "work"}
	if cgo, _ := output("go", "env", "CGO_ENABLED"); cgo != "1" || !hasCompiler() {
		fmt.Println("!!! WITHOUT THE RACE DETECTOR: it needs a C compiler and CGO_ENABLED=1 here")
		args = []string{"test", "-timeout", "5m", "work"}
	}
	return run("go", args...)
}

func hasCompiler() bool {
	cc, _ := output("go", "env", "CC")
	_, err := exec.LookPath(strings.Fields(cc + " cc")[0])
	return err == nil
}

// fuzz runs every fuzz test of the workspace for a while.
func fuzz() error {
	return inModules(func(dir string) error {
		packages, err := outputIn(dir, "go", "list", "./...")
		if err != nil {
			return err
		}
		var errs []error
		for _, pkg := range strings.Fields(packages) {
			names, err := outputIn(dir, "go", "test", "-list", "^Fuzz", pkg)
			errs = append(errs, err)
			for _, name := range strings.Fields(names) {
				if strings.HasPrefix(name, "Fuzz") {
					errs = append(errs, runIn(dir, "go", "test", "-run", "^$", "-fuzz", "^"+name+"$", "-fuzztime", fuzzInputs, pkg))
				}
			}
		}
		return errors.Join(errs...)
	})
}

func inModules(do func(dir string) error) error {
	dirs, err := output("go", "list", "-m", "-f", "{{.Dir}}")
	errs := []error{err}
	for _, dir := range strings.Fields(dirs) {
		errs = append(errs, do(dir))
	}
	return errors.Join(errs...)
}

func run(name string, args ...string) error { return runIn("", name, args...) }

func runIn(dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return nil
}

func output(name string, args ...string) (string, error) { return outputIn("", name, args...) }

func outputIn(dir, name string, args ...string) (string, error) {
	var stdout bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return strings.TrimSpace(stdout.String()), nil
}
