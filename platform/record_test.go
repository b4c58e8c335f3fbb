package platform

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// oneRecord is a store of a single record, which cannot expire.
type oneRecord struct {
	Store
	mu     sync.Mutex
	record Record
	saves  int
}

func (s *oneRecord) Load(context.Context, string, string) (Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.record.Revision == 0 {
		return Record{}, ErrNoRecord
	}
	return s.record, nil
}

func (s *oneRecord) Save(_ context.Context, _, _ string, value []byte, revision uint64, _ time.Duration) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saves++
	if s.record.Revision != revision {
		return 0, ErrConflict
	}
	s.record = Record{value, revision + 1}
	return revision + 1, nil
}

type counter struct{ N int }

func TestNoUpdateOfARecordIsLost(t *testing.T) {
	s := &oneRecord{record: Record{[]byte(`{"N":0}`), 1}}
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			_, err := updateRecord(t.Context(), s, "kind", "name", time.Hour, func(c *counter) (bool, error) { c.N++; return true, nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if c, _, err := loadRecord[counter](t.Context(), s, "kind", "name"); err != nil || c.N != 50 {
		t.Errorf("counted %+v, %v", c, err)
	}
}

func TestAnUpdateThatChangesNothingSavesNothing(t *testing.T) {
	s := &oneRecord{record: Record{[]byte(`{"N":7}`), 1}}
	c, err := updateRecord(t.Context(), s, "kind", "name", time.Hour, func(*counter) (bool, error) { return false, nil })
	if err != nil || c.N != 7 || s.saves != 0 {
		t.Errorf("%+v, %v, %d saves", c, err, s.saves)
	}
	refused := errors.New("refused")
	if _, err = updateRecord(t.Context(), s, "kind", "name", time.Hour, func(*counter) (bool, error) { return true, refused }); err != refused || s.saves != 0 {
		t.Errorf("%v, %d saves", err, s.saves)
	}
}

func TestAnUpdateNeedsItsRecord(t *testing.T) {
	_, err := updateRecord(t.Context(), &oneRecord{}, "kind", "name", time.Hour, func(*counter) (bool, error) { return true, nil })
	if !errors.Is(err, ErrNoRecord) {
		t.Errorf("got %v", err)
	}
}

// stubborn has a conflict each time.
type stubborn struct{ oneRecord }

func (s *stubborn) Save(context.Context, string, string, []byte, uint64, time.Duration) (uint64, error) {
	return 0, ErrConflict
}

func TestAnUpdateEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	tries := 0
	s := &stubborn{oneRecord{record: Record{[]byte(`{"N":0}`), 1}}}
	_, err := updateRecord(ctx, s, "kind", "name", time.Hour, func(*counter) (bool, error) {
		if tries++; tries == 10 {
			cancel()
		}
		return true, nil
	})
	if !errors.Is(err, context.Canceled) || tries != 10 {
		t.Errorf("%v after %d tries", err, tries)
	}
}

func TestABrokenRecordIsAFailure(t *testing.T) {
	s := &oneRecord{record: Record{[]byte(`{"N":"secret"}`), 1}}
	_, _, err := loadRecord[counter](t.Context(), s, "kind", "name")
	if err == nil || errors.Is(err, ErrNoRecord) || !strings.Contains(err.Error(), "kind") {
		t.Errorf("got %v", err)
	}
}

func TestAnIDOfARecordIsOneThatEveryStoreTakes(t *testing.T) {
	for _, name := range []string{"", "a", "a/b *.>\x00\xff", strings.Repeat("x", 10_000)} {
		if id := digest(name); len(id) != 64 || strings.Trim(id, "0123456789abcdef") != "" {
			t.Errorf("the id of %.20q is %q", name, id)
		}
	}
}

// What is taken for a token consists of two names and a dot, whatever scheme it
// comes with, and comes apart where it was put together.
func FuzzBearerToken(f *testing.F) {
	name, secret := randomName(), randomName()
	for _, seed := range []string{"", "Bearer", "Bearer " + name + "." + secret, name + "." + secret, "bearer  " + name + ".", name + "." + secret + "\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		name, secret, ok := bearerToken(http.Header{"Authorization": {header}})
		if !ok {
			if again, _, ok := parseToken(header); ok {
				t.Errorf("%q is a token of %q without a scheme only", header, again)
			}
			return
		}
		if len(name) != 26 || len(secret) != 26 || strings.Trim(name+secret, "abcdefghijklmnopqrstuvwxyz234567") != "" {
			t.Errorf("%q came apart to %q and %q", header, name, secret)
		}
		scheme, found := strings.CutSuffix(header, name+"."+secret)
		if !found || scheme != "" && !strings.EqualFold(strings.TrimRight(scheme, " "), "Bearer") {
			t.Errorf("%q is taken for %q.%q", header, name, secret)
		}
	})
}
