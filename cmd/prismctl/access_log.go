package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/shopex/prism-go/platform"
)

// An accessLog writes a line of JSON for each call. No call waits for it.
type accessLog struct{ queue *logQueue }

func newAccessLog(out io.Writer, log *slog.Logger) *accessLog {
	return &accessLog{newLogQueue(out, lostLine, func(err error) {
		log.Error("the access log cannot be written; further failures are not told", "error", err)
	})}
}

// lostLine says in the access log how many lines are missing there.
func lostLine(lost int64) []byte {
	line, _ := json.Marshal(map[string]any{"time": now(), "event": "lines_lost", "lines": lost}) // cannot fail
	return append(line, '\n')
}

// An access is a line of the log. It has nothing of the query and of the form,
// where the secrets of a call are.
type access struct {
	Time      string  `json:"time"`
	RequestID string  `json:"request_id"`
	Method    string  `json:"method"`
	Path      string  `json:"path"`
	Status    int     `json:"status"`
	Code      string  `json:"code"`
	Key       string  `json:"key"`
	Remote    string  `json:"remote"`
	UserAgent string  `json:"user_agent"`
	Duration  float64 `json:"duration_ms"`
}

// A channelEnd is the line for a channel that has ended, by the request id of the
// call that opened it.
type channelEnd struct {
	Time      string  `json:"time"`
	RequestID string  `json:"request_id"`
	Event     string  `json:"event"`
	Reason    string  `json:"reason"`
	Key       string  `json:"key"`
	Remote    string  `json:"remote"`
	UserAgent string  `json:"user_agent"`
	Duration  float64 `json:"duration_ms"`
}

// loggedLength bounds what a caller can write into a line.
const loggedLength = 512

// call is for [platform.Trace]. A nil log has no lines.
func (l *accessLog) call(c platform.Call, o platform.Outcome) {
	l.line(access{
		Time:      now(),
		RequestID: c.RequestID,
		Method:    shortened(c.Method),
		Path:      shortened(c.Path),
		Status:    o.Status,
		Code:      o.Code,
		Key:       c.Key,
		Remote:    c.RemoteAddr,
		UserAgent: shortened(c.UserAgent),
		Duration:  milliseconds(o.Duration),
	})
}

// disconnect is for [platform.Trace].
func (l *accessLog) disconnect(c platform.Conn, reason string) {
	l.line(channelEnd{
		Time:      now(),
		RequestID: c.RequestID,
		Event:     "channel_end",
		Reason:    shortened(reason),
		Key:       c.Key,
		Remote:    c.RemoteAddr,
		UserAgent: shortened(c.UserAgent),
		Duration:  milliseconds(time.Since(c.Since)),
	})
}

func now() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000Z") }

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (l *accessLog) line(of any) {
	if l == nil {
		return
	}
	if line, err := json.Marshal(of); err == nil {
		_, _ = l.queue.Write(append(line, '\n')) // never fails
	}
}

func shortened(s string) string { return s[:min(len(s), loggedLength)] }

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
