package main

import (
	"context"
	"errors"
	"time"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type userCmd struct {
	List     userListCmd     `cmd:"" help:"List the users."`
	Create   userCreateCmd   `cmd:"" help:"Make a user."`
	Role     userRoleCmd     `cmd:"" help:"Show or change what users may do in the console."`
	Disable  userDisableCmd  `cmd:"" help:"Refuse the logins of a user, and end what they have begun."`
	Enable   userEnableCmd   `cmd:"" help:"Let a user log in again."`
	Delete   userDeleteCmd   `cmd:"" help:"Delete a user, and end what the user's logins have begun."`
	Password userPasswordCmd `cmd:"" help:"Give a user another password, and end what the user's logins have begun."`
	Sessions userSessionsCmd `cmd:"" help:"Show since when a user's sessions are good, or end them all."`
}

// Help teaches by example.
func (*userCmd) Help() string {
	return `A user logs in on the platform's page, to the apps of all domains; so these commands need an admin key of the domain default. The settings of serve make users, too. What is taken away here stays away at its next start, until the settings give something else, such as another password.

    prismctl user list
    prismctl user create alice < alice.password
    prismctl user role alice admin --domain shops
    prismctl user disable alice
    prismctl user password alice < alice.password
    prismctl user sessions alice --end`
}

// aUser is the argument of commands about one user.
type aUser struct {
	Login string `arg:"" names:"user" name:"login" help:"The name that the user types."`
}

// Validate is called for the argument.
func (u *aUser) Validate() error {
	if u.Login == "" {
		return errors.New("the login is empty: \"prismctl user list\" names the users")
	}
	return nil
}

// A userLine is a user in JSON.
type userLine struct {
	Login    string     `json:"login"`
	ID       string     `json:"id"`
	Disabled bool       `json:"disabled"`
	Since    *time.Time `json:"sessions_since"` // null: none were ended
}

func (t *tool) printUserLine(u *admin.User) error {
	line := userLine{Login: u.Login, ID: u.ID, Disabled: u.Disabled}
	if !u.Since.IsZero() {
		line.Since = &u.Since
	}
	return t.printJSON(line)
}

// printUsers prints one user a line.
func (t *tool) printUsers(users []*admin.User) error {
	if t.Output == asJSON {
		return printEach(users, t.printUserLine)
	}
	rows := [][]string{{"LOGIN", "ID", "MAY LOG IN", "SESSIONS SINCE"}}
	for _, u := range users {
		may := "yes"
		if u.Disabled {
			may = "no"
		}
		rows = append(rows, []string{words.Shown(u.Login), words.Shown(u.ID), may, timeOr(u.Since, "-")})
	}
	return t.printTable(rows)
}

type userListCmd struct{ connection }

// Run prints one user a line.
func (c *userListCmd) Run(ctx context.Context, t *tool) error {
	users, err := c.users(ctx, t)
	if err != nil {
		return err
	}
	return t.printUsers(users)
}

func (c *connection) users(ctx context.Context, t *tool) (users []*admin.User, err error) {
	err = c.provision(ctx, t, func(ctx context.Context, a *admin.Client) (err error) {
		users, err = a.Users(ctx)
		return err
	})
	return users, err
}

type userDisableCmd struct {
	connection
	aUser
	destructive
}

// Run disables a user.
func (c *userDisableCmd) Run(ctx context.Context, t *tool) error {
	return c.provisioned(ctx, t, "disabled user "+words.Shown(c.Login), func(ctx context.Context, a *admin.Client) error {
		return a.DisableUser(ctx, c.Login)
	})
}

type userEnableCmd struct {
	connection
	aUser
}

// Run enables a user.
func (c *userEnableCmd) Run(ctx context.Context, t *tool) error {
	return c.provisioned(ctx, t, "enabled user "+words.Shown(c.Login), func(ctx context.Context, a *admin.Client) error {
		return a.EnableUser(ctx, c.Login)
	})
}

type userDeleteCmd struct {
	connection
	aUser
	destructive
}

// Run deletes a user.
func (c *userDeleteCmd) Run(ctx context.Context, t *tool) error {
	return c.provisioned(ctx, t, "deleted user "+words.Shown(c.Login), func(ctx context.Context, a *admin.Client) error {
		return a.DeleteUser(ctx, c.Login)
	})
}
