package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/secrets"
	"github.com/shopex/prism-go/platform"
)

// seed brings what was given into the records, and makes what has to be there.
func (s *service) seed(ctx context.Context, chosen platform.Key) (shownKey, newcomer, error) {
	s.registry = platform.NewRegistry(s.engine.Store)
	seeder := &seeder{store: s.engine.Store, registry: s.registry, lists: s.Lists, from: s.Whose, notice: s.notice}
	admin, err := s.adminKey()
	if err != nil {
		return admin, newcomer{}, err
	}
	if err := seeder.users(ctx); err != nil { // whose files may be wrong, before a key is made
		return admin, newcomer{}, err
	}
	key, err := seeder.keys(ctx, chosen, admin)
	if err != nil {
		return key, newcomer{}, err
	}
	if err := errors.Join(seeder.forgetOwnSecret(ctx), seeder.takeAway(ctx)); err != nil {
		return key, newcomer{}, err
	}
	if err := seeder.nameUngiven(ctx, key.id); err != nil {
		return key, newcomer{}, err
	}
	visitor, err := seeder.newcomer(ctx, s.AdminKey != "" || len(s.Lists.Keys) > 0)
	return key, visitor, err
}

// adminKey is that of --admin-key, or the zero value.
func (s *service) adminKey() (shownKey, error) {
	key := shownKey{id: s.AdminKey, file: s.AdminSecretFile}
	if key.id == "" {
		return key, nil
	}
	var err error
	if key.secret, err = secrets.Of(s.AdminSecretFile, s.Env, "PRISM_ADMIN_SECRET"); err != nil {
		return key, fmt.Errorf("%s: %w", s.From["admin-key"], err)
	}
	if key.secret == "" {
		return key, exit.Usagef("%s: there is no secret: set PRISM_ADMIN_SECRET or give --admin-secret-file", s.From["admin-key"])
	}
	return key, nil
}

// chosenKey is the key of PRISM_KEY or --key, or the zero value.
func (s *service) chosenKey() (key platform.Key, err error) {
	key.ID = cmp.Or(s.Key, s.Env("PRISM_KEY"))
	if key.Secret, err = secrets.Of(s.SecretFile, s.Env, "PRISM_SECRET"); err != nil {
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
