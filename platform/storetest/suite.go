package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// Run tests the store that open opens, in one subtest a promise. Each of them
// calls open once, and uses random names, so that stores may share their
// storage. What must be closed, open registers with t.Cleanup.
//
// A subtest that takes longer than a minute fails.
func Run(t *testing.T, open func(t testing.TB) platform.Store) {
	for _, p := range promises() {
		t.Run(p.name, func(t *testing.T) { p.keep(t, time.Minute, open) })
	}
}

type promise struct {
	name  string
	check func(*trial)
}

func promises() []promise {
	var all []promise
	for _, part := range [][]promise{lasting(), records(), crowds(), expiry()} {
		all = append(all, part...)
	}
	return all
}

// keep checks that the store keeps p, within the limit.
func (p promise) keep(t testing.TB, limit time.Duration, open func(testing.TB) platform.Store) {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	p.check(&trial{TB: t, ctx: ctx, store: open(t), limit: limit})
}

// name returns random letters and digits.
func name() string { return strings.ToLower(rand.Text()) }

// kind is one that the platform does not use.
const kind = "storetest"

// A trial is one store under test. Its methods fail the test when the store
// refuses, so they belong to the test's goroutine.
type trial struct {
	testing.TB
	ctx   context.Context
	store platform.Store
	limit time.Duration
}

func (t *trial) must(err error, doing string, args ...any) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", fmt.Sprintf(doing, args...), err)
	}
}

func (t *trial) refused(got, want error, doing string) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("%s: got error %v, want %v", doing, got, want)
	}
}

// save stores value under kind for an hour.
func (t *trial) save(id, value string, revision uint64) uint64 {
	t.Helper()
	return t.saveFor(id, value, revision, time.Hour)
}

func (t *trial) saveFor(id, value string, revision uint64, ttl time.Duration) uint64 {
	t.Helper()
	next, err := t.store.Save(t.ctx, kind, id, []byte(value), revision, ttl)
	t.must(err, "save over revision %d", revision)
	if next == 0 {
		t.Fatalf("save over revision %d returned revision 0", revision)
	}
	return next
}

// conflicts tries to save, which must be refused.
func (t *trial) conflicts(id string, revision uint64, doing string) {
	t.Helper()
	_, err := t.store.Save(t.ctx, kind, id, []byte("not to be stored"), revision, time.Hour)
	t.refused(err, platform.ErrConflict, doing)
}

func (t *trial) holds(kind, id, value string, revision uint64) {
	t.Helper()
	got, err := t.store.Load(t.ctx, kind, id)
	t.must(err, "load of %s", kind)
	if string(got.Value) != value || got.Revision != revision {
		t.Fatalf("%s holds %.40q of revision %d, want %.40q of %d", kind, got.Value, got.Revision, value, revision)
	}
}

func (t *trial) hasNone(kind, id, when string) {
	t.Helper()
	_, err := t.store.Load(t.ctx, kind, id)
	t.refused(err, platform.ErrNoRecord, "load "+when)
}
