package main

import (
	"context"
	"errors"
	"time"

	"github.com/shopex/prism-go/admin"
)

type keyRotateCmd struct {
	connection
	aKey
	destructive
	Grace time.Duration `default:"24h" placeholder:"D" help:"How long the secret that the key has is good, too (${default}); 0 ends it at once, for a secret that others know."`
}

// Validate is called for the arguments. That of what is embedded is called too.
func (c *keyRotateCmd) Validate() error {
	if c.Grace < 0 || c.Grace%time.Second != 0 {
		return errors.New("--grace must be whole seconds, such as 90s or 24h, and not negative")
	}
	return c.aKey.Validate()
}

// Help teaches by example.
func (*keyRotateCmd) Help() string {
	return `The new secret is shown now and never again. Until the end of --grace the key is good with both, so that its holders can be given the new one; then connections of the old one are closed.

    prismctl key rotate buwb2lii
    prismctl key rotate buwb2lii --grace 0s`
}

// Run gives a key a new secret and shows the key with it.
func (c *keyRotateCmd) Run(ctx context.Context, t *tool) error {
	return c.keyOf(ctx, t, func(ctx context.Context, a *admin.Client) (*admin.Key, error) { return a.RotateKey(ctx, c.ID, c.Grace) })
}
