package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/term"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/secrets"
)

// secret reads the secret from where no other user of the machine sees it: a
// file, the environment, or the keyboard.
func (s *secretSource) secret(ctx context.Context, t *tool) (string, error) {
	secret, err := secrets.Of(s.SecretFile, t.env, "PRISM_SECRET")
	if secret != "" || err != nil {
		return secret, err
	}
	fd, ok := terminal(t.in)
	if !ok {
		return "", exit.Usagef("there is no secret: set PRISM_SECRET or give --secret-file")
	}
	secret, err = t.askSecret(ctx, fd, "secret")
	if err != nil {
		return "", err
	}
	return secrets.Visible("the secret", secret)
}

// askSecret asks for what is called a secret or a password on the terminal fd, without echo. When ctx ends
// it makes the terminal usable again; the read goes on until the process ends.
func (t *tool) askSecret(ctx context.Context, fd int, what string) (string, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("cannot ask for the %s: %w", what, err)
	}
	fmt.Fprintf(t.err, "%s (not shown): ", strings.ToUpper(what[:1])+what[1:])
	defer fmt.Fprintln(t.err)
	type result struct {
		secret []byte
		err    error
	}
	typed := make(chan result, 1)
	go func() {
		secret, err := term.ReadPassword(fd)
		typed <- result{secret, err}
	}()
	select {
	case r := <-typed:
		if r.err == nil && len(r.secret) == 0 {
			r.err = errors.New("it is empty")
		}
		if r.err != nil {
			return "", exit.Usagef("no %s was typed: %w", what, r.err)
		}
		return string(r.secret), nil
	case <-ctx.Done():
		_ = term.Restore(fd, before)
		return "", ctx.Err()
	}
}
