package oauth

import (
	"context"
	"errors"
	"sync"
	"time"
)

// shared is the state that all requests share. Its zero value is ready.
type shared struct {
	states   flights[struct{}] // by stateID: the states that were used
	renewals flights[*Token]   // by handle
	checks   flights[struct{}] // by handle
	ends     flights[struct{}] // by handle: the ends of sessions that were reported
}

// flights does a piece of work once for all callers that ask for it at the same
// time, and keeps the outcome for as long as the work says. The zero value is
// ready.
type flights[T any] struct {
	mu sync.Mutex // guards m, and until of the flights in it
	m  map[string]*flight[T]
}

type flight[T any] struct {
	done  chan struct{} // closed when value and err are set
	value T
	err   error
	until time.Time // when the outcome expires; zero while the work is done
}

// mostFlights bounds how many outcomes are kept. Work whose outcome was removed
// is done once more.
const mostFlights = 1 << 16

var errPanicked = errors.New("oauth: the work was ended by a panic")

// do returns the outcome of work for id. The first caller does the work, which
// must not depend on whether that caller still waits; the others wait for it or
// for the end of their ctx. keep is for how long the outcome is kept; if zero,
// only the callers that wait get it.
func (f *flights[T]) do(ctx context.Context, id string, now func() time.Time, work func() (value T, keep time.Duration, err error)) (T, error) {
	f.mu.Lock()
	known := f.m[id]
	if known != nil && (known.until.IsZero() || now().Before(known.until)) {
		f.mu.Unlock()
		return known.wait(ctx)
	}
	mine := &flight[T]{done: make(chan struct{}), err: errPanicked}
	f.add(id, mine)
	f.mu.Unlock()
	var keep time.Duration
	defer func() { f.finish(id, mine, now().Add(keep), keep > 0) }()
	mine.value, keep, mine.err = work()
	return mine.value, mine.err
}

func (f *flight[T]) wait(ctx context.Context) (T, error) {
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// add is called with mu held.
func (f *flights[T]) add(id string, mine *flight[T]) {
	if f.m == nil {
		f.m = make(map[string]*flight[T])
	}
	if len(f.m) >= mostFlights {
		f.evict()
	}
	f.m[id] = mine
}

// evict removes one outcome, but no work that is being done.
func (f *flights[T]) evict() {
	for id, other := range f.m {
		if !other.until.IsZero() {
			delete(f.m, id)
			return
		}
	}
}

func (f *flights[T]) finish(id string, mine *flight[T], until time.Time, keep bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	mine.until = until
	close(mine.done)
	if !keep && f.m[id] == mine {
		delete(f.m, id)
	}
}

// set keeps value as an outcome for id, without work.
func (f *flights[T]) set(id string, value T, until time.Time) {
	known := &flight[T]{done: make(chan struct{}), value: value, until: until}
	close(known.done)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.add(id, known)
}

// forget removes the outcome for id; work that is being done goes on.
func (f *flights[T]) forget(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known := f.m[id]; known != nil && !known.until.IsZero() {
		delete(f.m, id)
	}
}

// setOnce marks id until the time until, and reports whether it was not marked.
func (f *flights[T]) setOnce(id string, now, until time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known := f.m[id]; known != nil && now.Before(known.until) {
		return false
	}
	f.add(id, &flight[T]{until: until})
	return true
}
