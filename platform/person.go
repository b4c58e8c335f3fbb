package platform

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Roles of a [Person], beside [DeveloperRole] and [ProviderRole], which are a member's.
const (
	// OperatorRole may do everything, in each domain.
	OperatorRole Role = "operator"
	// AdminRole may do in one domain what an admin key of it may, except what a key of the
	// operator may alone.
	AdminRole Role = "admin"
)

// A Person is somebody in whose name a program around the platform makes calls, such as
// package platform/console: a user who has logged in there, and has a role.
type Person struct {
	Name   string // in logs and events, for example a login
	Role   Role
	Domain string // that the calls are about; that of apps without one if empty
	Member string // the email of the member, for a DeveloperRole or ProviderRole
}

type personKey struct{}

// WithPerson returns a context for requests that are passed to [Platform.ServeHTTP] within
// the process. What such a request calls, p calls: it needs no signature, and is permitted
// what a key of p's role is. It cannot open a message channel, and queue calls have to name
// a key by of.
func WithPerson(ctx context.Context, p Person) context.Context {
	return context.WithValue(ctx, personKey{}, &p)
}

func personIn(ctx context.Context) *Person {
	person, _ := ctx.Value(personKey{}).(*Person)
	return person
}

// asPerson makes the caller the person of its context.
func (p *Platform) asPerson(ctx context.Context, c *call, person *Person) error {
	key, app := &storedKey{Key: Key{ID: "@" + person.Name}}, &App{Domain: person.Domain}
	switch person.Role {
	case OperatorRole, AdminRole:
		key.Admin = true
	case ProviderRole, DeveloperRole:
		member, err := p.registry.App(ctx, memberID(app.Exchange(), person.Member))
		if errors.Is(err, ErrUnknownApp) || err == nil && (member.Disabled || !member.Role.covers(person.Role)) {
			return adminOnly("the member for whom this user acts is unknown here, or is not allowed to any more: see platform/manageuser/info")
		}
		if err != nil {
			return err
		}
		app = &member
		app.Role = person.Role
	default:
		return adminOnly("this user has no role")
	}
	key.App = app.ID
	c.person, c.key, c.app, c.holder = person, *key, app, &holder{key: key, app: app}
	return nil
}

// isOperator reports whether the caller is the operator of the platform: by a role, or by
// an admin key of the domain default. Such a caller may let a backend be in a private
// network or on this machine.
func (c *call) isOperator() bool {
	if c.person != nil {
		return c.person.Role == OperatorRole
	}
	return c.key.Admin && c.app.Exchange() == defaultDomain
}

// mayTouchAdminKeys reports whether the caller may see, change and delete admin keys. A
// person that is no operator could get by one what the role does not give, and keep it when
// the role is gone.
func (c *call) mayTouchAdminKeys() bool { return c.person == nil || c.isOperator() }

// A UserRole says what a user may do in a console, and where.
type UserRole struct {
	Login  string
	Role   Role
	Domain string `json:",omitzero"` // of an AdminRole; and of the member
	Member string `json:",omitzero"` // the email of the member that a provider or developer is
}

// Person returns the person that a user with this role is.
func (u UserRole) Person() Person { return Person{u.Login, u.Role, u.Domain, u.Member} }

// check returns an error if the role says too little or too much.
func (u UserRole) check() error {
	member := u.Role == ProviderRole || u.Role == DeveloperRole
	switch {
	case u.Login == "":
		return errors.New("platform: a role needs the Login of its user")
	case !member && u.Role != OperatorRole && u.Role != AdminRole:
		return fmt.Errorf("platform: the role %q is none of operator, admin, provider and developer", u.Role)
	case member != (u.Member != ""):
		return errors.New("platform: providers and developers, and no others, have the email of a Member")
	case u.Role == OperatorRole && u.Domain != "":
		return errors.New("platform: the operator has no Domain, but all")
	case u.Domain != "" && !isID(u.Domain):
		return fmt.Errorf("platform: the domain %q must be of letters, digits, - and _", shorten(u.Domain, idBytes))
	}
	return nil
}

const kindRole = "role"

// ErrNoRole is returned for a user without a role.
var ErrNoRole = errors.New("platform: the user has no role")

// SaveRole gives a user a role, in place of the one before. There need not be such a user
// here: [Config].Users may be elsewhere.
func (r *Registry) SaveRole(ctx context.Context, role UserRole) error {
	if err := role.check(); err != nil {
		return err
	}
	return putRecord(ctx, r.store, kindRole, role.Login, func(*UserRole) (*UserRole, error) { return &role, nil })
}

// Role returns the role of the user with this login, or [ErrNoRole].
func (r *Registry) Role(ctx context.Context, login string) (UserRole, error) {
	role, _, err := loadRecord[UserRole](ctx, r.store, kindRole, login)
	if errors.Is(err, ErrNoRecord) {
		return UserRole{}, ErrNoRole
	}
	if err != nil {
		return UserRole{}, err
	}
	return *role, nil
}

// DeleteRole takes the role of a user away. There need not be one.
func (r *Registry) DeleteRole(ctx context.Context, login string) error {
	return deleteRecord(ctx, r.store, kindRole, login)
}

// Roles returns all roles, sorted by Login.
func (r *Registry) Roles(ctx context.Context) ([]UserRole, error) {
	roles, err := listRecords[UserRole](ctx, r.store, kindRole)
	slices.SortFunc(roles, func(a, b UserRole) int { return strings.Compare(a.Login, b.Login) })
	return roles, err
}
