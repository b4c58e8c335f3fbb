package platform

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/shopex/prism-go/internal/code"
)

// The calls about the roles of users in a console. As these users may be elsewhere, there
// are these calls whatever [Config].Users is.

// A roleDoc is a role in an answer.
type roleDoc struct {
	Login  string `json:"Login"`
	Role   Role   `json:"Role"`
	Domain string `json:"Domain,omitempty"` // none for operators
	Member string `json:"Member,omitempty"` // the email of the member that a provider or developer is
}

func newRoleDoc(u UserRole) roleDoc {
	doc := roleDoc{Login: u.Login, Role: u.Role, Member: u.Member}
	if u.Role != OperatorRole {
		doc.Domain = cmp.Or(u.Domain, defaultDomain)
	}
	return doc
}

func (p *Platform) roleTable() map[string]route {
	return map[string]route{
		"platform/user/role/list":   {admin: true, lists: true, methods: []string{"GET", "POST"}, serve: p.roleList},
		"platform/user/role/set":    {admin: true, changes: true, methods: []string{"POST"}, serve: p.roleSet},
		"platform/user/role/remove": {admin: true, changes: true, methods: []string{"POST"}, serve: p.roleRemove},
	}
}

func (p *Platform) roleList(ctx context.Context, c *call) (any, error) {
	if err := c.administersUsers(); err != nil {
		return nil, err
	}
	roles, err := p.registry.Roles(ctx)
	docs := make([]roleDoc, len(roles))
	for i, role := range roles {
		docs[i] = newRoleDoc(role)
	}
	return docs, err
}

// roleSet gives a user a role in place of the one before.
func (p *Platform) roleSet(ctx context.Context, c *call) (any, error) {
	role, err := c.userRole()
	if err != nil {
		return nil, err
	}
	if role.Member != "" {
		domain := cmp.Or(role.Domain, defaultDomain)
		_, err := p.registry.App(ctx, memberID(domain, role.Member))
		if errors.Is(err, ErrUnknownApp) {
			return nil, badRequest(code.InvalidParameter, "member: the domain "+domain+" has no member with this email; platform/manageuser/create makes one")
		}
		if err != nil {
			return nil, err
		}
	}
	return true, p.registry.SaveRole(ctx, role)
}

// userRole reads a role. A provider or developer acts for the member whose email is the
// user's login if no other is given.
func (c *call) userRole() (role UserRole, err error) {
	if err := c.administersUsers(); err != nil {
		return role, err
	}
	own, text := c.params(), ""
	for _, param := range []struct {
		name  string
		value *string
		limit int
	}{{"login", &role.Login, loginBytes}, {"role", &text, idBytes}, {"domain", &role.Domain, idBytes}, {"member", &role.Member, emailBytes}} {
		if *param.value, err = optional(own, param.name, param.limit); err != nil {
			return role, err
		}
	}
	role.Role = Role(text)
	if role.Role == ProviderRole || role.Role == DeveloperRole {
		role.Member = cmp.Or(role.Member, role.Login)
	}
	switch {
	case role.Login == "":
		return role, missing("login")
	case text == "":
		return role, missing("role")
	case !isText(role.Login) || !isLine(role.Login):
		return role, badRequest(code.InvalidParameter, "login must be UTF-8 without control characters")
	}
	if err := role.check(); err != nil {
		return role, badRequest(code.InvalidParameter, engineWords(err))
	}
	return role, nil
}

// roleRemove takes the role of a user away.
func (p *Platform) roleRemove(ctx context.Context, c *call) (any, error) {
	if err := c.administersUsers(); err != nil {
		return nil, err
	}
	login, err := required(c.params(), "login", loginBytes)
	if err != nil {
		return nil, err
	}
	if _, err := p.registry.Role(ctx, login); errors.Is(err, ErrNoRole) {
		return nil, &failure{status: http.StatusNotFound, code: code.UnknownUser, message: "the user with this login has no role; platform/user/role/list names those that have one"}
	} else if err != nil {
		return nil, err
	}
	return true, p.registry.DeleteRole(ctx, login)
}
