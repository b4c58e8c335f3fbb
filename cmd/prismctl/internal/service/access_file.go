package service

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"syscall"
)

// An accessFile is a file that can be moved away and opened anew, so that it
// does not grow for ever.
type accessFile struct {
	name   string
	mu     sync.Mutex // guards what follows
	f      *os.File
	closed bool
}

func openAccessFile(name string) (*accessFile, error) {
	f := &accessFile{name: name}
	return f, f.reopen()
}

// reopen goes on in the file that has the name now. Where it cannot be opened,
// it goes on in the old one.
func (a *accessFile) reopen() error {
	f, err := openLog(a.name)
	if err != nil {
		return fmt.Errorf("the access log cannot be opened: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return f.Close()
	}
	old := a.f
	a.f = f
	if old == nil {
		return nil
	}
	return old.Close() // which ends a write to a pipe that stalls
}

// openLog opens a file to append to. A pipe needs no reader: what is written
// waits in it for the next one.
func openLog(name string) (*os.File, error) {
	if info, err := os.Stat(name); err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
		return os.OpenFile(name, os.O_RDWR|syscall.O_NONBLOCK, 0)
	}
	return os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}

// Write writes to the file, and on to the next one if it is replaced meanwhile.
func (a *accessFile) Write(lines []byte) (written int, err error) {
	for {
		f := a.current()
		n, err := f.Write(lines[written:])
		written += n
		if !errors.Is(err, os.ErrClosed) || a.current() == f {
			return written, err
		}
	}
}

func (a *accessFile) current() *os.File {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.f
}

// close ends the file; a SIGHUP that comes later opens none.
func (a *accessFile) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	return a.f.Close()
}

// hungUp is called for each SIGHUP, at any time.
func (s *service) hungUp() {
	f := s.access.Load()
	if f == nil {
		return
	}
	if err := f.reopen(); err != nil {
		s.log.Error("the access log could not be opened again, and goes on in the old file", "error", err)
	}
}
