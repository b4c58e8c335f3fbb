//go:build unix

package postgres

import (
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// A failing is a test that notes its failure.
type failing struct {
	testing.TB
	text string
}

func (f *failing) Fatalf(format string, args ...any) {
	f.text = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func TestAServerThatEndsEarlyFailsTheTestWithItsLog(t *testing.T) {
	for script, want := range map[string]string{
		"echo 'no place is left' >&2; exit 3":   "exit status 3\nno place is left\n",
		"echo 'ready to serve' >&2; read ended": "",
	} {
		f := &failing{TB: t}
		server := exec.Command("sh", "-c", script)
		if _, err := server.StdinPipe(); err != nil { // which nobody writes to
			t.Fatal(err)
		}
		returned := make(chan struct{})
		go func() {
			defer close(returned)
			Run(f, server, "ready to serve", syscall.SIGTERM)
		}()
		<-returned
		if !strings.Contains(f.text, want) || want == "" && f.text != "" {
			t.Errorf("%s: %q, want %q", script, f.text, want)
		}
	}
}
