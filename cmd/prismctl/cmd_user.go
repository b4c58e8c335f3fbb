package main

import (
	"context"
	"errors"
	"time"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
	"github.com/shopex/prism-go/platform"
)

type userCmd struct {
	List     userListCmd     `cmd:"" help:"List the users."`
	Disable  userDisableCmd  `cmd:"" help:"Refuse the logins of a user, and end what they have begun."`
	Enable   userEnableCmd   `cmd:"" help:"Let a user log in again."`
	Delete   userDeleteCmd   `cmd:"" help:"Delete a user, and end what the user's logins have begun."`
	Password userPasswordCmd `cmd:"" help:"Give a user another password, and end what the user's logins have begun."`
	Sessions userSessionsCmd `cmd:"" help:"Show since when a user's sessions are good, or end them all."`
}

// Help teaches by example.
func (*userCmd) Help() string {
	return `A user logs in on the platform's page, to the apps of all domains; so these commands need an admin key of the domain default. The settings of serve make users. What is taken away here stays away at its next start, until the settings give something else, such as another password.

    prismctl user list
    prismctl user disable alice
    prismctl user password alice < alice.password
    prismctl user sessions alice --end`
}

// aUser is the argument of commands about one user.
type aUser struct {
	Login string `arg:"" name:"login" help:"The name that the user types."`
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
}

// Run deletes a user.
func (c *userDeleteCmd) Run(ctx context.Context, t *tool) error {
	return c.provisioned(ctx, t, "deleted user "+words.Shown(c.Login), func(ctx context.Context, a *admin.Client) error {
		return a.DeleteUser(ctx, c.Login)
	})
}

type userPasswordCmd struct {
	connection
	aUser
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

func (c *userPasswordCmd) hash(ctx context.Context, t *tool) (hash string, err error) {
	var password string
	if c.PasswordFile != "" {
		password, err = readSecret("password", c.PasswordFile)
	} else {
		password, err = t.password(ctx)
	}
	if err != nil {
		return "", err
	}
	return platform.HashPassword(password, 0)
}

type userSessionsCmd struct {
	connection
	aUser
	End bool `help:"End the sessions and tokens of the user, who may log in again."`
}

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
