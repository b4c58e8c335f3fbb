package memory

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/platform"
)

func TestARecordLivesExactlyForItsTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Store
		revision := save(t, &s, "a", 0, time.Minute)
		time.Sleep(time.Minute - 1)
		if _, err := s.Load(t.Context(), "kind", "a"); err != nil {
			t.Errorf("a moment before it expires: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if _, err := s.Load(t.Context(), "kind", "a"); err != platform.ErrNoRecord {
			t.Errorf("when it has expired: %v", err)
		}
		if _, err := s.Save(t.Context(), "kind", "a", nil, revision, time.Minute); err != platform.ErrConflict {
			t.Errorf("save over an expired record: %v", err)
		}
		save(t, &s, "a", 0, time.Minute)
	})
}

func save(t *testing.T, s *Store, id string, revision uint64, ttl time.Duration) uint64 {
	t.Helper()
	next, err := s.Save(t.Context(), "kind", id, []byte("value"), revision, ttl)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func TestExpiredRecordsAreDroppedAsTheStoreIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Store
		const live, rounds = 100, 100
		for i := range live {
			save(t, &s, fmt.Sprint("live", i), 0, 1000*time.Hour)
		}
		for round := range rounds {
			for i := range live {
				save(t, &s, fmt.Sprint("short", round, "x", i), 0, time.Second)
			}
			time.Sleep(time.Minute)
		}
		if n := len(s.shelves["kind"].records); n > 4*live {
			t.Errorf("%d records are kept of %d that live", n, live)
		}
		for i := range live {
			if _, err := s.Load(t.Context(), "kind", fmt.Sprint("live", i)); err != nil {
				t.Fatalf("a record that lives: %v", err)
			}
		}
	})
}
