package main

import (
	"context"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type userSessionsCmd struct {
	connection
	aUser
	destructive
	End bool `help:"End the sessions and tokens of the user, who may log in again."`
}

func (c *userSessionsCmd) destroys() bool { return c.End }

// Run ends the sessions of a user, or shows the user.
func (c *userSessionsCmd) Run(ctx context.Context, t *tool) error {
	if !c.End {
		return c.show(ctx, t)
	}
	return c.provisioned(ctx, t, "ended the sessions of user "+words.Shown(c.Login), func(ctx context.Context, a *admin.Client) error {
		return a.EndUserSessions(ctx, c.Login)
	})
}

func (c *userSessionsCmd) show(ctx context.Context, t *tool) error {
	users, err := c.users(ctx, t)
	if err != nil {
		return err
	}
	for _, u := range users {
		if u.Login == c.Login {
			return t.printUsers([]*admin.User{u})
		}
	}
	return exit.Usagef("there is no user %s: \"prismctl user list\" names them", words.Shown(c.Login))
}
