package seed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/shopex/prism-go/cmd/prismctl/internal/secrets"
	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/platform"
)

// FirstApp is the app of the key that serve makes, or gets from PRISM_KEY.
const FirstApp = "prismctl"

// AdminApp is the app of --admin-key.
const AdminApp = "admin"

// A Key is the key that is announced: with its secret where serve has
// made it or PRISM_SECRET gave it, else with the file of the secret, if known.
type Key struct {
	ID, Secret, File string
	Old              bool // an earlier start has made it, and shown the secret
}

// A seeder brings what was given into the records of a platform, and makes what
// is needed and neither given nor there.
type seeder struct {
	store    platform.Store
	registry *platform.Registry
	lists    settings.Lists
	from     settings.Sources // of the lists
	notice   func(format string, args ...any)
	logger   *slog.Logger

	firstKey  string          // the ID of the key that PRISM_KEY gives, if it does
	firstApps []string        // the IDs of the apps of that key, beside FirstApp
	gives     map[string]bool // the IDs of the gifts of this start
	ended     bool            // a user was taken away
}

// keys stores the keys that were given, and returns the one to announce: chosen,
// or the first of the lists, or admin. Without any it is serve's own.
func (s *seeder) keys(ctx context.Context, chosen platform.Key, admin Key) (Key, error) {
	s.nameFirst(chosen, admin)
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
		secret, err := secrets.Read("secret", entry.SecretFile)
		if err == nil {
			err = s.key(ctx, entry.ID, entry.App, secret, entry.Admin)
		}
		if err != nil {
			return shown, fmt.Errorf("%s %s: %w", s.from["key"], entry.ID, err)
		}
		if i == 0 {
			shown = Key{ID: entry.ID, File: entry.SecretFile}
		}
	}
	if chosen.ID != "" {
		return s.chosen(ctx, chosen)
	}
	if shown.ID != "" {
		return shown, nil
	}
	return s.ownKey(ctx)
}

// admin stores the admin key, if there is one, in an app of its own.
func (s *seeder) admin(ctx context.Context, key Key) error {
	if key.ID == "" {
		return nil
	}
	return s.key(ctx, key.ID, AdminApp, key.Secret, true)
}

// ignore returns err, unless it is one that is expected.
func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
