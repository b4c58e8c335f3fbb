package main

import (
	"context"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/secrets"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/platform"
)

type userPasswordCmd struct {
	connection
	aUser
	destructive
	aPassword
}

// aPassword is where commands get a password from.
type aPassword struct {
	PasswordFile string `is:"file" placeholder:"FILE" help:"A file with the password. Without it the password is asked for on a terminal, or read from standard input."`
}

// Run sends the hash of a password.
func (c *userPasswordCmd) Run(ctx context.Context, t *tool) error {
	hash, err := c.hash(ctx, t)
	if err != nil {
		return err
	}
	return c.provisioned(ctx, t, "changed the password of user "+words.Shown(c.Login), func(ctx context.Context, a *admin.Client) error {
		return a.SetPassword(ctx, c.Login, hash)
	})
}

func (c *aPassword) hash(ctx context.Context, t *tool) (hash string, err error) {
	var password string
	if c.PasswordFile != "" {
		password, err = secrets.Read("password", c.PasswordFile)
	} else {
		password, err = t.password(ctx)
	}
	if err != nil {
		return "", err
	}
	return platform.HashPassword(password, 0)
}
