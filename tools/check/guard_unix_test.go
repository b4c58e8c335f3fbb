//go:build unix

package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// descendant starts a shell with a child, under guard, and returns the child and
// what guard returns.
func descendant(t *testing.T, parent int, limit time.Duration) (pid int, status <-chan int) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	cmd := exec.Command("sh", "-c", "trap '' QUIT; sleep 1000 & echo $! >&3; wait")
	cmd.ExtraFiles = []*os.File{w}
	got := make(chan int, 1)
	go func() { got <- guard(parent, limit, cmd) }()
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if pid, err = strconv.Atoi(strings.TrimSpace(line)); err != nil {
		t.Fatal(err)
	}
	return pid, got
}

func wantGone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH); time.Sleep(10 * time.Millisecond) {
		if text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat"); strings.Contains(string(text), ") Z ") {
			return // dead, and init has not looked yet
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d is still there", pid)
		}
	}
}

func TestChildrenEndWithAStuckTest(t *testing.T) {
	pid, status := descendant(t, os.Getpid(), -dumpTime+time.Millisecond)
	if got := <-status; got == 0 {
		t.Error("a test that was stuck counts as passed")
	}
	wantGone(t, pid)
}

func TestChildrenEndWithTheTestCommand(t *testing.T) {
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	pid, status := descendant(t, gone.Process.Pid, time.Hour)
	if got := <-status; got == 0 {
		t.Error("a test whose result nobody wants counts as passed")
	}
	wantGone(t, pid)
}

func TestAGuardedTestKeepsItsExitStatus(t *testing.T) {
	for command, want := range map[string]int{"exit 0": 0, "exit 2": 2, "kill -9 $$": 1} {
		if got := guard(os.Getpid(), time.Hour, exec.Command("sh", "-c", command)); got != want {
			t.Errorf("%s: status %d, want %d", command, got, want)
		}
	}
}

func TestWhatIsEndedMayTidyUpAndIsKilledIfItStays(t *testing.T) {
	for _, at := range []struct {
		trap, said string
		limit      time.Duration
	}{
		{"echo tidy; exit", "tidy\n", time.Minute},
		{"", "", time.Millisecond},
	} {
		cmd := exec.Command("sh", "-c", "trap '"+at.trap+"' TERM; echo ready; while :; do sleep 0.02; done")
		inGroup(cmd)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(out)
		if _, err := lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { endGroup(cmd, at.limit); close(ended) }()
		if said, _ := io.ReadAll(lines); string(said) != at.said {
			t.Errorf("trap %q said %q, want %q", at.trap, said, at.said)
		}
		_ = cmd.Wait()
		<-ended
	}
}
