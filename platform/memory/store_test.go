package memory

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

// storeOf returns a store that holds keys.
func storeOf(t *testing.T, keys ...platform.Key) *Store {
	t.Helper()
	s, err := NewStore(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStoreFindsTheKeysThatWereAdded(t *testing.T) {
	first, second := platform.NewKey("shop"), platform.NewKey("other")
	s := storeOf(t, first)
	if err := s.Add(second); err != nil {
		t.Fatal(err)
	}
	for _, want := range []platform.Key{first, second} {
		got, err := platform.NewRegistry(s).Key(t.Context(), want.ID)
		if got.Secret != want.Secret || got.App != want.App || err != nil {
			t.Errorf("got another key for %q, error %v", want.ID, err)
		}
	}
	for name, s := range map[string]*Store{"another": s, "zero": {}} {
		if _, err := platform.NewRegistry(s).Key(t.Context(), "unknown"); err != platform.ErrUnknownKey {
			t.Errorf("%s store: error %v for an unknown key", name, err)
		}
	}
}

func TestAddReplacesAKeyWithTheSameID(t *testing.T) {
	k := platform.NewKey("shop")
	s := storeOf(t, k)
	k.App = "other"
	s.Add(k)
	if got, _ := platform.NewRegistry(s).Key(t.Context(), k.ID); got.App != "other" {
		t.Errorf("the key belongs to %q", got.App)
	}
}

func TestAddMakesTheAppOfAKeyAndChangesNone(t *testing.T) {
	created := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := storeOf(t, platform.Key{ID: "a", Secret: "s", App: "new", Created: created})
	s.AddApp(platform.App{ID: "old", Redirects: []string{"https://a.example/"}})
	s.Add(platform.NewKey("old"))
	apps, err := platform.NewRegistry(s).Apps(t.Context())
	if err != nil || len(apps) != 2 {
		t.Fatalf("%d apps, %v", len(apps), err)
	}
	if made := apps[0]; made.ID != "new" || !made.Created.Equal(created) || made.Publish != nil || made.Listen != nil {
		t.Errorf("made %+v", made)
	}
	if kept := apps[1]; kept.ID != "old" || len(kept.Redirects) != 1 {
		t.Errorf("the app became %+v", kept)
	}
}

func TestAppsBelongToTheStore(t *testing.T) {
	var s Store
	registry := platform.NewRegistry(&s)
	redirects := []string{"https://a.example/"}
	s.AddApp(platform.App{ID: "shop", Redirects: redirects}, platform.App{ID: "other"})
	redirects[0] = "https://evil.example/"
	for range 2 {
		got, err := registry.App(t.Context(), "shop")
		if err != nil || got.Redirects[0] != "https://a.example/" {
			t.Fatalf("got %+v, %v", got, err)
		}
		got.Redirects[0] = "https://evil.example/"
	}
	s.AddApp(platform.App{ID: "shop"})
	if got, _ := registry.App(t.Context(), "shop"); len(got.Redirects) != 0 {
		t.Errorf("after it was replaced: %+v", got)
	}
}

// A key that is added makes an app, and must not do so over that of AddApp.
func TestStoreMayBeUsedByManyGoroutines(t *testing.T) {
	var s Store
	registry := platform.NewRegistry(&s)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				app := platform.App{ID: platform.NewKey("").ID, Summary: "kept"}
				adding := make(chan struct{})
				go func() {
					defer close(adding)
					s.AddApp(app)
				}()
				k := platform.NewKey(app.ID)
				s.Add(k)
				<-adding
				if _, err := registry.Key(context.Background(), k.ID); err != nil {
					t.Error(err)
				}
				if got, err := registry.App(context.Background(), app.ID); got.Summary != "kept" || err != nil {
					t.Errorf("the app became %+v, %v", got, err)
				}
			}
		})
	}
	group.Wait()
}

func TestAKeyThatCannotBeStoredIsRefused(t *testing.T) {
	late := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	for want, k := range map[string]platform.Key{
		"9999":   {ID: "k", Secret: "s", App: "shop", Expires: late},
		"Secret": {ID: "k", App: "shop"},
		"App":    {ID: "k", Secret: "s"},
		"ID":     {Secret: "s", App: "shop"},
	} {
		if s, err := NewStore(k); s != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, %v, want an error that names %s", s, err, want)
		}
		var s Store
		if err := s.Add(k); err == nil {
			t.Errorf("added a key without a good %s", want)
		}
		if keys, err := platform.NewRegistry(&s).Keys(t.Context()); len(keys) > 0 || err != nil {
			t.Errorf("kept %v, %v", keys, err)
		}
	}
}

func TestAnAppThatCannotBeStoredIsRefused(t *testing.T) {
	var s Store
	for _, app := range []platform.App{{}, {ID: "a b"}, {ID: "shop", Publish: []string{"order*"}}} {
		if err := s.AddApp(app); err == nil {
			t.Errorf("added %+v", app)
		}
	}
	if apps, err := platform.NewRegistry(&s).Apps(t.Context()); len(apps) > 0 || err != nil {
		t.Errorf("kept %v, %v", apps, err)
	}
}
