package enginetest

import (
	"bytes"
	"strings"
	"time"

	"github.com/shopex/prism-go/platform"
)

func records() []storePromise {
	return []storePromise{
		{"WhatWasSavedIsThere", savedIsThere},
		{"AValueMayHaveAnyBytes", anyBytesInAValue},
		{"AValueMayHave512KiB", largeValue},
		{"AnIDMayHave64Characters", longID},
		{"NewRecordsDoNotReplace", newDoesNotReplace},
		{"OnlyTheRevisionThatWasReadIsReplaced", replaceRevision},
		{"ARevisionDoesNotComeAgain", freshRevisions},
		{"ARevisionDoesNotComeAgainAfterDelete", freshAfterDelete},
		{"KindsAreSeparate", separateKinds},
		{"WhatWasDeletedIsGone", deletedIsGone},
		{"AValueBelongsToTheCaller", ownValues},
	}
}

func savedIsThere(t *storeTrial) {
	id := name()
	t.hasNone(kind, id, "before it was saved")
	first := t.save(id, "one", 0)
	t.holds(kind, id, "one", first)
	second := t.save(id, "two", first)
	t.holds(kind, id, "two", second)
}

func anyBytesInAValue(t *storeTrial) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for _, value := range []string{"", "\x00", string(every), "\xff\xfe", `{"a":1}`, strings.Repeat(string(every), 16)} {
		id := name()
		t.holds(kind, id, value, t.save(id, value, 0))
	}
}

// A part of an api.json is as large.
func largeValue(t *storeTrial) {
	id, large := name(), strings.Repeat("0123456789abcde\x00", platform.MaxRecord/16)
	first := t.save(id, large, 0)
	t.holds(kind, id, large, first)
	larger := "x" + large[1:]
	t.holds(kind, id, larger, t.save(id, larger, first))

	lasting := lastingKind()
	revision, err := t.store.Save(t.ctx, lasting, id, []byte(large), 0, 0)
	t.must(err, "save")
	all, err := t.store.List(t.ctx, lasting)
	t.must(err, "list")
	if got := all[id]; string(got.Value) != large || got.Revision != revision {
		t.Fatalf("the list has %d bytes of revision %d, want %d of %d", len(got.Value), got.Revision, len(large), revision)
	}
}

func longID(t *storeTrial) {
	long := strings.Repeat("x", 38) + name()
	t.holds(kind, long, "long", t.save(long, "long", 0))
	t.hasNone(kind, long[:63], "of its beginning")
}

func newDoesNotReplace(t *storeTrial) {
	id := name()
	first := t.save(id, "one", 0)
	t.conflicts(id, 0, "save of a new record where there is one")
	t.holds(kind, id, "one", first)
}

func replaceRevision(t *storeTrial) {
	id := name()
	t.conflicts(id, 1, "save over a revision where there is no record")
	t.hasNone(kind, id, "after a conflict")
	first := t.save(id, "one", 0)
	second := t.save(id, "two", first)
	t.conflicts(id, first, "save over an old revision")
	t.conflicts(id, second+1, "save over a revision that is to come")
	t.holds(kind, id, "two", second)
}

func freshRevisions(t *storeTrial) {
	id := name()
	seen := make(map[uint64]bool)
	var revision uint64
	for range 100 {
		if revision = t.save(id, "same", revision); seen[revision] {
			t.Fatalf("revision %d came again", revision)
		}
		seen[revision] = true
	}
}

// A platform keeps what it has read for as long as the revision is the same.
func freshAfterDelete(t *storeTrial) {
	for kind, ttl := range map[string]time.Duration{kind: time.Hour, lastingKind(): 0} {
		id := name()
		seen := make(map[uint64]bool)
		for range 10 {
			revision, err := t.store.Save(t.ctx, kind, id, []byte("same"), 0, ttl)
			t.must(err, "save")
			if seen[revision] {
				t.Fatalf("revision %d came again after the record was deleted", revision)
			}
			seen[revision] = true
			t.must(t.store.Delete(t.ctx, kind, id), "delete")
		}
	}
}

func separateKinds(t *storeTrial) {
	const other = "enginetestother"
	id := name()
	first := t.save(id, "one", 0)
	t.hasNone(other, id, "under another kind")
	second, err := t.store.Save(t.ctx, other, id, []byte("other"), 0, time.Hour)
	t.must(err, "save under another kind")
	t.must(t.store.Delete(t.ctx, kind, id), "delete")
	t.hasNone(kind, id, "after delete")
	t.holds(other, id, "other", second)
	t.conflicts(id, first, "save over what was deleted")
}

func deletedIsGone(t *storeTrial) {
	id := name()
	t.must(t.store.Delete(t.ctx, kind, id), "delete of what is not there")
	first := t.save(id, "one", 0)
	t.must(t.store.Delete(t.ctx, kind, id), "delete")
	t.hasNone(kind, id, "after delete")
	t.conflicts(id, first, "save over what was deleted")
	t.holds(kind, id, "two", t.save(id, "two", 0))
}

// A store that keeps the caller's bytes, or hands out its own, lets a caller
// change a record without a Save.
func ownValues(t *storeTrial) {
	id, value := name(), []byte("value")
	revision, err := t.store.Save(t.ctx, kind, id, value, 0, time.Hour)
	t.must(err, "save")
	copy(value, "spoil")
	got, err := t.store.Load(t.ctx, kind, id)
	t.must(err, "load")
	if !bytes.Equal(got.Value, []byte("value")) {
		t.Fatalf("the record changed to %q with the bytes that were saved", got.Value)
	}
	copy(got.Value, "spoil")
	t.holds(kind, id, "value", revision)
}
