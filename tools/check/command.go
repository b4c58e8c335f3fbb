package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Whatever is running now. Nothing of it may outlive this process.
var running struct {
	sync.Mutex
	cmd *exec.Cmd
}

// How long what is running may take to remove what it has made.
const tidyTime = 5 * time.Second

// endTogether ends what is running when this process is asked to end, or when
// the go run that started it is gone.
func endTogether() {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	parent := os.Getppid()
	go func() {
		for waiting := true; waiting && !orphaned(parent); {
			select {
			case <-asked:
				waiting = false
			case <-time.After(time.Second):
			}
		}
		running.Lock() // for ever: nothing starts any more
		if running.cmd != nil {
			endGroup(running.cmd, tidyTime)
		}
		fmt.Println("--- interrupted")
		os.Exit(130)
	}()
}

// execute runs cmd in a process group that ends with this process.
func execute(cmd *exec.Cmd) error {
	inGroup(cmd)
	running.Lock()
	err := cmd.Start()
	running.cmd = cmd
	running.Unlock()
	if err == nil {
		err = cmd.Wait()
	}
	running.Lock()
	defer running.Unlock()
	if running.cmd = nil; err != nil {
		return fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return nil
}

func run(name string, args ...string) error { return runIn("", name, args...) }

func runIn(dir, name string, args ...string) error { return runTo(os.Stdout, dir, name, args...) }

func runTo(out io.Writer, dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, os.Stderr
	return execute(cmd)
}

func output(name string, args ...string) (string, error) { return outputIn("", name, args...) }

func outputIn(dir, name string, args ...string) (string, error) {
	var stdout bytes.Buffer
	err := runTo(&stdout, dir, name, args...)
	return strings.TrimSpace(stdout.String()), err
}

func inModules(do func(dir string) error) error {
	dirs, err := output("go", "list", "-m", "-f", "{{.Dir}}")
	errs := []error{err}
	for _, dir := range strings.Fields(dirs) {
		errs = append(errs, do(dir))
	}
	return errors.Join(errs...)
}
