// Package leak fails a package's tests when they leave goroutines behind.
package leak

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Main runs the tests of m and exits. When all passed and a goroutine is
// still running two seconds later, it prints the goroutine's stack and exits
// with status 1.
func Main(m *testing.M) {
	code := m.Run()
	if left := remaining(2 * time.Second); code == 0 && len(left) > 0 {
		fmt.Fprintf(os.Stderr, "leak: %d goroutines outlived the tests:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
		code = 1
	}
	os.Exit(code)
}

// remaining returns the stacks of goroutines that have not ended after patience.
func remaining(patience time.Duration) []string {
	deadline := time.Now().Add(patience)
	for {
		left := stacks()
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func stacks() []string {
	buf := make([]byte, 4<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var left []string
	for stack := range strings.SplitSeq(string(buf), "\n\n") {
		if !expected(stack) {
			left = append(left, stack)
		}
	}
	return left
}

// expected reports whether stack belongs to the test binary itself.
func expected(stack string) bool {
	for _, frame := range []string{
		"internal/leak.stacks", "testing.(*M).", "testing.runFuzz", "testing.tRunner.func",
		"os/signal.signal_recv", "os/signal.loop", "runtime.ensureSigM", "runtime.ReadTrace",
	} {
		if strings.Contains(stack, frame) {
			return true
		}
	}
	return false
}
