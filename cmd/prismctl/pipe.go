package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// A pipe is an output of which can be asked how much its reader has taken.
type pipe struct {
	ctx     context.Context // in which is written
	f       *os.File
	room    int // bytes that an empty one certainly takes
	written atomic.Int64
	taken   atomic.Int64 // at least so much of it
}

// countWritten returns standard output as a pipe that counts from now on what is
// written to it, until ctx ends; or nil if it is none, or the system does not say
// what its reader has taken.
func (t *tool) countWritten(ctx context.Context) *pipe {
	f := t.outPipe()
	if f == nil {
		return nil
	}
	p := &pipe{ctx: ctx, f: f}
	var err error
	if p.room, err = p.size(); err != nil {
		return nil
	}
	p.room /= 2 // its pages need not be full
	t.out = p
	return p
}

// atomicWrite is what a pipe takes at once or not at all.
const atomicWrite = 4 << 10

// Write writes to the pipe, and counts. It does not wait for a reader that stalls
// when ctx has ended.
func (p *pipe) Write(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		part := b[n:min(len(b), n+atomicWrite)]
		if p.written.Load()-p.taken.Load()+int64(len(part)) > int64(p.room) {
			if err := p.wait(); err != nil {
				return n, err
			}
		}
		var more int
		more, err = p.f.Write(part)
		p.written.Add(int64(more))
		n += more
	}
	return n, err
}

// wait waits until the pipe takes another part.
func (p *pipe) wait() error {
	for {
		if ready, err := p.ready(100 * time.Millisecond); ready || err != nil {
			return err
		}
		if err := p.ctx.Err(); err != nil {
			return err
		}
	}
}

var (
	errReaderGone = errors.New("cannot write to standard output: its reader ended before it had read everything; what it had not read comes again")
	errNoReader   = errors.New("cannot write to standard output: broken pipe: its reader has ended")
)

// outPipe returns standard output if it is a pipe, and nil otherwise.
func (t *tool) outPipe() *os.File {
	f, ok := t.out.(*os.File)
	if !ok {
		return nil
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return nil
	}
	return f
}

// ask finds out how much of what was written the reader has taken, or less, and
// returns errReaderGone if it takes no more.
func (p *pipe) ask() error {
	written := p.written.Load() // first: what is written meanwhile counts as not taken
	gone, unread, err := p.look()
	if err != nil {
		return fmt.Errorf("cannot ask standard output what was read: %w", err)
	}
	p.taken.Store(max(p.taken.Load(), written-int64(unread)))
	if gone {
		return errReaderGone
	}
	return nil
}
