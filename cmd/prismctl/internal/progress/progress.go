// Package progress shows on a terminal how far something is.
package progress

import (
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/term"
)

// A Line is the last line of a terminal. What else is written to the terminal
// by its Write comes above it. Any number of goroutines may use it.
type Line struct {
	columns func() int // of the terminal

	mu    sync.Mutex // guards what follows
	w     io.Writer
	shown int // columns in use
}

// On returns the line of a terminal, to which w writes and of which fd is the
// descriptor.
func On(w io.Writer, fd int) *Line {
	return &Line{w: w, columns: func() int {
		if columns, _, err := term.GetSize(fd); err == nil && columns > 0 {
			return columns
		}
		return 80
	}}
}

// Draw replaces the line. The last column stays free, as some terminals begin
// a new line after it.
func (l *Line) Draw(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	runes := []rune(line)
	line = string(runes[:min(len(runes), max(l.columns()-1, 0))])
	n := utf8.RuneCountInString(line)
	_, _ = io.WriteString(l.w, "\r"+line+strings.Repeat(" ", max(l.shown-n, 0)))
	l.shown = n
}

// Clear takes the line away.
func (l *Line) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.erase()
}

func (l *Line) erase() {
	if l.shown > 0 {
		_, _ = io.WriteString(l.w, "\r"+strings.Repeat(" ", l.shown)+"\r")
	}
	l.shown = 0
}

// Write writes whole lines.
func (l *Line) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.erase()
	return l.w.Write(text)
}
