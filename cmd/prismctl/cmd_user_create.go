package main

import (
	"context"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type userCreateCmd struct {
	connection
	aUser
	ID string `placeholder:"ID" help:"What apps know the user by; the login if it is not given."`
	aPassword
}

// Help teaches by example.
func (*userCreateCmd) Help() string {
	return `The hash of the password is sent, and not the password. The user stays at the next start of "prismctl serve".

    prismctl user create alice < alice.password
    prismctl user create alice --id 7 --password-file alice.password`
}

// Run makes a user.
func (c *userCreateCmd) Run(ctx context.Context, t *tool) error {
	hash, err := c.hash(ctx, t)
	if err != nil {
		return err
	}
	return c.provisioned(ctx, t, "made user "+words.Shown(c.Login), func(ctx context.Context, a *admin.Client) error {
		return a.CreateUser(ctx, c.Login, c.ID, hash)
	})
}
