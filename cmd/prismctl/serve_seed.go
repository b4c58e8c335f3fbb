package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/platform"
)

// firstApp is the app of the key that serve makes, or gets from PRISM_KEY.
const firstApp = "prismctl"

// A shownKey is the key that is announced: with its secret where serve has
// made it or PRISM_SECRET gave it, else with the file of the secret, if known.
type shownKey struct {
	id, secret, file string
	old              bool // an earlier start has made it, and shown the secret
}

// A seeder brings what was given into the records of a platform, and makes what
// is needed and neither given nor there.
type seeder struct {
	store    platform.Store
	registry *platform.Registry
	lists    lists
	from     sources // of the lists
}

// app stores what entry gives of an app; the rest stays as it is, also what an
// administrator changes meanwhile.
func (s *seeder) app(ctx context.Context, entry appEntry) error {
	_, err := s.registry.UpdateApp(ctx, entry.ID, func(app *platform.App) error {
		entry.change(app)
		return nil
	})
	if errors.Is(err, platform.ErrUnknownApp) {
		app := platform.App{ID: entry.ID, Created: time.Now()}
		entry.change(&app)
		return s.registry.SaveApp(ctx, app)
	}
	return err
}

// change gives app what the entry has.
func (e *appEntry) change(app *platform.App) {
	app.Name, app.Domain = cmp.Or(e.Name, app.Name), cmp.Or(e.Domain, app.Domain)
	for _, list := range []struct {
		to   *[]string
		from []string
	}{{&app.Redirects, e.Redirects}, {&app.Publish, e.Publish}, {&app.Listen, e.Listen}} {
		if list.from != nil {
			*list.to = list.from
		}
	}
}

// key stores a key in its app, which is made if it is not there.
func (s *seeder) key(ctx context.Context, id, app, secret string, admin bool) error {
	if err := usable(id, secret); err != nil {
		return err
	}
	if _, err := s.registry.App(ctx, app); errors.Is(err, platform.ErrUnknownApp) {
		if err := s.app(ctx, appEntry{ID: app}); err != nil {
			return err
		}
	}
	key, err := s.registry.Key(ctx, id)
	if errors.Is(err, platform.ErrUnknownKey) {
		key, err = platform.Key{ID: id, Created: time.Now()}, nil
	}
	if err != nil {
		return err
	}
	key.Secret, key.App, key.Admin = secret, app, admin
	return s.registry.SaveKey(ctx, key)
}

// usable tells whether a client takes such a key; if not, it is of no use.
func usable(id, secret string) error {
	_, err := prism.New(prism.Config{Server: "http://127.0.0.1/api", Key: id, Secret: secret})
	if err != nil {
		return &exitError{exitUsage, err}
	}
	return nil
}

// keys stores the keys that were given, and returns the one to announce: chosen,
// or the first of the lists, or admin. Without any it is serve's own.
func (s *seeder) keys(ctx context.Context, chosen platform.Key, admin shownKey) (shownKey, error) {
	shown, err := admin, s.admin(ctx, admin)
	if err != nil {
		return shown, err
	}
	for _, entry := range s.lists.Apps {
		if err := s.app(ctx, entry); err != nil {
			return shown, err
		}
	}
	for i, entry := range s.lists.Keys {
		secret, err := readSecret("secret", entry.SecretFile)
		if err == nil {
			err = s.key(ctx, entry.ID, entry.App, secret, entry.Admin)
		}
		if err != nil {
			return shown, fmt.Errorf("%s %s: %w", s.from["key"], entry.ID, err)
		}
		if i == 0 {
			shown = shownKey{id: entry.ID, file: entry.SecretFile}
		}
	}
	if chosen.ID != "" {
		return shownKey{id: chosen.ID, secret: chosen.Secret}, s.chosen(ctx, chosen)
	}
	if shown.id != "" {
		return shown, nil
	}
	return s.ownKey(ctx)
}

// admin stores the admin key, if there is one, in an app of its own.
func (s *seeder) admin(ctx context.Context, key shownKey) error {
	if key.id == "" {
		return nil
	}
	return s.key(ctx, key.id, "admin", key.secret, true)
}

// chosen stores the key of the environment. One that is there gets the secret only:
// what a client needs may be in the environment by chance, and is not to move a
// key or make an admin key of it.
func (s *seeder) chosen(ctx context.Context, key platform.Key) error {
	there, err := s.registry.Key(ctx, key.ID)
	if errors.Is(err, platform.ErrUnknownKey) {
		return s.first(ctx, key)
	}
	if err == nil {
		err = s.redirects(ctx)
	}
	if err == nil && there.Secret != key.Secret {
		there.Secret = key.Secret
		err = s.registry.SaveKey(ctx, there)
	}
	return err
}

// redirects stores those that were given, if any, in the app of serve's own key.
func (s *seeder) redirects(ctx context.Context) error {
	if s.lists.Redirects == nil {
		return nil
	}
	return s.app(ctx, appEntry{ID: firstApp, Redirects: s.lists.Redirects})
}

// first stores the first key, and an app with addresses for it.
func (s *seeder) first(ctx context.Context, key platform.Key) error {
	redirects := s.lists.Redirects
	if _, err := s.registry.App(ctx, firstApp); errors.Is(err, platform.ErrUnknownApp) && redirects == nil {
		redirects = localRedirects()
	}
	if err := s.app(ctx, appEntry{ID: firstApp, Redirects: redirects}); err != nil {
		return err
	}
	return s.key(ctx, key.ID, firstApp, key.Secret, true)
}

// ownKey returns the key that serve made at the first start. It makes one where
// there are no keys.
func (s *seeder) ownKey(ctx context.Context) (shownKey, error) {
	keys, err := s.registry.Keys(ctx)
	if err != nil {
		return shownKey{}, err
	}
	key, err := remembered(ctx, s.store, "key", func() (platform.Key, error) { return platform.NewKey(firstApp), nil }, len(keys) == 0)
	if err != nil || key.ID == "" {
		return shownKey{}, err
	}
	if len(keys) == 0 { // also when a first start ended in the midst of this
		if err := s.first(ctx, key); err != nil {
			return shownKey{}, err
		}
	} else if err := s.redirects(ctx); err != nil {
		return shownKey{}, err
	}
	key, err = s.registry.Key(ctx, key.ID)
	if errors.Is(err, platform.ErrUnknownKey) {
		return shownKey{}, nil // an administrator has deleted it
	}
	return shownKey{id: key.ID, secret: key.Secret, old: len(keys) > 0}, err
}

// remembered returns what serve once made and recorded under this name, or the
// zero value. Where nothing is and it may, it makes and records one: whoever
// starts at the same time on the same records gets the same.
func remembered[T any](ctx context.Context, store platform.Store, name string, newOne func() (T, error), may bool) (value T, err error) {
	const kind = "serve"
	for {
		record, err := store.Load(ctx, kind, name)
		if err == nil {
			return value, json.Unmarshal(record.Value, &value)
		}
		if !errors.Is(err, platform.ErrNoRecord) || !may {
			return value, ignore(err, platform.ErrNoRecord)
		}
		made, err := newOne()
		if err != nil {
			return value, err
		}
		text, err := json.Marshal(made)
		if err != nil {
			return value, err
		}
		if _, err = store.Save(ctx, kind, name, text, 0, 0); !errors.Is(err, platform.ErrConflict) {
			return made, err
		}
	}
}

// ignore returns err, unless it is one that is expected.
func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
