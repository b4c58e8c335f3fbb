package seed

import (
	"context"
	"slices"
	"testing"

	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// restrictingStore has an administrator who restricts the app, once it was read.
type restrictingStore struct {
	platform.Store
	done bool
	err  error
}

func (s *restrictingStore) Load(ctx context.Context, kind, id string) (platform.Record, error) {
	r, err := s.Store.Load(ctx, kind, id)
	if kind == "app" && !s.done {
		s.done = true
		_, s.err = platform.NewRegistry(s.Store).UpdateApp(ctx, "shop", func(app *platform.App) error {
			app.Publish = []string{}
			return nil
		})
	}
	return r, err
}

func TestAStartUndoesNoRestrictionOfTheSameMoment(t *testing.T) {
	good := new(memory.Store)
	good.AddApp(platform.App{ID: "shop", Name: "Shop"})
	store := &restrictingStore{Store: good}
	seed := seeder{store: store, registry: platform.NewRegistry(store)}
	if err := seed.app(t.Context(), settings.App{ID: "shop", Redirects: []string{"https://shop.example/"}}); err != nil || store.err != nil {
		t.Fatal(err, store.err)
	}
	app, err := platform.NewRegistry(good).App(t.Context(), "shop")
	if err != nil || app.Publish == nil || len(app.Publish) > 0 || app.Name != "Shop" || !slices.Equal(app.Redirects, []string{"https://shop.example/"}) {
		t.Errorf("the app became %+v, %v", app, err)
	}
}
