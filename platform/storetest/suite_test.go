package storetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/failing"
	"github.com/shopex/prism-go/internal/leak"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

func TestMain(m *testing.M) { leak.Main(m) }

func open(_ testing.TB, c Config) platform.Store {
	s := memory.NewStore(c.Keys...)
	s.AddApp(c.Apps...)
	return s
}

func TestAGoodStorePasses(t *testing.T) { Run(t, open) }

// Each row spoils one thing, and names a promise that must notice.
func TestASpoiledStoreFails(t *testing.T) {
	for _, row := range []struct {
		spoiled string
		notices string
		spoil   func(good platform.Store) *faulty
	}{
		{"an unknown key is a zero key", "KeysAreFound", inventing},
		{"redirects are lost", "AppsAreFound", forgettingRedirects},
		{"values are cut at a zero byte", "AValueMayHaveAnyBytes", cutting},
		{"ids are cut", "AnIDMayHave64Characters", cuttingIDs},
		{"kinds are one", "KindsAreSeparate", oneKind},
		{"delete does nothing", "WhatWasDeletedIsGone", deleteNothing},
		{"the caller's bytes are kept", "AValueBelongsToTheCaller", keepingBytes},
		{"revisions are not compared", "OnlyTheRevisionThatWasReadIsReplaced", careless},
		{"revisions are not compared", "NewRecordsDoNotReplace", careless},
		{"revisions are not compared", "WhatWasDeletedIsGone", careless},
		{"there is one revision", "ARevisionDoesNotComeAgain", oneRevision},
		{"comparing and saving are two steps", "OneOfManyMakesANewRecord", twoSteps},
		{"comparing and saving are two steps", "OneOfManyReplacesARevision", twoSteps},
		{"comparing and saving are two steps", "NoChangeIsLostInACrowd", twoSteps},
		{"records never expire", "ARecordExpires", forever},
		{"records expire too early", "ARecordExpires", early},
		{"records keep the first ttl", "SavingGivesARecordANewLife", firstTTL},
	} {
		t.Run(row.notices+"/"+row.spoiled, func(t *testing.T) {
			t.Parallel() // some notice by waiting
			p := find(t, row.notices)
			if !failing.Does(t, func(tb testing.TB) {
				p.keep(tb, 6*time.Second, func(tb testing.TB, c Config) platform.Store { return row.spoil(open(tb, c)) })
			}) {
				t.Errorf("%s did not notice that %s", row.notices, row.spoiled)
			}
		})
	}
}

func find(t *testing.T, name string) promise {
	for _, p := range promises() {
		if p.name == name {
			return p
		}
	}
	t.Fatalf("there is no promise %s", name)
	return promise{}
}

// A faulty store does what its functions say, else what the good one does.
type faulty struct {
	platform.Store
	key  func(ctx context.Context, id string) (platform.Key, error)
	app  func(ctx context.Context, name string) (platform.App, error)
	load func(ctx context.Context, kind, id string) (platform.Record, error)
	save func(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error)
	del  func(ctx context.Context, kind, id string) error
}

func spoil(good platform.Store) *faulty {
	return &faulty{good, good.Key, good.App, good.Load, good.Save, good.Delete}
}

func (f *faulty) Key(ctx context.Context, id string) (platform.Key, error)   { return f.key(ctx, id) }
func (f *faulty) App(ctx context.Context, name string) (platform.App, error) { return f.app(ctx, name) }
func (f *faulty) Delete(ctx context.Context, kind, id string) error          { return f.del(ctx, kind, id) }

func (f *faulty) Load(ctx context.Context, kind, id string) (platform.Record, error) {
	return f.load(ctx, kind, id)
}

func (f *faulty) Save(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
	return f.save(ctx, kind, id, value, revision, ttl)
}

func inventing(good platform.Store) *faulty {
	f := spoil(good)
	f.key = func(ctx context.Context, id string) (platform.Key, error) {
		k, _ := good.Key(ctx, id)
		return k, nil
	}
	return f
}

func forgettingRedirects(good platform.Store) *faulty {
	f := spoil(good)
	f.app = func(ctx context.Context, name string) (platform.App, error) {
		a, err := good.App(ctx, name)
		a.Redirects = nil
		return a, err
	}
	return f
}

func cutting(good platform.Store) *faulty {
	f := spoil(good)
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

func cuttingIDs(good platform.Store) *faulty {
	f := spoil(good)
	f.load = func(ctx context.Context, kind, id string) (platform.Record, error) {
		return good.Load(ctx, kind, id[:min(len(id), 63)])
	}
	f.save = func(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
		return good.Save(ctx, kind, id[:min(len(id), 63)], value, revision, ttl)
	}
	return f
}

func oneKind(good platform.Store) *faulty {
	f := spoil(good)
	f.load = func(ctx context.Context, _, id string) (platform.Record, error) { return good.Load(ctx, "one", id) }
	f.save = func(ctx context.Context, _, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
		return good.Save(ctx, "one", id, value, revision, ttl)
	}
	return f
}

func deleteNothing(good platform.Store) *faulty {
	f := spoil(good)
	f.del = func(context.Context, string, string) error { return nil }
	return f
}

func keepingBytes(good platform.Store) *faulty {
	f := spoil(good)
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

func careless(good platform.Store) *faulty {
	f := spoil(good)
	f.save = func(ctx context.Context, kind, id string, value []byte, _ uint64, ttl time.Duration) (uint64, error) {
		r, _ := good.Load(ctx, kind, id)
		return good.Save(ctx, kind, id, value, r.Revision, ttl)
	}
	return f
}

func oneRevision(good platform.Store) *faulty {
	f := spoil(good)
	f.save = func(ctx context.Context, kind, id string, value []byte, _ uint64, ttl time.Duration) (uint64, error) {
		r, _ := good.Load(ctx, kind, id)
		_, err := good.Save(ctx, kind, id, value, r.Revision, ttl)
		return 1, err
	}
	return f
}

// twoSteps compares with what was loaded before others saved.
func twoSteps(good platform.Store) *faulty {
	f := spoil(good)
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

func withTTL(good platform.Store, change func(time.Duration) time.Duration) *faulty {
	f := spoil(good)
	f.save = func(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
		return good.Save(ctx, kind, id, value, revision, change(ttl))
	}
	return f
}

func forever(good platform.Store) *faulty {
	return withTTL(good, func(time.Duration) time.Duration { return time.Hour })
}

func early(good platform.Store) *faulty {
	return withTTL(good, func(ttl time.Duration) time.Duration { return ttl / 4 })
}

func firstTTL(good platform.Store) *faulty {
	f := spoil(good)
	first := make(map[string]time.Duration)
	f.save = func(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
		if revision == 0 {
			first[id] = ttl
		}
		return good.Save(ctx, kind, id, value, revision, first[id])
	}
	return f
}
