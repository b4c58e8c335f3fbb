package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// A progress is the last line of a terminal, which tells how far it is. What
// else is written to it comes above that line.
type progress struct {
	columns func() int // of the terminal

	mu    sync.Mutex // guards what follows
	w     io.Writer
	shown int // columns in use
}

// redraw is the time between two states of a progress.
const redraw = 200 * time.Millisecond

// progressOn returns nil if w is no terminal.
func progressOn(w io.Writer) *progress {
	fd, ok := terminal(w)
	if !ok {
		return nil
	}
	return &progress{w: w, columns: func() int {
		if columns, _, err := term.GetSize(fd); err == nil && columns > 0 {
			return columns
		}
		return 80
	}}
}

// draw replaces the line. The last column stays free, as some terminals begin
// a new line after it.
func (p *progress) draw(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	runes := []rune(line)
	line = string(runes[:min(len(runes), max(p.columns()-1, 0))])
	n := utf8.RuneCountInString(line)
	_, _ = io.WriteString(p.w, "\r"+line+strings.Repeat(" ", max(p.shown-n, 0)))
	p.shown = n
}

// clear takes the line away.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
}

func (p *progress) erase() {
	if p.shown > 0 {
		_, _ = io.WriteString(p.w, "\r"+strings.Repeat(" ", p.shown)+"\r")
	}
	p.shown = 0
}

// Write writes whole lines.
func (p *progress) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	return p.w.Write(text)
}

// watch draws what line returns until the function that it returns is called.
func (p *progress) watch(line func() string) (stop func()) {
	if p == nil {
		return func() {}
	}
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer p.clear()
		ticks := time.NewTicker(redraw)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				p.draw(line())
			case <-over:
				return
			}
		}
	}()
	return func() {
		close(over)
		<-ended
	}
}

// fill is a bar of so many columns, full at 1.
func fill(share float64, columns int) string {
	full := int(share*float64(columns) + 0.5)
	full = min(max(full, 0), columns)
	return strings.Repeat("█", full) + strings.Repeat("░", columns-full)
}

// progressLine is what bench shows while it runs.
func progressLine(elapsed, duration time.Duration, consumed int64, rate float64, underWay int64, over bool) string {
	if over {
		return fmt.Sprintf("the load is over; %s on their way", messagesOf(underWay))
	}
	share := min(elapsed.Seconds()/duration.Seconds(), 1)
	return fmt.Sprintf("%s %3.0f %%  %.1f s of %v  %s consumed  %s/s", fill(share, 24), 100*share,
		elapsed.Seconds(), duration, grouped(consumed), grouped(int64(rate)))
}
