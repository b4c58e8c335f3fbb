package activity

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
)

// Bounds of those who watch a Feed at a time.
const (
	mostWatchers = 32
	mostOthers   = 16 // that are not privileged
	mostOfOne    = 4
)

// Errors of Watch.
var (
	ErrClosed  = errors.New("activity: the feed is closed")
	ErrTooMany = errors.New("activity: too many watch already")
)

// A Feed takes records to those who watch. Its methods may be called from any number of
// goroutines. The zero Feed is ready.
type Feed struct {
	watchers atomic.Pointer[[]*Watcher] // replaced as a whole; nil while nobody watches

	mu     sync.Mutex // held while watchers is replaced, and guards closed
	closed bool
}

// Watched reports whether anybody watches, so that a record has to be made.
func (f *Feed) Watched() bool { return f.watchers.Load() != nil }

// Add takes a record to those who watch. It waits for none of them, and keeps no part of
// the record.
func (f *Feed) Add(r *Record) {
	if all := f.watchers.Load(); all != nil {
		for _, w := range *all {
			w.add(r)
		}
	}
}

// Watch returns a Watcher, which must be closed. owner is who watches, of whom there are
// few; those that are not privileged leave room for others. rate is how many records a
// second it gets at most.
func (f *Feed) Watch(owner string, privileged bool, filter Filter, rate int) (*Watcher, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, ErrClosed
	}
	all := f.list()
	if len(all) >= mostWatchers || count(all, func(w *Watcher) bool { return w.owner == owner }) >= mostOfOne ||
		!privileged && count(all, func(w *Watcher) bool { return !w.privileged }) >= mostOthers {
		return nil, ErrTooMany
	}
	w := newWatcher(f, owner, privileged, filter, rate)
	f.replace(append(all, w))
	return w, nil
}

func count(all []*Watcher, is func(*Watcher) bool) (n int) {
	for _, w := range all {
		if is(w) {
			n++
		}
	}
	return n
}

// list returns a copy of the watchers. The caller holds mu.
func (f *Feed) list() []*Watcher {
	if all := f.watchers.Load(); all != nil {
		return slices.Clone(*all)
	}
	return nil
}

func (f *Feed) replace(all []*Watcher) {
	if len(all) == 0 {
		f.watchers.Store(nil)
		return
	}
	f.watchers.Store(&all)
}

// Close lets nobody watch any more: it closes the channel that Ended of each Watcher
// returns.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	f.closed = true
	for _, w := range f.list() {
		close(w.ended)
	}
}

func (f *Feed) remove(w *Watcher) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.replace(slices.DeleteFunc(f.list(), func(one *Watcher) bool { return one == w }))
}
