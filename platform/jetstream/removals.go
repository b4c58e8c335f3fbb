package jetstream

import (
	"sync"
	"time"
)

// mostKnown bounds what is remembered; what is forgotten is asked for.
const mostKnown = 4096

// A removals remembers when JetStream will have removed records, by their revisions.
type removals struct {
	mu sync.Mutex
	at map[uint64]time.Time
}

func (k *removals) note(revision uint64, at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.at == nil || len(k.at) >= mostKnown {
		k.at = make(map[uint64]time.Time)
	}
	k.at[revision] = at
}

// take returns what is known of a revision, and forgets it: its record is replaced.
func (k *removals) take(revision uint64) (at time.Time, known bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	at, known = k.at[revision]
	delete(k.at, revision)
	return at, known
}
