package enginetest

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// Store tests the store that open opens, with one subtest for each promise. Each subtest
// calls open once, and uses random names, so that stores may share their storage. open
// closes what it opened by t.Cleanup.
//
// A subtest that takes longer than a minute fails.
func Store(t *testing.T, open func(t testing.TB) platform.Store) {
	for _, p := range storePromises() {
		t.Run(p.name, func(t *testing.T) { p.verify(t, time.Minute, open) })
	}
}

type storePromise struct {
	name  string
	check func(*storeTrial)
}

func storePromises() []storePromise {
	var all []storePromise
	for _, part := range [][]storePromise{lasting(), records(), storeCrowds(), expiry()} {
		all = append(all, part...)
	}
	return all
}

// verify checks that the store keeps p, within the limit.
func (p storePromise) verify(t testing.TB, limit time.Duration, open func(testing.TB) platform.Store) {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	p.check(&storeTrial{trial: trial{t, ctx}, store: open(t), limit: limit})
}

// name returns random letters and digits.
func name() string { return strings.ToLower(rand.Text()) }

// kind is a kind of records that the platform does not use.
const kind = "enginetest"

// A storeTrial has the store under test.
type storeTrial struct {
	trial
	store platform.Store
	limit time.Duration
}

// save stores value under kind for an hour.
func (t *storeTrial) save(id, value string, revision uint64) uint64 {
	t.Helper()
	return t.saveFor(id, value, revision, time.Hour)
}

func (t *storeTrial) saveFor(id, value string, revision uint64, ttl time.Duration) uint64 {
	t.Helper()
	next, err := t.store.Save(t.ctx, kind, id, []byte(value), revision, ttl)
	t.must(err, "save over revision %d", revision)
	if next == 0 {
		t.Fatalf("save over revision %d returned revision 0", revision)
	}
	return next
}

// conflicts checks that a Save is refused.
func (t *storeTrial) conflicts(id string, revision uint64, doing string) {
	t.Helper()
	_, err := t.store.Save(t.ctx, kind, id, []byte("not to be stored"), revision, time.Hour)
	t.refused(err, platform.ErrConflict, doing)
}

func (t *storeTrial) holds(kind, id, value string, revision uint64) {
	t.Helper()
	got, err := t.store.Load(t.ctx, kind, id)
	t.must(err, "load of %s", kind)
	if string(got.Value) != value || got.Revision != revision {
		t.Fatalf("%s holds %.40q of revision %d, want %.40q of %d", kind, got.Value, got.Revision, value, revision)
	}
}

func (t *storeTrial) hasNone(kind, id, when string) {
	t.Helper()
	_, err := t.store.Load(t.ctx, kind, id)
	t.refused(err, platform.ErrNoRecord, "load "+when)
}
