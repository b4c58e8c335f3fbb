package listen

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// A State says how listening goes.
type State struct {
	State     string    `json:"state"` // listening or ended
	Queue     string    `json:"queue"` // empty: the default queue
	Since     time.Time `json:"since"` // when it began
	Delivered int64     `json:"delivered"`
	Failed    int64     `json:"failed"` // tries
	// What is in the queue, as far as the platform says it.
	Waiting *int `json:"waiting,omitempty"`
	Parked  *int `json:"parked,omitempty"`
}

const (
	listening = "listening"
	ended     = "ended"
)

// state is what a listener counts.
type state struct {
	delivered, failed atomic.Int64
	connection        atomic.Pointer[connectionState]
}

// A connectionState is whether there is a connection, and since when.
type connectionState struct {
	connected bool
	since     time.Time
}

func (l *listener) onConnect() {
	now := time.Now()
	l.state.connection.Store(&connectionState{true, now})
	l.line.OnConnect()
	if l.began.IsZero() {
		l.began = now.Truncate(time.Second)
		l.emit(l.ctx, State{State: listening, Queue: l.queue.topic, Since: l.began})
	}
}

// ended is the state in the end.
func (l *listener) ended(ctx context.Context) State {
	s := State{State: ended, Queue: l.queue.topic, Since: l.began, Delivered: l.state.delivered.Load(), Failed: l.state.failed.Load()}
	if d, known := l.queue.depth(ctx); known {
		s.Waiting, s.Parked = &d.waiting, &d.parked
	}
	return s
}

// Text is the state for people.
func (s State) Text() string {
	if s.State == listening {
		return fmt.Sprintf("%s  listening to %s", s.Since.Format(time.TimeOnly), words.Queue(s.Queue))
	}
	line := fmt.Sprintf("%s  %d delivered, %d failed", time.Now().Format(time.TimeOnly), s.Delivered, s.Failed)
	if s.Waiting != nil {
		line += fmt.Sprintf(", %d waiting, %d parked", *s.Waiting, *s.Parked)
	}
	return line
}

func (l *listener) onDisconnect(err error) {
	l.state.connection.Store(&connectionState{false, time.Now()})
	l.mu.Lock()
	close(l.lost)
	l.lost = make(chan struct{})
	l.mu.Unlock()
	l.line.OnDisconnect(err)
}

// connection returns what is closed when the present connection is lost.
func (l *listener) connection() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// A Line shows a line that changes, such as a terminal does.
type Line interface {
	// Draw replaces the line.
	Draw(line string)
	// Clear takes it away.
	Clear()
}

const (
	redraw  = 250 * time.Millisecond
	recount = 4 // every fourth line counts the messages of the queue anew
)

// watching draws how it is until the function that it returns is called.
func (l *listener) watching() (stop func()) {
	if l.cfg.Line == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(l.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer l.cfg.Line.Clear()
		ticks := time.NewTicker(redraw)
		defer ticks.Stop()
		var d depth
		known := false
		for n := 0; ; n++ {
			select {
			case <-ticks.C:
			case <-ctx.Done():
				return
			}
			now := l.state.connection.Load()
			if now == nil {
				continue
			}
			if now.connected && n%recount == 0 {
				d, known = l.recount(ctx)
			}
			l.cfg.Line.Draw(l.state.text(*now, d, known))
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// recount asks the platform what is in the queue, but not for long.
func (l *listener) recount(ctx context.Context) (d depth, known bool) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return l.queue.depth(ctx)
}

// text is the state in one line of a terminal, of less than 80 columns.
func (s *state) text(now connectionState, d depth, known bool) string {
	line := "connected since "
	if !now.connected {
		line = "offline since "
	}
	line += sinceText(now.since)
	line += fmt.Sprintf(", %s delivered, %s failed", short(s.delivered.Load()), short(s.failed.Load()))
	if known {
		line += fmt.Sprintf(", %s waiting, %s parked", short(int64(d.waiting)), short(int64(d.parked)))
	}
	return line
}

// sinceText is the time of a day or, when that is over, its date.
func sinceText(t time.Time) string {
	if time.Since(t) < 24*time.Hour {
		return t.Format("15:04")
	}
	return t.Format("Jan 2")
}

// short is a number in four columns.
func short(n int64) string {
	switch {
	case n < 10_000:
		return strconv.FormatInt(n, 10)
	case n < 1_000_000:
		return fmt.Sprintf("%dk", n/1000)
	case n < 1_000_000_000:
		return fmt.Sprintf("%dM", n/1_000_000)
	}
	return fmt.Sprintf("%dG", n/1_000_000_000)
}
