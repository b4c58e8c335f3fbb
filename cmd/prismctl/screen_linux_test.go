package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/prismtest"
)

// The terminal that most have when they begin.
const (
	terminalColumns = 80
	terminalRows    = 24
)

// onTerminal runs prismctl with both outputs on a terminal, and returns what it wrote there.
func onTerminal(t *testing.T, env map[string]string, args ...string) string {
	t.Helper()
	keyboard, terminal := newTerminal(t)
	if err := unix.IoctlSetWinsize(int(keyboard.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: terminalRows, Col: terminalColumns}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = []string{asProgram + "=1", "GORACE=atexit_sleep_ms=0"}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stdout, cmd.Stderr = terminal, terminal
	read := make(chan string, 1)
	go func() {
		var all bytes.Buffer
		_, _ = io.Copy(&all, keyboard) // which fails when nobody has the terminal any more
		read <- all.String()
	}()
	err := cmd.Run()
	terminal.Close()
	written := <-read
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, written)
	}
	return written
}

var sequences = regexp.MustCompile("\x1b\\[[0-9;]*[A-Za-z]")

// rows returns the rows that a terminal shows of what was written there. A line that goes
// beyond its columns fails the test.
func rows(t *testing.T, written string) []string {
	t.Helper()
	all, row := []string{}, []rune{}
	column := 0
	for _, r := range sequences.ReplaceAllString(written, "") {
		switch r {
		case '\r':
			column = 0
		case '\n':
			all, row, column = append(all, strings.TrimRight(string(row), " ")), nil, 0
		default:
			row = append(row[:column], append([]rune{r}, row[min(column+1, len(row)):]...)...)
			if column++; column == terminalColumns+1 {
				t.Errorf("wider than the terminal: %q", string(row))
			}
		}
	}
	return append(all, string(row)) // where the shell goes on
}

func TestTheDemoFitsOnOneScreen(t *testing.T) {
	shown := rows(t, onTerminal(t, nil, "demo"))
	if len(shown) > terminalRows || !strings.Contains(strings.Join(shown, "\n"), "All of it held") {
		t.Errorf("%d rows:\n%s", len(shown), strings.Join(shown, "\n"))
	}
}

func TestTheLastScreenOfBenchIsItsSummary(t *testing.T) {
	for name, c := range map[string]struct {
		args  []string
		used  bool // the default queue
		parts []string
	}{
		"plain":     {nil, false, []string{"1 publisher (without waiting),"}},
		"each":      {[]string{"--confirm-each", "--callers", "64", "-p", "2", "-c", "2", "-w", "100", "--rate", "100000"}, false, []string{"2 publishers (waiting"}},
		"direct":    {nil, true, []string{"the default queue is in use", "past the routing"}},
		"histogram": {[]string{"--histogram"}, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			srv := prismtest.NewServer(t)
			if c.used {
				srv.Publish("order.new", "not of bench")
			}
			written := onTerminal(t, of(srv), append([]string{"bench", "-d", patience.Of(500 * time.Millisecond).String()}, c.args...)...)
			if !strings.Contains(written, "\r█") && !strings.Contains(written, "\r░") {
				t.Error("no progress was shown")
			}
			shown := rows(t, written)
			last := shown[max(0, len(shown)-terminalRows):]
			for _, part := range append(c.parts, "published ", "lost ", "time from publishing", "to the handler ") {
				if !slices.ContainsFunc(last, func(row string) bool { return strings.Contains(row, part) }) {
					t.Errorf("%q is not on the last screen:\n%s", part, strings.Join(last, "\n"))
				}
			}
			if end := last[len(last)-2:]; !strings.HasPrefix(end[0], "to the confirmation ") || end[1] != "" {
				t.Errorf("it ends with %q", end)
			}
		})
	}
}
