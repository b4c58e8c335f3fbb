package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/platform"
)

// An accessLog writes a line of JSON for each call.
type accessLog struct {
	log    *slog.Logger
	lost   atomic.Int64 // lines
	mu     sync.Mutex   // guards what follows
	out    io.Writer
	failed bool // so that a full disk is told once
}

func newAccessLog(out io.Writer, log *slog.Logger) *accessLog {
	return &accessLog{out: out, log: log}
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
	line, err := json.Marshal(of)
	if err == nil {
		err = l.write(append(line, '\n'))
	}
	if err != nil {
		l.log.Error("the access log cannot be written; further failures are not told", "error", err)
	}
}

// write returns an error only when the write before was none.
func (l *accessLog) write(line []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.out.Write(line)
	if err != nil {
		l.lost.Add(1)
	}
	again := l.failed
	l.failed = err != nil
	if again {
		return nil
	}
	return err
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
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil
	}
	f, err := os.OpenFile(a.name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("the access log cannot be opened: %w", err)
	}
	old := a.f
	a.f = f
	if old == nil {
		return nil
	}
	return old.Close()
}

func (a *accessFile) Write(line []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.f.Write(line)
}

// close ends the file; a SIGHUP that comes later opens none.
func (a *accessFile) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	return a.f.Close()
}
