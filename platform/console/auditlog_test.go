package console

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

func newStore(t *testing.T) *memory.Store {
	store, err := memory.NewStore()
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func (l *auditLog) paths(t *testing.T, before string) (paths []string) {
	t.Helper()
	err := l.each(t.Context(), before, func(e *auditEntry) bool {
		paths = append(paths, e.Path)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestTheAuditLogHoldsABoundedNumberOfBytesAndTheNewestEntries(t *testing.T) {
	store := newStore(t)
	l, n := &auditLog{store: store}, 2500
	for i := range n {
		if err := l.add(t.Context(), &auditEntry{Path: fmt.Sprint(i), After: auditValue(strings.Repeat("x", 1500))}); err != nil {
			t.Fatal(err)
		}
	}
	records, err := store.List(t.Context(), kindAudit)
	if err != nil {
		t.Fatal(err)
	}
	bytes := 0
	for _, r := range records {
		bytes += len(r.Value)
	}
	if most := auditPages * (auditPageBytes + 100); len(records) != auditPages || bytes > most || bytes < most/2 {
		t.Errorf("%d records have %d bytes, want %d and at most %d", len(records), bytes, auditPages, most)
	}
	for name, l := range map[string]*auditLog{"the writer": l, "another process": {store: store}} {
		paths := l.paths(t, "")
		for i, path := range paths {
			if path != fmt.Sprint(n-1-i) {
				t.Fatalf("%s: entry %d is %s", name, i, path)
			}
		}
		if len(paths) < 1200 || len(paths) == n {
			t.Errorf("%s: there are %d entries", name, len(paths))
		}
	}
	for before, want := range map[string]int{"1-0": 0, "99999999999999-0": 1200, "x": 1200, "-1--1": 1200} {
		if got := len(l.paths(t, before)); got < want || want == 0 && got > 0 {
			t.Errorf("before %s: %d entries", before, got)
		}
	}
}

func TestProcessesThatWriteTheAuditLogAtATimeLoseNothing(t *testing.T) {
	store := newStore(t)
	var all sync.WaitGroup
	for process := range 4 {
		l := &auditLog{store: store}
		all.Go(func() {
			for i := range 100 {
				if err := l.add(t.Context(), &auditEntry{Path: fmt.Sprint(process, "-", i), After: auditValue(strings.Repeat("x", 500))}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	seen := make(map[string]bool)
	for _, path := range (&auditLog{store: store}).paths(t, "") {
		seen[path] = true
	}
	if len(seen) != 400 {
		t.Errorf("there are %d entries", len(seen))
	}
}

func TestALogIsReadOnFromAnEntry(t *testing.T) {
	l := &auditLog{store: newStore(t)}
	for i := range 300 {
		if err := l.add(t.Context(), &auditEntry{Path: fmt.Sprint(i), After: auditValue(strings.Repeat("x", 700))}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for before := ""; ; {
		n := 0
		if err := l.each(t.Context(), before, func(e *auditEntry) bool {
			got, before, n = append(got, e.Path), e.ID, n+1
			return n < 7
		}); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	if want := l.paths(t, ""); fmt.Sprint(got) != fmt.Sprint(want) || len(got) != 300 {
		t.Errorf("in pieces of 7 there are %d entries: %v", len(got), got)
	}
}

func TestALargeValueIsCut(t *testing.T) {
	if got := auditValue(map[string]string{"a": strings.Repeat("界", auditValueBytes)}); len(got) > auditValueBytes || !strings.Contains(string(got), "界") {
		t.Errorf("%d bytes: %.80s", len(got), got)
	}
	if got := auditValue(func() {}); !strings.Contains(string(got), "json") {
		t.Errorf("what is no JSON: %s", got)
	}
}

// fullStore cannot save.
type fullStore struct{ platform.Store }

func (fullStore) Load(context.Context, string, string) (platform.Record, error) {
	return platform.Record{}, errors.Join(platform.ErrUnavailable, errors.New("the disk is full"))
}

func TestALogThatCannotBeReadSaysSo(t *testing.T) {
	l := &auditLog{store: fullStore{newStore(t)}}
	if err := l.add(t.Context(), &auditEntry{}); !errors.Is(err, platform.ErrUnavailable) {
		t.Error(err)
	}
}
