package enginetest

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopex/prism-go/platform"
)

func lasting() []storePromise {
	return []storePromise{
		{"ARecordWithoutAnEndStays", stays},
		{"OnlyTheRevisionOfALastingRecordIsReplaced", replaceLasting},
		{"AListHasTheRecordsOfItsKind", listsItsKind},
		{"WhatWasDeletedIsInNoList", deletedIsNotListed},
		{"AListBelongsToTheCaller", ownList},
		{"ANegativeLifeIsRefused", negativeLife},
	}
}

// lastingKind returns a kind that no other test uses, as a list has all of its
// kind.
func lastingKind() string {
	letters := func(r rune) rune {
		if r >= '0' && r <= '9' {
			return 'a' + r - '0'
		}
		return r
	}
	return kind + strings.Map(letters, name())
}

func stays(t *storeTrial) {
	kind, id, short := lastingKind(), name(), name()
	revision := t.saveLasting(kind, id, "stays", 0)
	began := time.Now()
	t.saveFor(short, "goes", 0, shortLife)
	t.gone(short, began)
	t.holds(kind, id, "stays", revision)
	t.lists(kind, map[string]string{id: "stays"})
}

func replaceLasting(t *storeTrial) {
	kind, id := lastingKind(), name()
	t.hasNone(kind, id, "before it was saved")
	first := t.saveLasting(kind, id, "one", 0)
	second := t.saveLasting(kind, id, "two", first)
	for _, revision := range []uint64{0, first, second + 1} {
		_, err := t.store.Save(t.ctx, kind, id, []byte("not to be stored"), revision, 0)
		t.refused(err, platform.ErrConflict, "save over another revision")
	}
	t.holds(kind, id, "two", second)
}

func listsItsKind(t *storeTrial) {
	kind, other := lastingKind(), lastingKind()
	t.lists(kind, nil)
	first, second, long := name(), name(), strings.Repeat("x", 38)+name()
	revision := t.saveLasting(kind, first, "one", 0)
	t.lists(kind, map[string]string{first: "one"})
	t.saveLasting(kind, second, "\x00\xff", 0)
	t.saveLasting(kind, long, "", 0)
	t.saveLasting(other, first, "other", 0)
	t.saveLasting(kind, first, "again", revision)
	t.lists(kind, map[string]string{first: "again", second: "\x00\xff", long: ""})
	t.lists(other, map[string]string{first: "other"})
}

func deletedIsNotListed(t *storeTrial) {
	kind, kept, lost := lastingKind(), name(), name()
	t.saveLasting(kind, kept, "kept", 0)
	revision := t.saveLasting(kind, lost, "lost", 0)
	t.must(t.store.Delete(t.ctx, kind, lost), "delete")
	t.hasNone(kind, lost, "after delete")
	t.lists(kind, map[string]string{kept: "kept"})
	_, err := t.store.Save(t.ctx, kind, lost, []byte("not to be stored"), revision, 0)
	t.refused(err, platform.ErrConflict, "save over what was deleted")
	t.saveLasting(kind, lost, "again", 0)
	t.lists(kind, map[string]string{kept: "kept", lost: "again"})
}

// The values of lasting records are the more likely to be kept in memory.
func ownList(t *storeTrial) {
	kind, id, value := lastingKind(), name(), []byte("value")
	_, err := t.store.Save(t.ctx, kind, id, value, 0, 0)
	t.must(err, "save")
	copy(value, "spoil")
	t.lists(kind, map[string]string{id: "value"})
	loaded, err := t.store.Load(t.ctx, kind, id)
	t.must(err, "load")
	copy(loaded.Value, "spoil")
	listed, err := t.store.List(t.ctx, kind)
	t.must(err, "list")
	copy(listed[id].Value, "spoil")
	delete(listed, id)
	t.lists(kind, map[string]string{id: "value"})
}

func negativeLife(t *storeTrial) {
	for _, ttl := range []time.Duration{-1, -time.Hour} {
		kind, id := lastingKind(), name()
		if _, err := t.store.Save(t.ctx, kind, id, []byte("value"), 0, ttl); err == nil {
			t.Fatalf("a ttl of %v was accepted", ttl)
		}
		t.hasNone(kind, id, "of a negative ttl")
	}
}

func (t *storeTrial) saveLasting(kind, id, value string, revision uint64) uint64 {
	t.Helper()
	next, err := t.store.Save(t.ctx, kind, id, []byte(value), revision, 0)
	t.must(err, "save without an end over revision %d", revision)
	return next
}

// lists wants exactly these values by id, as Load shows them.
func (t *storeTrial) lists(kind string, want map[string]string) {
	t.Helper()
	all, err := t.store.List(t.ctx, kind)
	t.must(err, "list")
	if len(all) != len(want) {
		t.Fatalf("the list has %q, want %q", slices.Sorted(maps.Keys(all)), slices.Sorted(maps.Keys(want)))
	}
	for id, value := range want {
		got, ok := all[id]
		if !ok || string(got.Value) != value {
			t.Fatalf("the list has %q for %q (%v), want %q", got.Value, id, ok, value)
		}
		t.holds(kind, id, value, got.Revision)
	}
}
