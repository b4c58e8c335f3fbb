package apijson

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Fault is one thing that is wrong in a file.
type Fault struct {
	Line, Column int    // count from 1; the column counts characters
	Text         string // what is wrong, and what to write
}

// String returns the fault with its place.
func (f Fault) String() string {
	return fmt.Sprintf("line %d, column %d: %s", f.Line, f.Column, f.Text)
}

// Faults are all that is wrong in a file, in the order of their places. Of a file with very
// many only the first are told.
type Faults []Fault

// Error returns a line for each fault.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

const mostFaults = 100 // of one file

// A note is a fault whose place is an offset.
type note struct {
	at   int
	text string
}

// notes are faults that are being collected.
type notes []note

func (n *notes) add(at int, format string, args ...any) {
	if len(*n) <= mostFaults {
		*n = append(*n, note{at, fmt.Sprintf(format, args...)})
	}
}

// in returns the notes with their places in text.
func (n notes) in(text []byte) Faults {
	if len(n) == 0 {
		return nil
	}
	more := len(n) > mostFaults
	n = n[:min(len(n), mostFaults)]
	slices.SortStableFunc(n, func(a, b note) int { return cmp.Compare(a.at, b.at) })
	faults := make(Faults, len(n))
	line, start := 1, 0
	for i, one := range n {
		line += bytes.Count(text[start:one.at], []byte("\n"))
		start += bytes.LastIndexByte(text[start:one.at], '\n') + 1
		faults[i] = Fault{line, 1 + utf8.RuneCount(text[start:one.at]), one.text}
	}
	if more {
		faults[len(faults)-1].Text += " (further faults are not shown)"
	}
	return faults
}
