package oauth

import (
	"maps"
	"sync"
	"time"
)

// memory is a session store that needs no goroutine: what has expired is
// dropped whenever it may be half of all.
type memory struct {
	mu    sync.Mutex // guards all below
	items map[string]item
	full  int // items from which the expired are looked for
}

type item struct {
	value  []byte
	expiry time.Time
}

const leastFull = 64

func newMemory() *memory { return &memory{items: map[string]item{}, full: leastFull} }

// Find returns a value that was committed and has not expired.
func (m *memory) Find(token string) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	it, found := m.items[token]
	if !found || time.Now().After(it.expiry) {
		return nil, false, nil
	}
	return it.value, true, nil
}

// Commit keeps a value, in place of the one that token had.
func (m *memory) Commit(token string, value []byte, expiry time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.items[token] = item{value, now.Add(expiry.Sub(now))} // by the monotonic clock: the other one may jump
	if len(m.items) >= m.full {
		maps.DeleteFunc(m.items, func(_ string, it item) bool { return now.After(it.expiry) })
		m.full = max(leastFull, 2*len(m.items))
	}
	return nil
}

// Delete forgets a value.
func (m *memory) Delete(token string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.items, token)
	return nil
}

func (m *memory) drop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.items)
}
