package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/cmd/prismctl/internal/signin"
	"github.com/shopex/prism-go/oauth"
)

type whoamiCmd struct{ connection }

// Help teaches by example.
func (*whoamiCmd) Help() string {
	return `Asks the platform who has signed in by "prismctl login", with this key.

    prismctl whoami
    prismctl whoami --output json

The exit status is 1 if nobody has, or the login has ended.`
}

// Run asks the platform who the user is.
func (c *whoamiCmd) Run(ctx context.Context, t *tool) error {
	client, err := c.client(ctx, t)
	if err != nil {
		return err
	}
	ctx, cancel := c.within(ctx)
	defer cancel()
	token, err := c.userToken(ctx, t, client)
	if err != nil {
		return err
	}
	user := &oauth.Token{}
	err = c.attempt(ctx, func(ctx context.Context) error {
		res, err := client.WithToken(token.AccessToken).Get(ctx, "platform/oauth/user", nil)
		if err == nil {
			err = res.Decode(&user.Data)
		}
		return err
	})
	if errors.Is(err, prism.ErrNotFound) {
		t.notice("this platform does not tell who a user is; it has told at the login")
		user, err = token, nil
	}
	if err != nil {
		return signInAgain(err)
	}
	return t.printUser(user.User(), "%s")
}

// printUser prints who the user is; format is the text about it.
func (t *tool) printUser(user oauth.Identity, format string) error {
	if t.Output == asJSON {
		return t.printJSON(struct {
			ID    string         `json:"id"`
			Login string         `json:"login"`
			Data  map[string]any `json:"data"`
		}{user.ID, user.Login, user.Data})
	}
	return t.println(format, nameOf(user))
}

// nameOf is a user as people know one.
func nameOf(user oauth.Identity) string {
	if user.Login == "" || user.Login == user.ID {
		return cmp.Or(signin.Readable(user.ID), "a user without a name")
	}
	return fmt.Sprintf("%s (user %s)", signin.Readable(user.Login), signin.Readable(user.ID))
}
