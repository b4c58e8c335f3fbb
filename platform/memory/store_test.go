package memory

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

func TestStoreFindsTheKeysThatWereAdded(t *testing.T) {
	first, second := platform.NewKey("shop"), platform.NewKey("other")
	s := NewStore(first)
	s.Add(second)
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
	s := NewStore(k)
	k.App = "other"
	s.Add(k)
	if got, _ := platform.NewRegistry(s).Key(t.Context(), k.ID); got.App != "other" {
		t.Errorf("the key belongs to %q", got.App)
	}
}

func TestAddMakesTheAppOfAKeyAndChangesNone(t *testing.T) {
	created := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := NewStore(platform.Key{ID: "a", Secret: "s", App: "new", Created: created})
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

func TestWhatCannotBeStoredIsLeftOut(t *testing.T) {
	late := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, k := range []platform.Key{
		{ID: "k", Secret: "s", App: "shop", Expires: late},
		{ID: "k", App: "shop"},
		{ID: "k", Secret: "s"},
		{Secret: "s", App: "shop"},
	} {
		if keys, err := platform.NewRegistry(NewStore(k)).Keys(t.Context()); len(keys) > 0 || err != nil {
			t.Errorf("kept %v, %v", keys, err)
		}
	}
}
