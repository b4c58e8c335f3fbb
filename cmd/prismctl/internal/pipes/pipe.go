// Package pipes knows of a pipe what its reader has taken, whether there is a reader,
// and whether it has something to read.
package pipes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// A Pipe is an output of which can be asked how much its reader has taken.
type Pipe struct {
	ctx     context.Context // in which is written
	f       *os.File
	room    int // bytes that an empty one certainly takes
	written atomic.Int64
	taken   atomic.Int64 // at least so much of it
}

// Count returns the pipe f as one that counts from now on what is written to it,
// until ctx ends; or nil if f is nil, or the system does not say what its reader has
// taken.
func Count(ctx context.Context, f *os.File) *Pipe {
	if f == nil {
		return nil
	}
	p := &Pipe{ctx: ctx, f: f}
	var err error
	if p.room, err = p.size(); err != nil {
		return nil
	}
	p.room /= 2 // its pages need not be full
	return p
}

// Written returns how many bytes the pipe has got.
func (p *Pipe) Written() int64 { return p.written.Load() }

// Taken returns how many bytes of that its reader has taken at least, as far as Ask
// has found out.
func (p *Pipe) Taken() int64 { return p.taken.Load() }

// atomicWrite is what a pipe takes at once or not at all.
const atomicWrite = 4 << 10

// Write writes to the pipe, and counts. It does not wait for a reader that stalls
// when ctx has ended.
func (p *Pipe) Write(b []byte) (n int, err error) {
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
func (p *Pipe) wait() error {
	for {
		if ready, err := p.ready(100 * time.Millisecond); ready || err != nil {
			return err
		}
		if err := p.ctx.Err(); err != nil {
			return err
		}
	}
}

// What ends the writing to a pipe whose reader has ended.
var (
	ErrReaderGone = errors.New("cannot write to standard output: its reader ended before it had read everything; what it had not read comes again")
	ErrNoReader   = errors.New("cannot write to standard output: broken pipe: its reader has ended")
)

// Of returns an output if it is a pipe, and nil otherwise.
func Of(out io.Writer) *os.File {
	f, ok := out.(*os.File)
	if !ok {
		return nil
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return nil
	}
	return f
}

// Ask finds out how much of what was written the reader has taken, or less, and
// returns ErrReaderGone if it takes no more.
func (p *Pipe) Ask() error {
	written := p.written.Load() // first: what is written meanwhile counts as not taken
	gone, unread, err := p.look()
	if err != nil {
		return fmt.Errorf("cannot ask standard output what was read: %w", err)
	}
	p.taken.Store(max(p.taken.Load(), written-int64(unread)))
	if gone {
		return ErrReaderGone
	}
	return nil
}
