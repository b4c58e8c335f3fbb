//go:build unix

package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/shopex/prism-go/prismtest"
)

// piped returns a pipe, as a shell makes one.
func piped(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

// readLine reads one line and not a byte more.
func readLine(t *testing.T, r io.Reader) string {
	t.Helper()
	var line strings.Builder
	for b := make([]byte, 1); b[0] != '\n'; line.Write(b) {
		if _, err := io.ReadFull(r, b); err != nil {
			t.Fatal(err)
		}
	}
	return line.String()
}

func TestAReaderThatLeavesWhileNothingComesEndsTheCommand(t *testing.T) {
	srv := prismtest.NewServer(t)
	for _, args := range [][]string{{"consume"}, {"consume", "-n", "2"}, {"consume", "--no-ack"}} {
		srv.Publish("a", "x")
		r, w := piped(t)
		done := begin(invocation{args: args, env: of(srv), out: w})
		readLine(t, r)
		_ = r.Close()
		(<-done).want(t, exitRefused, "", "cannot write to standard output: broken pipe: its reader has ended")
		srv.WaitConnections(0)
		with(srv, "queue", "purge")
	}
}

func TestAReaderThatLeavesWithAllThatWasAskedForIsWellServed(t *testing.T) {
	srv := prismtest.NewServer(t)
	srv.Publish("a", "x")
	r, w := piped(t)
	done := begin(invocation{args: []string{"consume", "-n", "1"}, env: of(srv), out: w})
	readLine(t, r)
	_ = r.Close()
	(<-done).want(t, exitDone, "", "")
}
