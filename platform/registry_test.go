package platform_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// newRegistry returns one with an app, "shop".
func newRegistry(t *testing.T, store platform.Store) *platform.Registry {
	t.Helper()
	r := platform.NewRegistry(store)
	must(t, r.SaveApp(t.Context(), platform.App{ID: "shop"}))
	return r
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func keyIDs(t *testing.T, r *platform.Registry) (ids []string) {
	t.Helper()
	keys, err := r.Keys(t.Context())
	must(t, err)
	for _, k := range keys {
		ids = append(ids, k.ID)
	}
	return ids
}

func TestWhatWasRegisteredIsFoundAsItWas(t *testing.T) {
	r := newRegistry(t, new(memory.Store))
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	app := platform.App{
		ID: "a-b_1", Name: "Orders & more", Summary: "<b>", Domain: "east", Redirects: []string{"https://a.example/?x=1&y=%2F"},
		Publish: []string{"order.#"}, Listen: []string{"*"}, Created: at,
	}
	key := platform.Key{
		ID: "k/1 *.>订单", Secret: "geheim<&>", App: app.ID, Admin: true, Notes: "of the\nwarehouse", Meta: map[string]string{"a": "b"},
		Created: at, Expires: at.Add(time.Hour),
	}
	must(t, r.SaveApp(t.Context(), app))
	must(t, r.SaveKey(t.Context(), key))
	if got, err := r.App(t.Context(), app.ID); err != nil || !reflect.DeepEqual(got, app) {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := r.Key(t.Context(), key.ID); err != nil || !reflect.DeepEqual(got, key) {
		t.Errorf("got another key, %v", err)
	}
}

func TestWhatWasNotRegisteredIsUnknown(t *testing.T) {
	r := newRegistry(t, new(memory.Store))
	for _, id := range []string{"", "Shop", "shop ", "nobody"} {
		if _, err := r.App(t.Context(), id); err != platform.ErrUnknownApp {
			t.Errorf("app %q: %v", id, err)
		}
		if _, err := r.Key(t.Context(), id); err != platform.ErrUnknownKey {
			t.Errorf("key %q: %v", id, err)
		}
		must(t, r.DeleteApp(t.Context(), id))
		must(t, r.DeleteKey(t.Context(), id))
	}
	if _, err := r.Key(t.Context(), "shop"); err != platform.ErrUnknownKey {
		t.Errorf("the ID of an app is a key: %v", err)
	}
}

func TestPermissionsComeOutAsTheyWereSaved(t *testing.T) {
	r := newRegistry(t, new(memory.Store))
	for _, allowed := range []platform.Permission{platform.Everything(), platform.Nothing(), platform.Matching("#", "order.*")} {
		must(t, r.SaveApp(t.Context(), platform.App{ID: "shop", Publish: allowed}))
		got, err := r.App(t.Context(), "shop")
		if err != nil || !reflect.DeepEqual(got.Publish, allowed) || got.Listen != nil {
			t.Errorf("%#v came out as %#v and %#v, %v", allowed, got.Publish, got.Listen, err)
		}
		must(t, r.SaveApp(t.Context(), platform.App{ID: "shop", Listen: allowed}))
		apps, err := r.Apps(t.Context())
		if err != nil || len(apps) != 1 || !reflect.DeepEqual(apps[0].Listen, allowed) || apps[0].Publish != nil {
			t.Errorf("%#v came out in the list as %+v, %v", allowed, apps, err)
		}
	}
}

func TestListsAreSorted(t *testing.T) {
	r := platform.NewRegistry(new(memory.Store))
	if apps, err := r.Apps(t.Context()); len(apps) != 0 || err != nil {
		t.Errorf("apps of an empty registry: %+v, %v", apps, err)
	}
	for _, id := range []string{"b", "c", "a", "B"} {
		must(t, r.SaveApp(t.Context(), platform.App{ID: id}))
		must(t, r.SaveKey(t.Context(), platform.Key{ID: id + "key", Secret: "s", App: id}))
	}
	apps, err := r.Apps(t.Context())
	if ids := fmt.Sprint(apps[0].ID, apps[1].ID, apps[2].ID, apps[3].ID); err != nil || ids != "Babc" {
		t.Errorf("apps %s, %v", ids, err)
	}
	if ids := keyIDs(t, r); !slices.Equal(ids, []string{"Bkey", "akey", "bkey", "ckey"}) {
		t.Errorf("keys %s", ids)
	}
}

func TestAKeyNeedsItsApp(t *testing.T) {
	r := newRegistry(t, new(memory.Store))
	if err := r.SaveKey(t.Context(), platform.Key{ID: "k", Secret: "s", App: "nobodys"}); err != platform.ErrUnknownApp {
		t.Errorf("got %v", err)
	}
	if ids := keyIDs(t, r); len(ids) > 0 {
		t.Errorf("keys %s are there", ids)
	}
}

func TestWhatLacksAPartIsNotSaved(t *testing.T) {
	r := newRegistry(t, new(memory.Store))
	for lacks, err := range map[string]error{
		"the ID of an app":   r.SaveApp(t.Context(), platform.App{Name: "x"}),
		"a key needs an ID":  r.SaveKey(t.Context(), platform.Key{Secret: "s", App: "shop"}),
		"needs a Secret":     r.SaveKey(t.Context(), platform.Key{ID: "k", App: "shop"}),
		"needs the ID of an": r.SaveKey(t.Context(), platform.Key{ID: "k", Secret: "s"}),
	} {
		if err == nil || !strings.Contains(err.Error(), lacks) {
			t.Errorf("%s: %v", lacks, err)
		}
	}
	apps, err := r.Apps(t.Context())
	if ids := keyIDs(t, r); len(ids) > 0 || len(apps) != 1 || err != nil {
		t.Errorf("saved keys %s, apps %+v, %v", ids, apps, err)
	}
}

func TestAnAppTakesItsKeysAlong(t *testing.T) {
	r := newRegistry(t, new(memory.Store))
	must(t, r.SaveApp(t.Context(), platform.App{ID: "other"}))
	for id, app := range map[string]string{"one": "shop", "two": "shop", "three": "other"} {
		must(t, r.SaveKey(t.Context(), platform.Key{ID: id, Secret: "s", App: app}))
	}
	must(t, r.DeleteApp(t.Context(), "shop"))
	must(t, r.SaveApp(t.Context(), platform.App{ID: "shop"}))
	if ids := keyIDs(t, r); !slices.Equal(ids, []string{"three"}) {
		t.Errorf("keys %s are there", ids)
	}
}

func TestRegistriesOverOneStoreAreOne(t *testing.T) {
	store := new(memory.Store)
	one, two := newRegistry(t, store), platform.NewRegistry(store)
	must(t, two.SaveKey(t.Context(), platform.Key{ID: "k", Secret: "first", App: "shop"}))
	must(t, one.SaveKey(t.Context(), platform.Key{ID: "k", Secret: "second", App: "shop"}))
	if k, err := two.Key(t.Context(), "k"); err != nil || k.Secret != "second" {
		t.Errorf("the other sees another key, %v", err)
	}
	must(t, two.DeleteKey(t.Context(), "k"))
	if _, err := one.Key(t.Context(), "k"); err != platform.ErrUnknownKey {
		t.Errorf("the key that the other deleted: %v", err)
	}
}

func TestManyMaySaveOneApp(t *testing.T) {
	store := new(memory.Store)
	r := platform.NewRegistry(store)
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			app := platform.App{ID: "shop", Redirects: []string{fmt.Sprint(i)}, Summary: fmt.Sprint(i)}
			if err := r.SaveApp(t.Context(), app); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	apps, err := r.Apps(t.Context())
	if err != nil || len(apps) != 1 || apps[0].Summary == "" || apps[0].Redirects[0] != apps[0].Summary {
		t.Errorf("they made %+v, %v", apps, err)
	}
	must(t, r.SaveApp(t.Context(), platform.App{ID: "shop", Summary: "last"}))
	if app, err := r.App(t.Context(), "shop"); err != nil || app.Summary != "last" {
		t.Errorf("the last is not there: %+v, %v", app, err)
	}
}

// What changes an app must not undo what another has changed since it looked.
func TestNoChangeOfAnAppUndoesAnother(t *testing.T) {
	good := new(memory.Store)
	newRegistry(t, good)
	store := &betweenStore{Store: good, once: func() {
		_, err := platform.NewRegistry(good).UpdateApp(t.Context(), "shop", func(app *platform.App) error {
			app.Publish = []string{}
			return nil
		})
		must(t, err)
	}}
	app, err := platform.NewRegistry(store).UpdateApp(t.Context(), "shop", func(app *platform.App) error {
		app.ID, app.Redirects = "other", append(app.Redirects, "https://a.example/")
		return nil
	})
	want := platform.App{ID: "shop", Publish: []string{}, Redirects: []string{"https://a.example/"}}
	if err != nil || !reflect.DeepEqual(app, want) {
		t.Errorf("became %#v, %v", app, err)
	}
	if got, err := platform.NewRegistry(good).App(t.Context(), "shop"); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("stored %#v, %v", got, err)
	}
}

// betweenStore lets others do something once, after an app was read.
type betweenStore struct {
	platform.Store
	once func()
}

func (s *betweenStore) Load(ctx context.Context, kind, id string) (platform.Record, error) {
	r, err := s.Store.Load(ctx, kind, id)
	if do := s.once; kind == "app" && do != nil {
		s.once = nil
		do()
	}
	return r, err
}

func TestAnAppThatIsNotChangedIsNotStored(t *testing.T) {
	store := new(memory.Store)
	r := newRegistry(t, store)
	revisions := func() string {
		all, err := store.List(t.Context(), "app")
		must(t, err)
		return fmt.Sprint(all)
	}
	before := revisions()
	if _, err := r.UpdateApp(t.Context(), "shop", func(*platform.App) error { return nil }); err != nil {
		t.Error(err)
	}
	_, err := r.UpdateApp(t.Context(), "shop", func(app *platform.App) error {
		app.Name = "x"
		return errBroken
	})
	if !errors.Is(err, errBroken) {
		t.Errorf("a change that failed: %v", err)
	}
	if _, err := r.UpdateApp(t.Context(), "nope", func(*platform.App) error { return nil }); err != platform.ErrUnknownApp {
		t.Errorf("an app that is not there: %v", err)
	}
	if after := revisions(); after != before {
		t.Errorf("%s became %s", before, after)
	}
}

// A store may say what it likes, and its records may be of another program.
func TestNoErrorOfARegistryTellsASecret(t *testing.T) {
	const secret = "ucr72ygfutspqeuu6s36"
	good := storeOf(platform.Key{ID: "k", Secret: secret, App: "shop"})
	user, hash := platform.User{ID: "7", Login: "ann"}, "pbkdf2-sha256$1$"+secret
	for name, spoil := range map[string]func([]byte) []byte{
		"cut":            func(b []byte) []byte { return b[:len(b)-5] },
		"another type":   func(b []byte) []byte { return []byte(strings.Replace(string(b), `"App":"shop"`, `"App":7`, 1)) },
		"a text":         func([]byte) []byte { return []byte(`"` + secret + `"`) },
		"no JSON":        func([]byte) []byte { return []byte(secret) },
		"another number": func([]byte) []byte { return []byte(`{"Created":"` + secret[:4] + `","Secret":"` + secret + `"}`) },
	} {
		r := platform.NewRegistry(&spoiltStore{good, spoil})
		_, loading := r.Key(t.Context(), "k")
		_, listing := r.Keys(t.Context())
		saving := r.SaveKey(t.Context(), platform.Key{ID: "k", Secret: secret, App: "shop", Expires: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)})
		for _, err := range []error{loading, listing, saving, r.SaveUser(t.Context(), user, hash)} {
			if err == nil || errors.Is(err, platform.ErrUnknownKey) {
				t.Errorf("%s: error %v", name, err)
			}
			if strings.Contains(fmt.Sprintf("%+v", err), secret) {
				t.Errorf("%s: the error tells the secret: %v", name, err)
			}
		}
	}
}

// spoiltStore has other values than were saved.
type spoiltStore struct {
	platform.Store
	spoil func([]byte) []byte
}

func (s *spoiltStore) Load(ctx context.Context, kind, id string) (platform.Record, error) {
	r, err := s.Store.Load(ctx, kind, id)
	if err == nil && kind == "key" {
		r.Value = s.spoil(r.Value)
	}
	return r, err
}

func (s *spoiltStore) List(ctx context.Context, kind string) (map[string]platform.Record, error) {
	all, err := s.Store.List(ctx, kind)
	for id, r := range all {
		all[id] = platform.Record{Value: s.spoil(r.Value), Revision: r.Revision}
	}
	return all, err
}

// What an engine cannot do now must not look like what is not there.
func TestAnEngineThatIsNotAvailableKnowsNothing(t *testing.T) {
	store := &brokenStore{Store: storeOf(platform.Key{ID: "k", Secret: "s", App: "shop"})}
	r := platform.NewRegistry(store)
	for _, store.load = range []string{"key", "app"} {
		if _, err := r.Key(t.Context(), "k"); !errors.Is(err, errBroken) || errors.Is(err, platform.ErrUnknownKey) {
			t.Errorf("without %s: %v", store.load, err)
		}
	}
	if err := r.SaveKey(t.Context(), platform.Key{ID: "k", Secret: "s", App: "shop"}); !errors.Is(err, errBroken) {
		t.Errorf("saving: %v", err)
	}
	store.remove, store.load = true, ""
	if err := errors.Join(r.DeleteKey(t.Context(), "k"), r.DeleteApp(t.Context(), "shop")); !errors.Is(err, errBroken) {
		t.Errorf("deleting: %v", err)
	}
}
