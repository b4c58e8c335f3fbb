package memory

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/shopex/prism-go/platform"
)

// A shelf holds the records of one kind, by id.
type shelf struct {
	records map[string]record
	full    int // at this number of records the expired ones are removed
}

type record struct {
	platform.Record
	expires time.Time // zero: never
}

func (r record) expired(now time.Time) bool {
	return !r.expires.IsZero() && !now.Before(r.expires)
}

// Load returns a record, as [platform.Store] describes.
func (s *Store) Load(_ context.Context, kind, id string) (platform.Record, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.shelves[kind].find(id, time.Now())
	if !ok {
		return platform.Record{}, platform.ErrNoRecord
	}
	return r.copy(), nil
}

// Save stores a record, as [platform.Store] describes. It lives exactly for
// ttl, by time.Now; its memory is freed by one of the Saves after that.
func (s *Store) Save(_ context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
	if ttl < 0 {
		return 0, fmt.Errorf("memory: a record cannot be kept for %v: ttl must not be negative", ttl)
	}
	now := time.Now()
	var expires time.Time
	if ttl > 0 {
		expires = now.Add(ttl)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, _ := s.shelves[kind].find(id, now); r.Revision != revision {
		return 0, platform.ErrConflict
	}
	s.revision++
	s.shelf(kind).put(id, record{platform.Record{Value: bytes.Clone(value), Revision: s.revision}, expires}, now)
	return s.revision, nil
}

// Delete removes a record, if there is one.
func (s *Store) Delete(_ context.Context, kind, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if on := s.shelves[kind]; on != nil {
		delete(on.records, id)
	}
	return nil
}

// List returns the records of a kind, as [platform.Store] describes.
func (s *Store) List(_ context.Context, kind string) (map[string]platform.Record, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all, now := make(map[string]platform.Record), time.Now()
	if on := s.shelves[kind]; on != nil {
		for id, r := range on.records {
			if !r.expired(now) {
				all[id] = r.copy()
			}
		}
	}
	return all, nil
}

// copy returns the record with a value that the caller may keep.
func (r record) copy() platform.Record {
	return platform.Record{Value: bytes.Clone(r.Value), Revision: r.Revision}
}

// shelf returns the shelf of a kind, and makes it if there is none.
func (s *Store) shelf(kind string) *shelf {
	on := s.shelves[kind]
	if on == nil {
		on = &shelf{records: make(map[string]record)}
		if s.shelves == nil {
			s.shelves = make(map[string]*shelf)
		}
		s.shelves[kind] = on
	}
	return on
}

// find returns a record that has not expired; any other has revision 0.
func (on *shelf) find(id string, now time.Time) (record, bool) {
	if on == nil {
		return record{}, false
	}
	r, ok := on.records[id]
	if !ok || r.expired(now) {
		return record{}, false
	}
	return r, true
}

// put stores a record. Each time the number of records has doubled, it removes the
// expired ones. So a Save costs the same on average, however many records there are, and
// there are never many more expired ones than others.
func (on *shelf) put(id string, r record, now time.Time) {
	if len(on.records) >= on.full {
		for id, old := range on.records {
			if old.expired(now) {
				delete(on.records, id)
			}
		}
		on.full = 2*len(on.records) + 64
	}
	on.records[id] = r
}
