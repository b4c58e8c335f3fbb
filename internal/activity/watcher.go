package activity

import (
	"sync"
	"time"
)

const (
	// mostWaiting bounds the bytes that wait until a watcher takes them.
	mostWaiting = 256 << 10
	// missedEvery is how often a watcher is told at most how many records it has missed.
	missedEvery = time.Second
)

// A Watcher gets the records that its filter takes, as lines of JSON, behind one that says
// that it begins. What comes faster
// than its rate, or than it takes the lines, it misses: it is told how many records that
// were.
type Watcher struct {
	feed       *Feed
	owner      string
	privileged bool
	filter     Filter
	rate       float64 // records a second
	ended      chan struct{}

	mu      sync.Mutex // guards what follows
	lines   []byte
	taken   []byte    // the memory of lines, in turn
	credit  float64   // records that may come at once
	counted time.Time // when credit was
	missed  int64
	told    time.Time // when the last line about missed records was taken
}

func newWatcher(f *Feed, owner string, privileged bool, filter Filter, rate int) *Watcher {
	now := time.Now()
	w := &Watcher{
		feed: f, owner: owner, privileged: privileged, filter: filter, rate: float64(rate), ended: make(chan struct{}),
		credit: float64(rate), counted: now,
	}
	w.append(&Record{Event: Begin, Time: stamp(now)})
	return w
}

// stamp is a time as records have it.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// Ended returns a channel that is closed when the feed is.
func (w *Watcher) Ended() <-chan struct{} { return w.ended }

// Close ends the watch.
func (w *Watcher) Close() { w.feed.remove(w) }

func (w *Watcher) add(r *Record) {
	if !w.filter.takes(r) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.pay() || !w.append(r) {
		w.missed++
	}
}

// pay reports whether the rate allows a record now. Credit comes back bit by bit, so what a
// watcher gets of a flood is a sample of all of it. The caller holds mu.
func (w *Watcher) pay() bool {
	if w.credit < 1 {
		now := time.Now()
		w.credit = min(w.rate, w.credit+now.Sub(w.counted).Seconds()*w.rate)
		w.counted = now
	}
	if w.credit < 1 {
		return false
	}
	w.credit--
	return true
}

// append appends the line of a record, unless there is no room. The caller holds mu.
func (w *Watcher) append(r *Record) bool {
	if len(w.lines) >= mostWaiting {
		return false
	}
	more := r.appendLine(w.lines)
	if len(more) > mostWaiting {
		return false
	}
	w.lines = more
	return true
}

// Miss counts records of elsewhere that were lost on their way to whoever takes the lines.
func (w *Watcher) Miss(records int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.missed += records
}

// Take returns the lines that wait, or nothing. They are good until the next Take.
func (w *Watcher) Take(now time.Time) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines, w.taken = w.taken[:0], w.lines
	if w.missed > 0 && now.Sub(w.told) >= missedEvery {
		told := Record{Event: Missed, Time: stamp(now), Missed: w.missed}
		w.taken = told.appendLine(w.taken)
		w.missed, w.told = 0, now
	}
	return w.taken
}
