// Package seed brings what the settings give into the records of a platform, and
// makes what is needed and neither given nor there.
package seed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/secrets"
	"github.com/shopex/prism-go/cmd/prismctl/internal/settings"
	"github.com/shopex/prism-go/platform"
)

// A Config is what Plant works with.
type Config struct {
	Settings *settings.Serve
	Chosen   platform.Key // as Chosen returns it
	Store    platform.Store
	Registry *platform.Registry // over Store
	Env      func(name string) string
	Notice   func(format string, args ...any) // says something to the operator
	Logger   *slog.Logger                     // of Services
}

// Plant brings what is given into the records, and makes what has to be there. It
// returns the key and the user to announce.
func Plant(ctx context.Context, c Config) (Key, Newcomer, error) {
	s := &seeder{store: c.Store, registry: c.Registry, lists: c.Settings.Lists, from: c.Settings.Whose, notice: c.Notice}
	admin, err := c.adminKey()
	if err != nil {
		return admin, Newcomer{}, err
	}
	if err := s.users(ctx); err != nil { // whose files may be wrong, before a key is made
		return admin, Newcomer{}, err
	}
	key, err := s.keys(ctx, c.Chosen, admin)
	if err != nil {
		return key, Newcomer{}, err
	}
	if err := errors.Join(s.forgetOwnSecret(ctx), s.takeAway(ctx)); err != nil {
		return key, Newcomer{}, err
	}
	if err := s.nameUngiven(ctx, key.ID); err != nil {
		return key, Newcomer{}, err
	}
	if c.Settings.Asked() {
		return key, Newcomer{Elsewhere: true}, nil
	}
	visitor, err := s.newcomer(ctx, c.Settings.AdminKey != "" || len(c.Settings.Lists.Keys) > 0)
	return key, visitor, err
}

// adminKey is that of --admin-key, or the zero value.
func (c *Config) adminKey() (Key, error) {
	key := Key{ID: c.Settings.AdminKey, File: c.Settings.AdminSecretFile}
	if key.ID == "" {
		return key, nil
	}
	var err error
	if key.Secret, err = secrets.Of(c.Settings.AdminSecretFile, c.Env, "PRISM_ADMIN_SECRET"); err != nil {
		return key, fmt.Errorf("%s: %w", c.Settings.From["admin-key"], err)
	}
	if key.Secret == "" {
		return key, exit.Usagef("%s: there is no secret: set PRISM_ADMIN_SECRET or give --admin-secret-file", c.Settings.From["admin-key"])
	}
	return key, nil
}

// Chosen returns the key that the command line or the environment gives, or the
// zero value.
func Chosen(id, secretFile string, env func(string) string) (key platform.Key, err error) {
	key.ID = cmp.Or(id, env("PRISM_KEY"))
	if key.Secret, err = secrets.Of(secretFile, env, "PRISM_SECRET"); err != nil {
		return key, err
	}
	if (key.ID == "") != (key.Secret == "") {
		return key, exit.Usagef("only one of PRISM_KEY and PRISM_SECRET is set: set both to choose the key, or none to have a new one")
	}
	if key.ID == "" {
		return key, nil
	}
	return key, usable(key.ID, key.Secret)
}
