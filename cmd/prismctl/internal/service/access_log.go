package service

import (
	"encoding/json"
	"io"
	"log/slog"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
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

// openAccessLog returns what writes a line for each call, or nil.
func (s *service) openAccessLog() (*accessLog, error) {
	switch {
	case s.AccessLog == "":
		return nil, nil
	case s.AccessLog == "-" && s.Lines == nil:
		return nil, exit.Usagef("%s: standard output tells people how to begin: give --output json too, or a file", s.From["access-log"])
	case s.AccessLog == "-":
		access := newAccessLog(s.Lines, s.log)
		s.ends = append(s.ends, func() error { access.queue.close(); return nil })
		return access, nil
	}
	f, err := openAccessFile(s.AccessLog)
	if err != nil {
		return nil, err
	}
	s.access.Store(f)
	access := newAccessLog(f, s.log)
	s.ends = append(s.ends, func() error {
		access.queue.close()
		return f.close()
	})
	return access, nil
}
