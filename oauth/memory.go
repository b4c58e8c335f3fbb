package oauth

import (
	"context"
	"maps"
	"sync"
	"time"
)

// memory is a session store, and a [Claimer], that needs no goroutine: expired
// items are removed when they may be half of all items.
type memory struct {
	mu      sync.Mutex // guards all below
	items   map[string]item
	sweepAt int // number of items at which the expired ones are removed
}

type item struct {
	value  []byte
	expiry time.Time
}

const leastSweepAt = 64

func newMemory() *memory { return &memory{items: map[string]item{}, sweepAt: leastSweepAt} }

// Find returns a value that was committed and has not expired.
func (m *memory) Find(token string) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	it, found := m.find(token)
	return it.value, found, nil
}

func (m *memory) find(token string) (item, bool) {
	it, found := m.items[token]
	if !found || time.Now().After(it.expiry) {
		return item{}, false
	}
	return it, true
}

// Commit stores a value, in place of the previous one of token.
func (m *memory) Commit(token string, value []byte, expiry time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.store(token, value, time.Until(expiry))
	return nil
}

func (m *memory) store(token string, value []byte, life time.Duration) {
	now := time.Now()
	m.items[token] = item{value, now.Add(life)} // on the monotonic clock: the wall clock may jump
	if len(m.items) >= m.sweepAt {
		maps.DeleteFunc(m.items, func(_ string, it item) bool { return now.After(it.expiry) })
		m.sweepAt = max(leastSweepAt, 2*len(m.items))
	}
}

// Delete removes a value.
func (m *memory) Delete(token string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.items, token)
	return nil
}

// claimPrefix keeps claims apart from sessions, whose tokens have no blank.
const claimPrefix = "claim "

// Claim implements [Claimer].
func (m *memory) Claim(_ context.Context, id, holder string, life time.Duration) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, held := m.find(claimPrefix + id); held {
		return false, nil
	}
	m.store(claimPrefix+id, []byte(holder), life)
	return true, nil
}

// Release implements [Claimer].
func (m *memory) Release(_ context.Context, id, holder string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if string(m.items[claimPrefix+id].value) == holder {
		delete(m.items, claimPrefix+id)
	}
	return nil
}

// clear removes everything.
func (m *memory) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.items)
}
