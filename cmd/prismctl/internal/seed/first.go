package seed

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/platform"
)

// The first key is the one that serve makes, or gets from PRISM_KEY. With it alone a
// message has to come through: so its default queue gets everything, unless the settings
// say otherwise, and its app may publish and listen to everything.

// nameFirst takes note of what is of the first key, which the lists may name, too.
func (s *seeder) nameFirst(chosen platform.Key, admin Key) {
	s.firstKey = chosen.ID
	if chosen.ID == "" {
		return
	}
	if admin.ID == chosen.ID {
		s.firstApps = append(s.firstApps, AdminApp)
	}
	for _, entry := range s.lists.Keys {
		if entry.ID == chosen.ID {
			s.firstApps = append(s.firstApps, entry.App)
		}
	}
}

// newApp returns an app that is made now. It may publish and listen to nothing, unless
// it is that of the first key.
func (s *seeder) newApp(id string) platform.App {
	app := platform.App{ID: id, Created: time.Now()}
	if id != FirstApp && !slices.Contains(s.firstApps, id) {
		app.Publish, app.Listen = platform.Nothing(), platform.Nothing()
	}
	return app
}

// firstBindings returns what the queues of the first key begin with: nil is what the
// settings say.
func (s *seeder) firstBindings() []platform.Binding {
	if len(s.lists.Bindings) > 0 {
		return nil
	}
	return []platform.Binding{{Pattern: "#"}}
}

// begin gives a first key that an earlier version has made what its queues begin with, as
// far as they have not begun: that version gave everything to the queues of every key.
func (s *seeder) begin(ctx context.Context, key platform.Key) error {
	if key.Bindings != nil {
		return nil
	}
	if key.Bindings = s.firstBindings(); key.Bindings == nil {
		return nil
	}
	return s.registry.SaveKey(ctx, key)
}

// first stores the first key, and an app with addresses for it.
func (s *seeder) first(ctx context.Context, key platform.Key) error {
	home, err := s.firstHome(ctx)
	if err != nil || home == "" {
		return err
	}
	key.App, key.Admin, key.Created, key.Bindings = FirstApp, true, time.Now(), s.firstBindings()
	return s.registry.SaveKey(ctx, key)
}

// firstHome sees to the app of the first key, and returns its domain as homeOf does.
func (s *seeder) firstHome(ctx context.Context) (domain string, err error) {
	_, err = s.registry.App(ctx, FirstApp)
	made := errors.Is(err, platform.ErrUnknownApp)
	domain, err = s.homeOf(ctx, "of the first start", FirstApp)
	if err != nil || domain == "" {
		return domain, err
	}
	if made && s.lists.Redirects == nil {
		_, err = s.registry.UpdateApp(ctx, FirstApp, func(app *platform.App) error {
			app.Redirects = localRedirects()
			return nil
		})
		return domain, err
	}
	return domain, s.redirects(ctx)
}

// redirects stores those that were given, if any, in the app of serve's own key.
func (s *seeder) redirects(ctx context.Context) error {
	if s.lists.Redirects == nil {
		return nil
	}
	return s.app(ctx, settings.App{ID: FirstApp, Redirects: s.lists.Redirects})
}
