package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/term"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/profile"
	"github.com/shopex/prism-go/cmd/prismctl/internal/secrets"
)

// secret reads the secret from where no other user of the machine sees it: a
// file, the environment, the profile if there is one, or the keyboard.
func (s *secretSource) secret(ctx context.Context, t *tool, p *profile.Profile) (string, error) {
	secret, err := secrets.Of(s.SecretFile, t.env, "PRISM_SECRET")
	if secret != "" || err != nil {
		return secret, err
	}
	if p != nil {
		return p.ReadSecret(ctx, t.environ())
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

// errNobodyAsked is what confirm returns where there is no terminal.
var errNobodyAsked = errors.New("nothing was done, as nobody can be asked")

// confirm asks a question on a terminal, and returns nil if the answer is yes. When ctx ends
// the read goes on until the process ends.
func (t *tool) confirm(ctx context.Context, question string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, ok := terminal(t.in); !ok {
		return errNobodyAsked
	}
	fmt.Fprint(t.err, question)
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(t.in).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case text := <-answer:
		if text != "y" && text != "yes" {
			return exit.With(exit.Refused, errors.New("nothing was done"))
		}
		return nil
	case <-ctx.Done():
		fmt.Fprintln(t.err)
		return ctx.Err()
	}
}

// longestTyped is more than anybody types.
const longestTyped = 4 << 10

// typed asks for what is called a secret or a password on a terminal, or reads it from
// standard input, without the end of its line.
func (t *tool) typed(ctx context.Context, what string) (string, error) {
	if fd, ok := terminal(t.in); ok {
		return t.askSecret(ctx, fd, what)
	}
	text, err := io.ReadAll(io.LimitReader(t.in, longestTyped+1))
	if err != nil {
		return "", fmt.Errorf("cannot read standard input: %w", err)
	}
	typed := strings.TrimRight(string(text), "\r\n")
	switch {
	case typed == "":
		return "", exit.Usagef("there is no %s on standard input", what)
	case len(text) > longestTyped:
		return "", exit.Usagef("the %s is longer than %d bytes", what, longestTyped)
	}
	return typed, nil
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
