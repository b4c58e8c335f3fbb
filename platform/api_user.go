package platform

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/shopex/prism-go/internal/code"
)

// The calls that administer users. A user logs in to the apps of all domains, so
// these calls are for the admin keys of the domain default, which are the
// operator's.

const loginBytes = 256

// A userDoc is a user in an answer.
type userDoc struct {
	ID       string `json:"Id"`
	Login    string `json:"Login"`
	Disabled bool   `json:"Disabled"`
	Since    string `json:"Since,omitempty"` // RFC 3339: sessions that began earlier have ended
}

func newUserDoc(a *account) userDoc {
	doc := userDoc{ID: a.ID, Login: a.Login, Disabled: a.Disabled}
	if !a.Since.IsZero() {
		doc.Since = a.Since.UTC().Format(time.RFC3339)
	}
	return doc
}

// userTable lists the APIs for the users of r.
func (p *Platform) userTable(r *Registry) map[string]route {
	change := func(change func(ctx context.Context, c *call, login string) error) route {
		return route{admin: true, changes: true, methods: []string{"POST"}, serve: func(ctx context.Context, c *call) (any, error) {
			return p.userChange(ctx, c, change)
		}}
	}
	byLogin := func(do func(context.Context, string) error) route {
		return change(func(ctx context.Context, _ *call, login string) error { return do(ctx, login) })
	}
	return map[string]route{
		"platform/user/list": {admin: true, lists: true, methods: []string{"GET", "POST"}, serve: func(ctx context.Context, c *call) (any, error) {
			return userList(ctx, c, r)
		}},
		"platform/user/create":   change(func(ctx context.Context, c *call, login string) error { return userCreate(ctx, c, r, login) }),
		"platform/user/disable":  byLogin(r.DisableUser),
		"platform/user/enable":   byLogin(r.EnableUser),
		"platform/user/sessions": byLogin(r.EndUserSessions),
		"platform/user/delete":   byLogin(r.removeUser),
		"platform/user/password": change(func(ctx context.Context, c *call, login string) error { return userPassword(ctx, c, r, login) }),
	}
}

// usersElsewhere returns routes that refuse what those of a table do, as the users are not
// the platform's.
func usersElsewhere(table map[string]route) map[string]route {
	for path, r := range table {
		r.changes = false
		r.serve = func(context.Context, *call) (any, error) {
			return nil, &failure{status: http.StatusNotFound, code: code.UnknownAPI, message: "this platform asks elsewhere who its users are: a database or an HTTP API, by its settings; list and change them there"}
		}
		table[path] = r
	}
	return table
}

// removeUser is DeleteUser, but returns an error if there is no such user.
func (r *Registry) removeUser(ctx context.Context, login string) error {
	if _, _, err := loadRecord[account](ctx, r.store, kindUser, login); err != nil {
		return unknownUser(err)
	}
	return r.DeleteUser(ctx, login)
}

func userList(ctx context.Context, c *call, r *Registry) (any, error) {
	if err := c.administersUsers(); err != nil {
		return nil, err
	}
	accounts, err := r.accounts(ctx)
	docs := make([]userDoc, len(accounts))
	for i, a := range accounts {
		docs[i] = newUserDoc(&a)
	}
	return docs, err
}

func (p *Platform) userChange(ctx context.Context, c *call, change func(ctx context.Context, c *call, login string) error) (any, error) {
	if err := c.administersUsers(); err != nil {
		return nil, err
	}
	login, err := required(c.params(), "login", loginBytes)
	if err != nil {
		return nil, err
	}
	err = change(ctx, c, login)
	if errors.Is(err, ErrUnknownUser) {
		return nil, &failure{status: http.StatusNotFound, code: code.UnknownUser, message: "there is no user with this login; platform/user/list names them"}
	}
	if err != nil {
		return nil, err
	}
	return true, nil
}

// userCreate makes a user with the hash of a password. The ID is the login if none is
// given.
func userCreate(ctx context.Context, c *call, r *Registry, login string) error {
	id, err := optionalLine(c.params(), "id", loginBytes)
	if err != nil {
		return err
	}
	if !isText(login) || !isLine(login) || !isText(id) {
		return badRequest(code.InvalidParameter, "login and id must be UTF-8 without control characters")
	}
	hash, err := c.passwordHash()
	if err != nil {
		return err
	}
	made, err := r.createUser(ctx, User{ID: cmp.Or(id, login), Login: login}, hash)
	if err == nil && !made {
		return &failure{status: http.StatusConflict, code: code.InUse, message: "there is a user with this login; platform/user/list names the users"}
	}
	return err
}

// userPassword takes the hash of the new password, so that the password itself is not
// sent.
func userPassword(ctx context.Context, c *call, r *Registry, login string) error {
	hash, err := c.passwordHash()
	if err != nil {
		return err
	}
	return r.SetPassword(ctx, login, hash)
}

func (c *call) passwordHash() (string, error) {
	hash, err := required(c.params(), "password_hash", loginBytes)
	if err != nil {
		return "", err
	}
	if n, _, _, err := parseHash(hash); err != nil || n < MinIterations {
		return "", badRequest(code.InvalidParameter, "password_hash must be one that prismctl hash-password makes, with 100000 to 10000000 iterations")
	}
	return hash, nil
}

func (c *call) administersUsers() error {
	if !c.isOperator() {
		return &failure{status: http.StatusForbidden, code: code.ForbiddenUsers, message: "users log in to the apps of all domains; they are administered by the admin keys of the domain default"}
	}
	return nil
}
