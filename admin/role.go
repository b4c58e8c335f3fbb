package admin

import (
	"context"

	"github.com/shopex/prism-go"
)

// Roles that a [UserRole] may have beside [Developer] and [Provider].
const (
	OperatorRole Role = "operator" // everything, in every domain
	AdminRole    Role = "admin"    // what an admin key of one domain may, except administer users
)

// A UserRole says what a user may do in the console of the platform. The calls about roles
// are for the admin keys of the domain default, as those about users.
type UserRole struct {
	Login  string
	Role   Role
	Domain string // none for an operator; "default" if empty otherwise
	Member string // the email of the member that a provider or developer is; the login if empty
}

// UserRoles returns the roles of all users that have one, sorted by Login.
func (c *Client) UserRoles(ctx context.Context) ([]UserRole, error) {
	var roles []UserRole
	err := c.get(ctx, "platform/user/role/list", nil, &roles)
	return roles, err
}

// SetUserRole gives a user a role, in place of the one before.
func (c *Client) SetUserRole(ctx context.Context, role UserRole) error {
	params := prism.Params{"login": role.Login, "role": string(role.Role)}
	setText(params, "domain", role.Domain)
	setText(params, "member", role.Member)
	return c.put(ctx, "platform/user/role/set", params)
}

// RemoveUserRole takes the role of a user away, whose pages are refused from the next one
// on. The error matches [prism.ErrNotFound] if the user has no role.
func (c *Client) RemoveUserRole(ctx context.Context, login string) error {
	return c.post(ctx, "platform/user/role/remove", prism.Params{"login": login}, nil)
}
