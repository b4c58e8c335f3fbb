package main

import (
	"context"

	"github.com/shopex/prism-go/platform"
)

type hashPasswordCmd struct{}

// Help teaches by example.
func (hashPasswordCmd) Help() string {
	return `Prints what stands in place of a password in the file of settings of serve, as password-hash of a [[user]]. It asks for the password on a terminal, or reads it from standard input.

    prismctl hash-password
    prismctl hash-password < alice.password`
}

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

// password asks for one, or reads it.
func (t *tool) password(ctx context.Context) (string, error) { return t.typed(ctx, "password") }
