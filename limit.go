package prism

import (
	"context"
	"sync"
	"time"
)

// limits ends the tries of a client that take longer than Config.Timeout. Its one
// timer is left to run out, once in a Timeout at most, and only then looks at
// what goes on: to set and stop a timer for each try wakes a sleeping thread, and
// that was a twelfth of a small call's time.
type limits struct {
	timeout time.Duration

	mu     sync.Mutex
	active map[*limit]struct{}
	timer  *time.Timer
	set    bool // the timer will run out
}

// A limit is the context of one try, like one of context.WithTimeout but that
// its end is told as context.Canceled.
type limit struct {
	context.Context
	ends   time.Time
	cancel context.CancelFunc
}

func (l *limit) Deadline() (time.Time, bool) {
	if earlier, ok := l.Context.Deadline(); ok && earlier.Before(l.ends) {
		return earlier, true
	}
	return l.ends, true
}

// begin makes l the context of a try, until end is called.
func (s *limits) begin(ctx context.Context, l *limit) {
	l.Context, l.cancel = context.WithCancel(ctx)
	l.ends = time.Now().Add(s.timeout)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active[l] = struct{}{}
	if !s.set {
		s.set = true
		s.wait(s.timeout)
	}
}

func (s *limits) end(l *limit) {
	s.mu.Lock()
	delete(s.active, l)
	s.mu.Unlock()
	l.cancel()
}

// wait sets the timer. The caller holds mu.
func (s *limits) wait(d time.Duration) {
	if s.timer == nil {
		s.timer = time.AfterFunc(d, s.look)
	} else {
		s.timer.Reset(d)
	}
}

// look is what the timer does: it ends what is over, and waits for the next.
func (s *limits) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	next := now.Add(s.timeout)
	for l := range s.active {
		switch {
		case !l.ends.After(now):
			delete(s.active, l)
			l.cancel()
		case l.ends.Before(next):
			next = l.ends
		}
	}
	s.set = len(s.active) > 0
	if s.set {
		s.wait(next.Sub(now))
	}
}
