package oauth

import (
	"context"
	"errors"
	"sync"
	"time"
)

// visits is what the requests of users have in common. Its zero value is
// ready.
type visits struct {
	used     flights[struct{}] // by usedID: states that were taken
	renewals flights[*Token]   // by handle
	checks   flights[struct{}] // by handle
	ends     flights[struct{}] // by handle, told to the operator
}

// flights does a piece of work once for all who ask for it at the same time,
// and knows the outcome for as long as the work says. The zero value is ready.
type flights[T any] struct {
	mu sync.Mutex // guards m and until of those in it
	m  map[string]*flight[T]
}

type flight[T any] struct {
	done  chan struct{} // closed when value and err are set
	value T
	err   error
	until time.Time // when the outcome is forgotten; zero while the work is done
}

// mostFlights bounds what is remembered. Who is forgotten is asked about once
// more.
const mostFlights = 1 << 16

var errBroken = errors.New("oauth: the work was broken off by a panic")

// do returns the outcome of work for id. The first who asks does the work, which
// must not depend on whether that one still wants the outcome; the others wait
// for it or for the end of their ctx. keep is how long the outcome is good for,
// from now on; zero: only for those who wait.
func (f *flights[T]) do(ctx context.Context, id string, now func() time.Time, work func() (value T, keep time.Duration, err error)) (T, error) {
	f.mu.Lock()
	known := f.m[id]
	if known != nil && (known.until.IsZero() || now().Before(known.until)) {
		f.mu.Unlock()
		return known.wait(ctx)
	}
	mine := &flight[T]{done: make(chan struct{}), err: errBroken}
	f.add(id, mine)
	f.mu.Unlock()
	var keep time.Duration
	defer func() { f.land(id, mine, now().Add(keep), keep > 0) }()
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
		f.dropOne()
	}
	f.m[id] = mine
}

// dropOne forgets an outcome, and never work that is being done.
func (f *flights[T]) dropOne() {
	for id, other := range f.m {
		if !other.until.IsZero() {
			delete(f.m, id)
			return
		}
	}
}

func (f *flights[T]) land(id string, mine *flight[T], until time.Time, keep bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	mine.until = until
	close(mine.done)
	if !keep && f.m[id] == mine {
		delete(f.m, id)
	}
}

// note sets an outcome without work.
func (f *flights[T]) note(id string, value T, until time.Time) {
	known := &flight[T]{done: make(chan struct{}), value: value, until: until}
	close(known.done)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.add(id, known)
}

// forget drops the outcome for id; work that is being done goes on.
func (f *flights[T]) forget(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known := f.m[id]; known != nil && !known.until.IsZero() {
		delete(f.m, id)
	}
}

// first reports whether nothing was noted for id, and notes it until then.
func (f *flights[T]) first(id string, now, until time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if known := f.m[id]; known != nil && now.Before(known.until) {
		return false
	}
	f.add(id, &flight[T]{until: until})
	return true
}
