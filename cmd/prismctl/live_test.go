package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/patience"
)

// live is output that can be waited for while the command goes on.
type live struct {
	buffer
	wrote chan struct{}
}

func newLive() *live { return &live{wrote: make(chan struct{}, 1)} }

func (l *live) Write(p []byte) (int, error) {
	n, err := l.buffer.Write(p)
	select {
	case l.wrote <- struct{}{}:
	default:
	}
	return n, err
}

// line waits for the nth line, and returns it.
func (l *live) line(t *testing.T, n int) string {
	t.Helper()
	var lines []string
	l.await(t, fmt.Sprintf("line %d", n), func(text string) bool {
		lines = strings.SplitAfter(text, "\n")
		return len(lines) > n // the last one has no end
	})
	return lines[n-1]
}

// await waits until what was written is enough.
func (l *live) await(t *testing.T, what string, enough func(text string) bool) {
	t.Helper()
	late := time.After(patience.Of(20 * time.Second))
	for !enough(l.String()) {
		select {
		case <-l.wrote:
		case <-late:
			t.Fatalf("waited for %s; this was written:\n%s", what, l.String())
		}
	}
}

// awaited returns what comes through c.
func awaited[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience.Of(20 * time.Second)):
		t.Fatalf("waited for %s", what)
	}
	return v
}
