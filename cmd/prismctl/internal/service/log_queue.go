package service

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// queuedLog bounds what waits to be written to a log.
	queuedLog = 1 << 20
	// logPatience is how long the end waits for a log that stalls.
	logPatience = time.Second
)

// A logQueue takes lines for a writer that may stall, such as a pipe whose
// reader does. Write never waits: what finds no room is lost and counted, and
// the first line that has room again is preceded by one that says how many.
type logQueue struct {
	out    io.Writer
	told   func(lost int64) []byte // the line about lost ones
	failed func(error)             // told of the first of several failures, if not nil
	lost   atomic.Int64

	mu      sync.Mutex // guards what follows
	waiting []byte
	tells   []telling // in waiting
	untold  int64     // lost lines
	closed  bool
	wake    chan struct{}
	ended   chan struct{}
}

// A telling is a line about lost ones: where it begins, and how many it speaks of.
type telling struct {
	at   int
	lost int64
}

func newLogQueue(out io.Writer, told func(int64) []byte, failed func(error)) *logQueue {
	q := &logQueue{out: out, told: told, failed: failed, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	go q.run()
	return q
}

// Write takes one line, or several.
func (q *logQueue) Write(line []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || len(q.waiting)+len(line) > queuedLog {
		q.lose(line)
		return len(line), nil
	}
	if q.untold > 0 {
		q.tells = append(q.tells, telling{len(q.waiting), q.untold})
		q.waiting = append(q.waiting, q.told(q.untold)...)
		q.untold = 0
	}
	q.waiting = append(q.waiting, line...)
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return len(line), nil
}

// lose counts the lines of text as lost.
func (q *logQueue) lose(text []byte) {
	n := int64(bytes.Count(text, []byte("\n")))
	q.lost.Add(n)
	q.untold += n
}

func (q *logQueue) run() {
	defer close(q.ended)
	var chunk []byte
	var tells []telling
	failing := false
	for range q.wake {
		q.mu.Lock()
		chunk, q.waiting = q.waiting, chunk[:0]
		tells, q.tells = q.tells, tells[:0]
		q.mu.Unlock()
		if len(chunk) == 0 {
			continue
		}
		n, err := q.out.Write(chunk)
		if err != nil {
			q.mu.Lock()
			q.lose(chunk[min(n, len(chunk)):])
			for _, t := range tells {
				if t.at >= n { // it is no line of a caller, and what it says is to be told again
					q.lost.Add(-1)
					q.untold += t.lost - 1
				}
			}
			q.mu.Unlock()
		}
		if err != nil && !failing && q.failed != nil {
			q.failed(err)
		}
		failing = err != nil
	}
}

// close writes what waits, as far as the writer takes it within logPatience,
// and reports whether it took all.
func (q *logQueue) close() bool {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.wake)
	}
	q.mu.Unlock()
	timer := time.NewTimer(logPatience)
	defer timer.Stop()
	select {
	case <-q.ended:
		return true
	case <-timer.C:
		return false
	}
}
