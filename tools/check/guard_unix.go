//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/shopex/prism-go/internal/patience"
)

const (
	// A package that takes longer than this on a quiet machine is stuck.
	packageTime = 10 * time.Minute
	// How long a binary may take to print its goroutines before it is killed.
	dumpTime = time.Minute
)

// guarded returns the flags that make go test run each test binary under
// [guardMain], in place of a time limit that knows nothing of the machine's load.
func guarded() []string {
	self, err := os.Executable()
	if err != nil {
		return []string{"-timeout", packageTime.String()}
	}
	return []string{"-timeout", "0", "-exec", fmt.Sprintf("'%s' guard %d", self, os.Getpid())}
}

// guardMain is guard with the process ID of check and the test binary's command
// as the arguments of a program.
func guardMain(args []string) int {
	parent, _ := strconv.Atoi(args[0])
	return guard(parent, packageTime, exec.Command(args[1], args[2:]...))
}

// guard runs cmd until it ends, its time on a quiet machine is over, or the
// process parent, which wants the result, is gone. Nothing that cmd has started
// outlives it. guard returns the exit status.
func guard(parent int, limit time.Duration, cmd *exec.Cmd) int {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	inGroup(cmd)
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "guard:", err)
		return 1
	}
	defer killGroup(cmd)
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	return watch(cmd, parent, limit, ended, stop)
}

func watch(cmd *exec.Cmd, parent int, left time.Duration, ended <-chan error, stop <-chan os.Signal) int {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for left > -dumpTime {
		select {
		case err := <-ended:
			return statusOf(err)
		case <-stop:
			return 1
		case <-second.C:
			if syscall.Kill(parent, 0) != nil {
				return 1
			}
			before := left
			left -= time.Duration(float64(time.Second) / patience.Factor())
			if before > 0 && left <= 0 {
				_ = cmd.Process.Signal(syscall.SIGQUIT) // the runtime prints every goroutine, and exits
			}
		}
	}
	return 1
}

func statusOf(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode()
	}
	fmt.Fprintln(os.Stderr, "guard:", err)
	return 1
}

// inGroup starts cmd in a process group of its own, so that all of it can be
// ended at once.
func inGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// endGroup asks all of the group of cmd to end, and kills after the time what has
// not.
func endGroup(cmd *exec.Cmd, limit time.Duration) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	for until := time.Now().Add(limit); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if errors.Is(syscall.Kill(-cmd.Process.Pid, 0), syscall.ESRCH) {
			return
		}
	}
	killGroup(cmd)
}

// orphaned reports whether the process that started this one is gone, as go run is
// when somebody kills it.
func orphaned(parent int) bool { return os.Getppid() != parent }
