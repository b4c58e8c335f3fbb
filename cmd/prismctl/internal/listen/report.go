package listen

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

// An Event is an [Attempt] or a [State].
type Event interface {
	Text() string // for people
}

// An Attempt is one try to bring a message to the receiver.
type Attempt struct {
	ID         string  `json:"id,omitempty"` // empty from platforms that give none
	RoutingKey string  `json:"routing_key"`
	Attempt    int     `json:"attempt"`          // counts from 1, as far as the platform counts
	Status     int     `json:"status,omitempty"` // of the receiver's answer, if there was one
	Exit       *int    `json:"exit,omitempty"`   // the exit status of the command, if it had one
	Error      string  `json:"error,omitempty"`  // why the message was not taken; empty if it was
	Parked     bool    `json:"parked,omitempty"` // this was the last try
	DurationMS float64 `json:"duration_ms"`      // how long it took
	at         time.Time
}

func (a *Attempt) took(d time.Duration) {
	a.at = time.Now()
	a.DurationMS = math.Round(float64(d.Microseconds())) / 1000
}

// Text is the attempt for people.
func (a Attempt) Text() string {
	line := fmt.Sprintf("%s  %s  %s  ", a.at.Format(time.TimeOnly), shown(a.RoutingKey), shown(a.ID))
	switch {
	case a.Error == "" && a.Status != 0:
		line += strconv.Itoa(a.Status)
	case a.Error == "":
		line += "done"
	default:
		line += fmt.Sprintf("attempt %d failed: %s", a.Attempt, a.Error)
	}
	if a.Parked {
		line += "; parked"
	}
	return line + fmt.Sprintf("  %.0f ms", a.DurationMS)
}

// shown is a word of a line for people.
func shown(s string) string {
	if s == "" {
		return "-"
	}
	return words.Shown(s)
}

// reportDelay is how long the last events may take to be reported.
const reportDelay = 100 * time.Millisecond

// emit has an event reported, unless ctx ends before there is room for it.
func (l *listener) emit(ctx context.Context, event Event) {
	select {
	case l.events <- event:
		return
	default:
	}
	select {
	case l.events <- event:
	case <-ctx.Done():
	}
}

// reporting reports events until the function that it returns is called, and those that are
// there then. It does not wait for a reader that does not read.
func (l *listener) reporting() (stop func()) {
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case event := <-l.events:
				if err := l.cfg.Report(event); err != nil {
					l.line.Stop(err)
					return
				}
			case <-over:
				if len(l.events) == 0 {
					return
				}
			}
		}
	}()
	return func() {
		close(over)
		select {
		case <-ended:
		case <-time.After(reportDelay):
		}
	}
}
