package platform

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Whoever is refused once may be refused a million times. So the log has a line for the
// first refusal of a key or an address for a reason, and after a while one that says how
// many more there were.

const (
	// refusalsEvery is how long such refusals are counted before they are told.
	refusalsEvery = 10 * time.Second
	// mostRefusals bounds those that are counted by themselves. Of further ones there is a
	// count of all.
	mostRefusals = 256
)

// A refusalName is what refusals are counted by.
type refusalName struct {
	kind, who string // a key, or the address of a caller that names none
	reason    string // the code of the refusal
}

// A refusalCount is what the log has not told of a name.
type refusalCount struct {
	more  int
	level slog.Level
	of    slog.Attr // the key or the address
}

// refusalLog writes the lines about refused calls.
type refusalLog struct {
	log *slog.Logger

	mu     sync.Mutex // guards what follows
	counts map[refusalName]*refusalCount
	others int         // refusals of names for which there was no room
	timer  *time.Timer // tells what was counted; nil while nothing is
}

func (l *refusalLog) init(log *slog.Logger) {
	l.log, l.counts = log, make(map[refusalName]*refusalCount)
}

// first reports whether the refusal of a call gets a line of its own, and counts it
// otherwise. of is the key or the address that it is counted by.
func (l *refusalLog) first(level slog.Level, of slog.Attr, reason string) bool {
	name := refusalName{of.Key, of.Value.String(), reason}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer == nil {
		l.timer = time.AfterFunc(refusalsEvery, l.tell)
	}
	switch count := l.counts[name]; {
	case count != nil:
		count.more++
		return false
	case len(l.counts) >= mostRefusals:
		l.others++
		return false
	}
	l.counts[name] = &refusalCount{level: level, of: of}
	return true
}

// tell writes how many more there were, and begins to count anew.
func (l *refusalLog) tell() {
	l.mu.Lock()
	counts, others := l.counts, l.others
	if l.timer != nil {
		l.timer.Stop()
	}
	l.counts, l.others, l.timer = make(map[refusalName]*refusalCount), 0, nil
	l.mu.Unlock()
	ctx, in := context.Background(), slog.Duration("in", refusalsEvery)
	for name, count := range counts {
		if count.more > 0 {
			l.log.LogAttrs(ctx, count.level, "more calls refused", slog.Int("calls", count.more), count.of, slog.String("code", name.reason), in)
		}
	}
	if others > 0 {
		l.log.LogAttrs(ctx, slog.LevelWarn, "more calls refused, of too many keys and addresses to name them", slog.Int("calls", others), in)
	}
}

// countedBy returns what the refusals of a call are counted by: the key that it names, if
// there is one, and else the address. An unknown client_id is not told, as it may be a
// secret in the wrong place.
func (c *call) countedBy() slog.Attr {
	if by := c.actor(); by.holder != nil {
		return slog.String("key", by.key.ID)
	}
	return slog.String("address", c.caller.group())
}
