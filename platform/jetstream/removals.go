package jetstream

import (
	"sync"
	"time"
)

// mostKnown bounds the entries. What is not remembered is read from the stream.
const mostKnown = 4096

// removals remembers until when JetStream keeps records, by their revisions.
type removals struct {
	mu sync.Mutex
	at map[uint64]time.Time
}

func (r *removals) add(revision uint64, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at == nil || len(r.at) >= mostKnown {
		r.at = make(map[uint64]time.Time)
	}
	r.at[revision] = at
}

// pop removes and returns the time of a revision, whose record is being replaced.
func (r *removals) pop(revision uint64) (at time.Time, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, known = r.at[revision]
	delete(r.at, revision)
	return at, known
}
