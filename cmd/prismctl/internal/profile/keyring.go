package profile

import (
	"context"
	"errors"
	"fmt"

	"github.com/zalando/go-keyring"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
)

// service is what the entries of prismctl are called in a keyring; their users are the
// names of profiles.
const service = "prismctl"

// fromKeyring asks the keyring of the system, which may ask the user.
func (p *Profile) fromKeyring(ctx context.Context) (string, error) {
	return inKeyring(ctx, func() (string, error) {
		secret, err := keyring.Get(service, p.Name)
		switch {
		case errors.Is(err, keyring.ErrNotFound), err == nil && secret == "":
			return "", errors.New("has no such secret")
		case err != nil:
			return "", fmt.Errorf("cannot be asked (%w)", err)
		}
		return secret, nil
	})
}

// SaveSecret puts the secret of a profile into the keyring of the system.
func SaveSecret(ctx context.Context, name, secret string) error {
	_, err := inKeyring(ctx, func() (string, error) { return "", keyring.Set(service, name, secret) })
	if err != nil && ctx.Err() == nil {
		return exit.Usagef("the keyring of this system took no secret (%w): unlock it, or use --secret-file or --secret-command", err)
	}
	return err
}

// RemoveSecret takes the secret of a profile out of the keyring of the system, where it
// need not be.
func RemoveSecret(ctx context.Context, name string) error {
	_, err := inKeyring(ctx, func() (string, error) { return "", keyring.Delete(service, name) })
	if err == nil || errors.Is(err, keyring.ErrNotFound) {
		return nil
	}
	return fmt.Errorf("the secret of profile %s could not be removed from the keyring: %w", name, err)
}

// inKeyring waits for a keyring until ctx ends. What asks the keyring goes on then, until
// the process ends: nothing can stop it.
func inKeyring(ctx context.Context, ask func() (string, error)) (string, error) {
	type result struct {
		secret string
		err    error
	}
	done := make(chan result, 1)
	go func() {
		secret, err := ask()
		done <- result{secret, err}
	}()
	select {
	case r := <-done:
		return r.secret, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
