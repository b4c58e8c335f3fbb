package memory

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/shopex/prism-go/platform"
)

type recordKey struct{ kind, id string }

type record struct {
	platform.Record
	expires time.Time
}

// Load returns a record, as [platform.Store] describes.
func (s *Store) Load(_ context.Context, kind, id string) (platform.Record, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.record(recordKey{kind, id}, time.Now())
	if !ok {
		return platform.Record{}, platform.ErrNoRecord
	}
	return platform.Record{Value: bytes.Clone(r.Value), Revision: r.Revision}, nil
}

// Save stores a record, as [platform.Store] describes. It lives exactly for
// ttl, by time.Now; its memory is freed by one of the Saves after that.
func (s *Store) Save(_ context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
	if ttl <= 0 {
		return 0, fmt.Errorf("memory: a record cannot be kept for %v: ttl must be positive", ttl)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key, now := recordKey{kind, id}, time.Now()
	if r, _ := s.record(key, now); r.Revision != revision {
		return 0, platform.ErrConflict
	}
	s.sweep(now)
	if s.records == nil {
		s.records = make(map[recordKey]record)
	}
	s.revision++
	s.records[key] = record{platform.Record{Value: bytes.Clone(value), Revision: s.revision}, now.Add(ttl)}
	return s.revision, nil
}

// Delete removes a record, if there is one.
func (s *Store) Delete(_ context.Context, kind, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.records, recordKey{kind, id})
	return nil
}

// record returns a record that has not expired; any other has revision 0.
func (s *Store) record(key recordKey, now time.Time) (record, bool) {
	r, ok := s.records[key]
	if !ok || !now.Before(r.expires) {
		return record{}, false
	}
	return r, true
}

// sweep drops the expired records each time the number of records has doubled:
// so a Save costs the same however many there are, and the expired ones are
// never many more than the others were.
func (s *Store) sweep(now time.Time) {
	if len(s.records) < s.full {
		return
	}
	for key, r := range s.records {
		if !now.Before(r.expires) {
			delete(s.records, key)
		}
	}
	s.full = 2*len(s.records) + 64
}
