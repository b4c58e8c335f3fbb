package platform_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

func TestADeletionThatFailedIsCompletedByAnother(t *testing.T) {
	store := &keepingStore{Store: provisionedStore(), keep: "key"}
	p := newPlatform(t, platform.Config{Store: store})
	ask(t, p, adminKey, "POST", "platform/app/delete", "app_id", "shop").want(t, 500, "internal_error")
	store.keep = ""
	ask(t, p, adminKey, "POST", "platform/app/delete", "app_id", "shop").wantResult(t, "true")
	ask(t, p, shopKey, "GET", "platform/notify/status").want(t, 401, "unknown_key")
	if ids := keyIDs(t, platform.NewRegistry(store)); slices.Contains(ids, shopKey.ID) {
		t.Errorf("keys %s are left", ids)
	}
}

// keepingStore cannot delete records of a kind.
type keepingStore struct {
	platform.Store
	keep string
}

func (s *keepingStore) Delete(ctx context.Context, kind, id string) error {
	if kind == s.keep {
		return errBroken
	}
	return s.Store.Delete(ctx, kind, id)
}

// Whoever deletes an app may hang up in the midst of it.
func TestADeletionThatHasBegunDoesNotEndWithItsCaller(t *testing.T) {
	ctx, hangUp := context.WithCancel(t.Context())
	store := &tellingStore{Store: new(memory.Store), deleted: hangUp}
	r := newRegistry(t, store)
	for _, id := range []string{"one", "two"} {
		must(t, r.SaveKey(t.Context(), platform.Key{ID: id, Secret: "s", App: "shop"}))
	}
	must(t, r.DeleteApp(ctx, "shop"))
	if ids := keyIDs(t, r); len(ids) > 0 {
		t.Errorf("keys %s are left", ids)
	}
	if _, err := r.App(t.Context(), "shop"); err != platform.ErrUnknownApp {
		t.Errorf("the app: %v", err)
	}
	if err := r.DeleteApp(ctx, "shop"); !errors.Is(err, context.Canceled) {
		t.Errorf("a deletion that nobody waits for has begun: %v", err)
	}
}

func TestAKeyThatIsMadeWhileItsAppIsDeletedGoesToo(t *testing.T) {
	store := &tellingStore{Store: new(memory.Store)}
	r := newRegistry(t, store)
	must(t, r.SaveKey(t.Context(), platform.Key{ID: "first", Secret: "s", App: "shop"}))
	store.deleted = func() {
		store.deleted = nil
		must(t, platform.NewRegistry(store.Store).SaveKey(t.Context(), platform.Key{ID: "late", Secret: "s", App: "shop"}))
	}
	must(t, r.DeleteApp(t.Context(), "shop"))
	if ids := keyIDs(t, r); len(ids) > 0 {
		t.Errorf("keys %s are left", ids)
	}
}

func TestAKeyThatWasMovedIsNotDeletedWithItsFormerApp(t *testing.T) {
	store := &tellingStore{Store: new(memory.Store)}
	r := newRegistry(t, store)
	must(t, r.SaveApp(t.Context(), platform.App{ID: "other"}))
	must(t, r.SaveKey(t.Context(), platform.Key{ID: "k", Secret: "s", App: "shop"}))
	store.listed = func() {
		store.listed = nil
		must(t, platform.NewRegistry(store.Store).SaveKey(t.Context(), platform.Key{ID: "k", Secret: "s", App: "other"}))
	}
	must(t, r.DeleteApp(t.Context(), "shop"))
	if k, err := r.Key(t.Context(), "k"); err != nil || k.App != "other" {
		t.Errorf("the key is %v, %v", k, err)
	}
}

// tellingStore honours its context and tells what it has done.
type tellingStore struct {
	platform.Store
	deleted, listed func()
}

func (s *tellingStore) Delete(ctx context.Context, kind, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.Store.Delete(ctx, kind, id)
	if s.deleted != nil {
		s.deleted()
	}
	return err
}

func (s *tellingStore) List(ctx context.Context, kind string) (map[string]platform.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	all, err := s.Store.List(ctx, kind)
	if kind == "key" && s.listed != nil {
		s.listed()
	}
	return all, err
}

func TestAKeyThatIsSavedAfterItsAppIsGoneIsNotLeft(t *testing.T) {
	store := &appThief{Store: new(memory.Store)}
	r := newRegistry(t, store)
	store.armed = true
	if err := r.SaveKey(t.Context(), platform.Key{ID: "late", Secret: "s", App: "shop"}); !errors.Is(err, platform.ErrUnknownApp) {
		t.Errorf("saved: %v", err)
	}
	if ids := keyIDs(t, r); len(ids) > 0 {
		t.Errorf("keys %s are left", ids)
	}
}

// Whatever has left a key without an app: an app of that ID, made by whomever,
// must not get it.
func TestAnAppThatIsMadeHasNoKeysOfAnEarlierOne(t *testing.T) {
	store := provisionedStore()
	p := newPlatform(t, platform.Config{Store: store})
	ask(t, p, adminKey, "POST", "platform/app/create", "name", "x", "id", "shop").want(t, 409, "app_exists")
	ask(t, p, shopKey, "GET", "platform/notify/status").want(t, 200, "")
	must(t, store.Delete(t.Context(), "app", platform.RecordID("shop")))
	ask(t, p, adminKey, "POST", "platform/app/create", "name", "x", "id", "shop").want(t, 200, "")
	ask(t, p, shopKey, "GET", "platform/notify/status").want(t, 401, "unknown_key")
	ask(t, p, adminKey, "GET", "platform/key/list", "app_id", "shop").wantResult(t, "[]")
}

// A key whose secret nobody got is of no use, and counts.
func TestACallThatFailedHasMadeNoKey(t *testing.T) {
	store := &forgetfulStore{Store: provisionedStore()}
	p := newPlatform(t, platform.Config{Store: store})
	before := keyIDs(t, platform.NewRegistry(store.Store))
	for range 3 {
		store.armed = true
		ask(t, p, adminKey, "POST", "platform/key/create", "app_id", "shop").want(t, 503, "unavailable")
		store.armed, store.out = false, false
	}
	if ids := keyIDs(t, platform.NewRegistry(store.Store)); !slices.Equal(ids, before) {
		t.Errorf("keys %s became %s", before, ids)
	}
}

// forgetfulStore cannot look up apps once a key was saved.
type forgetfulStore struct {
	platform.Store
	armed, out bool
}

func (s *forgetfulStore) Save(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error) {
	next, err := s.Store.Save(ctx, kind, id, value, revision, ttl)
	s.out = s.armed && kind == "key"
	return next, err
}

func (s *forgetfulStore) Load(ctx context.Context, kind, id string) (platform.Record, error) {
	if s.out && kind == "app" {
		return platform.Record{}, errOutage
	}
	return s.Store.Load(ctx, kind, id)
}
