package listen

import (
	"bytes"
	"context"
	"io"
	"strings"

	"github.com/shopex/prism-go/internal/printable"
)

// An output passes what a command prints on, whole lines at a time, so that those of
// several commands do not mix. Nothing that a terminal would obey passes.
type output struct {
	to   func(line string)
	line []byte // without its end
	last string // that was not empty, or its beginning
}

const (
	longestLine = 8 << 10 // a longer one is passed on in pieces
	longestLast = 200
)

// Write never fails: a command must not notice that nobody reads what it prints.
func (o *output) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := bytes.IndexByte(rest, '\n')
		whole := n >= 0
		if !whole {
			n = len(rest)
		}
		n = min(n, longestLine-len(o.line))
		o.line = append(o.line, rest[:n]...)
		rest = rest[n:]
		if whole && len(rest) > 0 && rest[0] == '\n' {
			rest = rest[1:]
			o.pass()
		} else if len(o.line) == longestLine {
			o.pass()
		}
	}
	return len(p), nil
}

// pass passes the line on.
func (o *output) pass() {
	text := printable.Lines(string(bytes.TrimRight(o.line, "\r")))
	o.line = o.line[:0]
	if text != "" {
		o.last = strings.ToValidUTF8(text[:min(len(text), longestLast)], "")
	}
	o.to(text + "\n")
}

// end passes on what has no end of line.
func (o *output) end() {
	if len(o.line) > 0 {
		o.pass()
	}
}

// A printer prints lines of several commands, one after the other.
type printer struct {
	w    io.Writer
	turn chan struct{} // a semaphore
}

func newPrinter(w io.Writer) *printer { return &printer{w, make(chan struct{}, 1)} }

// print waits until the line is written or, as there may be nobody who reads it, ctx ends.
func (p *printer) print(ctx context.Context, line string) {
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = io.WriteString(p.w, line)
		<-p.turn
	}()
	select {
	case <-written:
	case <-ctx.Done():
	}
}
