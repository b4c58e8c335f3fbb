package main

import (
	"cmp"
	"context"
	"errors"

	"github.com/shopex/prism-go/admin"
	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/cmd/prismctl/internal/words"
)

type userRoleCmd struct {
	connection
	destructive
	Login  string `arg:"" optional:"" names:"user" name:"login" help:"The name that the user types; without it all roles are listed."`
	Role   string `arg:"" optional:"" name:"role" help:"operator, admin, provider or developer; without it the role is shown."`
	Domain string `placeholder:"DOMAIN" help:"The domain of an admin, or of the member; default if it is not given."`
	Member string `placeholder:"EMAIL" help:"The member that a provider or developer is; the login if it is not given."`
	Remove bool   `help:"Take the role away: the user is let in no more."`
}

// Help teaches by example.
func (*userRoleCmd) Help() string {
	return `A user with a role may sign in to the console. An operator may do everything in every domain, and an admin in one; providers and developers may do there what the key of their member may. A role counts from the next page on.

    prismctl user role
    prismctl user role alice operator
    prismctl user role bob admin --domain shops
    prismctl user role carol developer --member carol@shop.example
    prismctl user role bob --remove`
}

// Validate is called for the arguments.
func (c *userRoleCmd) Validate() error {
	switch {
	case c.Remove && (c.Login == "" || c.Role != ""):
		return errors.New("--remove is for one user, and takes no role")
	case c.Role == "" && c.Domain+c.Member != "":
		return errors.New("--domain and --member are for a role that is given: name it")
	}
	return nil
}

func (c *userRoleCmd) destroys() bool { return c.Remove }

// Run lists, shows, gives or removes roles.
func (c *userRoleCmd) Run(ctx context.Context, t *tool) error {
	switch {
	case c.Remove:
		return c.provisioned(ctx, t, "user "+words.Shown(c.Login)+" has no role any more", func(ctx context.Context, a *admin.Client) error {
			return a.RemoveUserRole(ctx, c.Login)
		})
	case c.Role != "":
		role := admin.UserRole{Login: c.Login, Role: admin.Role(c.Role), Domain: c.Domain, Member: c.Member}
		return c.provisioned(ctx, t, "user "+words.Shown(c.Login)+" has the role "+words.Shown(c.Role), func(ctx context.Context, a *admin.Client) error {
			return a.SetUserRole(ctx, role)
		})
	}
	return c.list(ctx, t)
}

// A roleLine is a role in JSON.
type roleLine struct {
	Login  string     `json:"login"`
	Role   admin.Role `json:"role"`
	Domain string     `json:"domain,omitempty"`
	Member string     `json:"member,omitempty"`
}

func (c *userRoleCmd) list(ctx context.Context, t *tool) error {
	var roles, shown []admin.UserRole
	err := c.provision(ctx, t, func(ctx context.Context, a *admin.Client) (err error) {
		roles, err = a.UserRoles(ctx)
		return err
	})
	if err != nil {
		return err
	}
	for _, role := range roles {
		if c.Login == "" || role.Login == c.Login {
			shown = append(shown, role)
		}
	}
	if c.Login != "" && len(shown) == 0 {
		return exit.Usagef("the user %s has no role: \"prismctl user role\" lists those that have one", words.Shown(c.Login))
	}
	if t.Output == asJSON {
		return printEach(shown, func(role admin.UserRole) error { return t.printJSON(roleLine(role)) })
	}
	rows := [][]string{{"LOGIN", "ROLE", "DOMAIN", "MEMBER"}}
	for _, role := range shown {
		rows = append(rows, []string{words.Shown(role.Login), string(role.Role), cmp.Or(role.Domain, "-"), textOr(role.Member, "-")})
	}
	return t.printTable(rows)
}
