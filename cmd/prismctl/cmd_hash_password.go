package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/platform"
)

type hashPasswordCmd struct{}

// Help teaches by example.
func (hashPasswordCmd) Help() string {
	return `Prints what stands in place of a password in the file of settings of serve, as password-hash of a [[user]]. It asks for the password on a terminal, or reads it from standard input.

    prismctl hash-password
    prismctl hash-password < alice.password`
}

// longestPassword is more than anybody types.
const longestPassword = 4 << 10

// Run hashes a password.
func (hashPasswordCmd) Run(ctx context.Context, t *tool) error {
	password, err := t.password(ctx)
	if err != nil {
		return err
	}
	hash, err := platform.HashPassword(password, 0)
	if err != nil {
		return err
	}
	if t.Output == asJSON {
		return t.printJSON(hash)
	}
	return t.println("%s", hash)
}

// password asks for one, or reads it, without the end of its line.
func (t *tool) password(ctx context.Context) (string, error) {
	if fd, ok := terminal(t.in); ok {
		return t.askSecret(ctx, fd, "password")
	}
	text, err := io.ReadAll(io.LimitReader(t.in, longestPassword+1))
	if err != nil {
		return "", fmt.Errorf("cannot read standard input: %w", err)
	}
	password := strings.TrimRight(string(text), "\r\n")
	switch {
	case password == "":
		return "", exit.Usagef("there is no password on standard input")
	case len(text) > longestPassword:
		return "", exit.Usagef("the password is longer than %d bytes", longestPassword)
	}
	return password, nil
}
