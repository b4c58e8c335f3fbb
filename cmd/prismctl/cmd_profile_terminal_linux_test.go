package main

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/shopex/prism-go/prismtest"
)

// newTerminal returns both ends of a terminal.
func newTerminal(t *testing.T) (keyboard, terminal *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keyboard.Close() })
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return keyboard, terminal
}

func TestInProductionTheAnswerOfTheUserCounts(t *testing.T) {
	srv := prismtest.NewServer(t)
	d := newDesk(t)
	d.add(srv, "live", "--production", "--secret-command", "echo "+srv.Secret())
	d.do("queue", "create", "orders").want(t, exitDone, "created queue orders\n", "")
	for _, step := range []struct {
		answer string
		status int
		out    string
		err    string
	}{
		{"\n", exitRefused, "", "nothing was done"},
		{"no\n", exitRefused, "", "nothing was done"},
		{"yes\n", exitDone, "dropped queue orders\n", "Go on? [y/N] "},
	} {
		keyboard, terminal := newTerminal(t)
		if _, err := keyboard.WriteString(step.answer); err != nil {
			t.Fatal(err)
		}
		invocation{args: []string{"queue", "drop", "orders"}, env: d.env, config: d.config, in: terminal}.run().want(t, step.status, step.out, step.err)
	}
}
