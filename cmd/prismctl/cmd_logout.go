package main

import (
	"context"

	"github.com/shopex/prism-go/cmd/prismctl/internal/signin"
)

type logoutCmd struct {
	connection
	NoBrowser bool `help:"Open no browser; only print the address to open."`
}

// Help teaches by example.
func (*logoutCmd) Help() string {
	return `Forgets the token that "prismctl login" has kept for this key. Then it opens the page of the platform that ends your session there, and with it the login of every application that you use by it.

    prismctl logout

Until you have been there, the session lives on in the browser and "prismctl login" needs no password.`
}

// Run forgets the token and ends the session.
func (c *logoutCmd) Run(ctx context.Context, t *tool) error {
	client, err := c.client(ctx, t)
	if err != nil {
		return err
	}
	k, err := signin.KeepFor(client, t.config)
	if err != nil {
		return err
	}
	ctx, cancel := c.within(ctx)
	defer cancel()
	kept := false
	err = k.Alone(ctx, func() (err error) {
		kept, err = k.Forget()
		return err
	})
	if err != nil {
		return err
	}
	if !kept {
		t.notice("nobody was signed in at %s with the key %s", c.URL, k.Key)
		return nil
	}
	login, err := newLogin(client)
	if err != nil {
		return err
	}
	defer login.Close()
	t.showAddress(ctx, !c.NoBrowser, "end your session on the platform, too", login.LogoutURL(""))
	return t.println("Signed out")
}
