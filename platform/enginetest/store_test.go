package enginetest

import (
	"cmp"
	"context"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
	"github.com/shopex/prism-go/tools/failing"
)

func newStore(testing.TB) platform.Store { return new(memory.Store) }

func TestAGoodStorePasses(t *testing.T) { Store(t, newStore) }

// Each row spoils one thing, and names a promise that must notice.
func TestASpoiledStoreFails(t *testing.T) {
	for _, row := range []struct {
		spoiled string
		notices string
		spoil   func(good platform.Store) *faultyStore
	}{
		{"a record without an end has one", "ARecordWithoutAnEndStays", anEnd},
		{"revisions of lasting records are not compared", "OnlyTheRevisionOfALastingRecordIsReplaced", careless},
		{"a list has other kinds", "AListHasTheRecordsOfItsKind", oneList},
		{"a list is as it was before", "AListHasTheRecordsOfItsKind", oldList},
		{"a list has no revisions", "AListHasTheRecordsOfItsKind", listWithoutRevisions},
		{"delete does nothing", "WhatWasDeletedIsInNoList", deleteNothing},
		{"a list has what was deleted", "WhatWasDeletedIsInNoList", listDeleted},
		{"a list is the store's own", "AListBelongsToTheCaller", oldList},
		{"a negative ttl is none", "ANegativeLifeIsRefused", absolute},
		{"values are cut at a zero byte", "AValueMayHaveAnyBytes", cuttingValues},
		{"values are cut at 64 KiB", "AValueMayHave512KiB", shorteningValues},
		{"a list has the beginnings of values", "AValueMayHave512KiB", listBeginnings},
		{"ids are cut", "AnIDMayHave64Characters", cuttingIDs},
		{"kinds are one", "KindsAreSeparate", oneKind},
		{"delete does nothing", "WhatWasDeletedIsGone", deleteNothing},
		{"the caller's bytes are kept", "AValueBelongsToTheCaller", keepingBytes},
		{"revisions are not compared", "OnlyTheRevisionThatWasReadIsReplaced", careless},
		{"revisions are not compared", "NewRecordsDoNotReplace", careless},
		{"revisions are not compared", "WhatWasDeletedIsGone", careless},
		{"there is one revision", "ARevisionDoesNotComeAgain", oneRevision},
		{"revisions begin anew with a new record", "ARevisionDoesNotComeAgainAfterDelete", anew},
		{"comparing and saving are two steps", "OneOfManyMakesANewRecord", twoSteps},
		{"comparing and saving are two steps", "OneOfManyReplacesARevision", twoSteps},
		{"comparing and saving are two steps", "NoChangeIsLostInACrowd", twoSteps},
		{"comparing and saving are two steps", "OneOfManyMakesALastingRecord", twoSteps},
		{"records never expire", "ARecordExpires", forever},
		{"records expire too early", "ARecordExpires", early},
		{"records keep the first ttl", "SavingGivesARecordANewLife", firstTTL},
	} {
		t.Run(row.notices+"/"+row.spoiled, func(t *testing.T) {
			t.Parallel() // some notice by waiting
			p := findStorePromise(t, row.notices)
			if !failing.Does(t, func(tb testing.TB) {
				p.verify(tb, 6*time.Second, func(tb testing.TB) platform.Store { return row.spoil(newStore(tb)) })
			}) {
				t.Errorf("%s did not notice that %s", row.notices, row.spoiled)
			}
		})
	}
}

func findStorePromise(t *testing.T, name string) storePromise {
	for _, p := range storePromises() {
		if p.name == name {
			return p
		}
	}
	t.Fatalf("there is no promise %s", name)
	return storePromise{}
}

// A faultyStore store does what its functions say, else what the good one does.
type faultyStore struct {
	platform.Store
	load func(ctx context.Context, kind, id string) (platform.Record, error)
	save func(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error)
	del  func(ctx context.Context, kind, id string) error
	list func(ctx context.Context, kind string) (map[string]platform.Record, error)
}

func spoilStore(good platform.Store) *faultyStore {
	return &faultyStore{good, good.Load, good.Save, good.Delete, good.List}
}

func (f *faultyStore) Delete(ctx context.Context, kind, id string) error { return f.del(ctx, kind, id) }

func (f *faultyStore) List(ctx context.Context, kind string) (map[string]platform.Record, error) {
	return f.list(ctx, kind)
}

func (f *faultyStore) Load(ctx context.Context, kind, id string) (platform.Record, error) {
	return f.load(ctx, kind, id)
}

func (f *faultyStore) Save(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
	return f.save(ctx, kind, id, value, revision, ttl)
}

func anEnd(good platform.Store) *faultyStore {
	return withTTL(good, func(ttl time.Duration) time.Duration { return cmp.Or(ttl, shortLife/2) })
}

func absolute(good platform.Store) *faultyStore {
	return withTTL(good, func(ttl time.Duration) time.Duration { return max(ttl, 0) })
}

// oneList remembers which kinds there are.
func oneList(good platform.Store) *faultyStore {
	f := spoilStore(good)
	kinds := make(map[string]bool)
	f.save = func(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
		kinds[kind] = true
		return good.Save(ctx, kind, id, value, revision, ttl)
	}
	f.list = func(ctx context.Context, kind string) (map[string]platform.Record, error) {
		all, err := good.List(ctx, kind)
		for other := range kinds {
			if other != kind {
				more, _ := good.List(ctx, other)
				maps.Copy(all, more)
			}
		}
		return all, err
	}
	return f
}

// oldList returns the list of each kind as it was at first.
func oldList(good platform.Store) *faultyStore {
	f := spoilStore(good)
	lists := make(map[string]map[string]platform.Record)
	f.list = func(ctx context.Context, kind string) (map[string]platform.Record, error) {
		if lists[kind] != nil {
			return lists[kind], nil
		}
		all, err := good.List(ctx, kind)
		lists[kind] = all
		return all, err
	}
	return f
}

func listWithoutRevisions(good platform.Store) *faultyStore {
	f := spoilStore(good)
	f.list = func(ctx context.Context, kind string) (map[string]platform.Record, error) {
		all, err := good.List(ctx, kind)
		for id, r := range all {
			all[id] = platform.Record{Value: r.Value}
		}
		return all, err
	}
	return f
}

func listDeleted(good platform.Store) *faultyStore {
	f := spoilStore(good)
	gone := make(map[string]platform.Record)
	f.del = func(ctx context.Context, kind, id string) error {
		gone[id], _ = good.Load(ctx, kind, id)
		return good.Delete(ctx, kind, id)
	}
	f.list = func(ctx context.Context, kind string) (map[string]platform.Record, error) {
		all, err := good.List(ctx, kind)
		maps.Copy(all, gone)
		return all, err
	}
	return f
}

func cuttingValues(good platform.Store) *faultyStore {
	f := spoilStore(good)
	f.save = func(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
		for i, b := range value {
			if b == 0 {
				value = value[:i]
				break
			}
		}
		return good.Save(ctx, kind, id, value, revision, ttl)
	}
	return f
}

func shorteningValues(good platform.Store) *faultyStore {
	f := spoilStore(good)
	f.save = func(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
		return good.Save(ctx, kind, id, value[:min(len(value), 64<<10)], revision, ttl)
	}
	return f
}

func listBeginnings(good platform.Store) *faultyStore {
	f := spoilStore(good)
	f.list = func(ctx context.Context, kind string) (map[string]platform.Record, error) {
		all, err := good.List(ctx, kind)
		for id, r := range all {
			all[id] = platform.Record{Value: r.Value[:min(len(r.Value), 64<<10)], Revision: r.Revision}
		}
		return all, err
	}
	return f
}

func cuttingIDs(good platform.Store) *faultyStore {
	f := spoilStore(good)
	f.load = func(ctx context.Context, kind, id string) (platform.Record, error) {
		return good.Load(ctx, kind, id[:min(len(id), 63)])
	}
	f.save = func(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
		return good.Save(ctx, kind, id[:min(len(id), 63)], value, revision, ttl)
	}
	return f
}

func oneKind(good platform.Store) *faultyStore {
	f := spoilStore(good)
	f.load = func(ctx context.Context, _, id string) (platform.Record, error) { return good.Load(ctx, "one", id) }
	f.save = func(ctx context.Context, _, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
		return good.Save(ctx, "one", id, value, revision, ttl)
	}
	return f
}

func deleteNothing(good platform.Store) *faultyStore {
	f := spoilStore(good)
	f.del = func(context.Context, string, string) error { return nil }
	return f
}

func keepingBytes(good platform.Store) *faultyStore {
	f := spoilStore(good)
	var kept []byte
	f.save = func(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
		kept = value
		return good.Save(ctx, kind, id, value, revision, ttl)
	}
	f.load = func(ctx context.Context, kind, id string) (platform.Record, error) {
		r, err := good.Load(ctx, kind, id)
		r.Value = kept
		return r, err
	}
	return f
}

func careless(good platform.Store) *faultyStore {
	f := spoilStore(good)
	f.save = func(ctx context.Context, kind, id string, value []byte, _ uint64, ttl time.Duration) (uint64, error) {
		r, _ := good.Load(ctx, kind, id)
		return good.Save(ctx, kind, id, value, r.Revision, ttl)
	}
	return f
}

func oneRevision(good platform.Store) *faultyStore {
	f := spoilStore(good)
	f.save = func(ctx context.Context, kind, id string, value []byte, _ uint64, ttl time.Duration) (uint64, error) {
		r, _ := good.Load(ctx, kind, id)
		_, err := good.Save(ctx, kind, id, value, r.Revision, ttl)
		return 1, err
	}
	return f
}

// anew counts the revisions of each record for itself.
func anew(good platform.Store) *faultyStore {
	f := spoilStore(good)
	revisions := make(map[string]uint64)
	f.save = func(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
		if revision != revisions[kind+id] {
			return 0, platform.ErrConflict
		}
		r, _ := good.Load(ctx, kind, id)
		_, err := good.Save(ctx, kind, id, value, r.Revision, ttl)
		revisions[kind+id]++
		return revisions[kind+id], err
	}
	f.del = func(ctx context.Context, kind, id string) error {
		delete(revisions, kind+id)
		return good.Delete(ctx, kind, id)
	}
	return f
}

// twoSteps compares with what was loaded before others saved.
func twoSteps(good platform.Store) *faultyStore {
	f := spoilStore(good)
	var once sync.Once
	f.save = func(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
		next, err := good.Save(ctx, kind, id, value, revision, ttl)
		if err != nil {
			once.Do(func() { // of the crowd
				r, _ := good.Load(ctx, kind, id)
				next, err = good.Save(ctx, kind, id, value, r.Revision, ttl)
			})
		}
		return next, err
	}
	return f
}

func withTTL(good platform.Store, change func(time.Duration) time.Duration) *faultyStore {
	f := spoilStore(good)
	f.save = func(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
		return good.Save(ctx, kind, id, value, revision, change(ttl))
	}
	return f
}

func forever(good platform.Store) *faultyStore {
	return withTTL(good, func(time.Duration) time.Duration { return time.Hour })
}

func early(good platform.Store) *faultyStore {
	return withTTL(good, func(ttl time.Duration) time.Duration { return ttl / 4 })
}

func firstTTL(good platform.Store) *faultyStore {
	f := spoilStore(good)
	first := make(map[string]time.Duration)
	f.save = func(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
		if revision == 0 {
			first[id] = ttl
		}
		return good.Save(ctx, kind, id, value, revision, first[id])
	}
	return f
}
