package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

// A pipe is an output of which can be asked how much its reader has taken.
type pipe struct {
	f       *os.File
	written atomic.Int64
}

// pipeOf returns out as a pipe, or nil if it is none.
func pipeOf(out io.Writer) *pipe {
	f, ok := out.(*os.File)
	if !ok {
		return nil
	}
	p := &pipe{f: f}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return nil
	}
	if _, _, err := p.look(); err != nil {
		return nil // this system does not say
	}
	return p
}

// countWritten returns standard output as a pipe that counts from now on what is
// written to it, or nil if it is none.
func (t *tool) countWritten() *pipe {
	p := pipeOf(t.out)
	if p != nil {
		t.out = p
	}
	return p
}

// Write writes to the pipe, and counts.
func (p *pipe) Write(b []byte) (int, error) {
	n, err := p.f.Write(b)
	p.written.Add(int64(n))
	return n, err
}

var errReaderGone = errors.New("cannot write to standard output: its reader ended before it had read everything; what it had not read comes again")

// taken returns how much of what was written the reader has taken, or less, and
// errReaderGone if it takes no more.
func (p *pipe) taken() (int64, error) {
	written := p.written.Load() // first: what is written meanwhile counts as not taken
	gone, unread, err := p.look()
	switch {
	case err != nil:
		return 0, fmt.Errorf("cannot ask standard output what was read: %w", err)
	case gone:
		err = errReaderGone
	}
	return written - int64(unread), err
}
