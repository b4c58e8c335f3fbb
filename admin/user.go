package admin

import (
	"context"
	"time"

	"github.com/shopex/prism-go"
)

// A User is a person who logs in on the platform's page, to the apps of all
// domains. So the calls about users are for the admin keys of the domain default;
// for others the error matches [prism.ErrForbidden].
type User struct {
	ID       string
	Login    string    // the name that the user types
	Disabled bool      // may not log in
	Since    time.Time // to the second: sessions and tokens from before are over; zero if none were ended
}

// Users returns all users, sorted by Login.
func (c *Client) Users(ctx context.Context) ([]*User, error) {
	var docs []userDoc
	if err := c.get(ctx, "platform/user/list", nil, &docs); err != nil {
		return nil, err
	}
	users := make([]*User, len(docs))
	for i, doc := range docs {
		users[i] = &User{ID: doc.ID, Login: doc.Login, Disabled: doc.Disabled, Since: doc.Since}
	}
	return users, nil
}

// CreateUser makes a user, with a hash as that of SetPassword. The id is what apps know the
// user by; if it is empty it is the login. The error matches [ErrInUse] if there is a user
// with this login.
func (c *Client) CreateUser(ctx context.Context, login, id, hash string) error {
	params := prism.Params{"login": login, "password_hash": hash}
	setText(params, "id", id)
	return c.post(ctx, "platform/user/create", params, nil)
}

// DisableUser refuses the logins of a user until EnableUser, and ends the
// sessions and tokens of the user, at once and in every process of the platform.
// This and the calls that follow match [prism.ErrNotFound] if there is no user
// with this login.
func (c *Client) DisableUser(ctx context.Context, login string) error {
	return c.put(ctx, "platform/user/disable", prism.Params{"login": login})
}

// EnableUser lets a user log in again. Sessions that DisableUser has ended stay ended.
func (c *Client) EnableUser(ctx context.Context, login string) error {
	return c.put(ctx, "platform/user/enable", prism.Params{"login": login})
}

// EndUserSessions ends the sessions and tokens of a user, who may log in again.
func (c *Client) EndUserSessions(ctx context.Context, login string) error {
	return c.put(ctx, "platform/user/sessions", prism.Params{"login": login})
}

// SetPassword gives a user another password, and ends the sessions and tokens of
// the user. It takes a hash as "prismctl hash-password" or platform.HashPassword
// makes it, with 100,000 iterations at least: the password itself is not sent.
func (c *Client) SetPassword(ctx context.Context, login, hash string) error {
	return c.put(ctx, "platform/user/password", prism.Params{"login": login, "password_hash": hash})
}

// DeleteUser removes a user with the role of the user, and ends the sessions and tokens.
func (c *Client) DeleteUser(ctx context.Context, login string) error {
	return c.post(ctx, "platform/user/delete", prism.Params{"login": login}, nil)
}

// A userDoc is a user in the members of the platform's answer.
type userDoc struct {
	ID       string `json:"Id"`
	Login    string
	Disabled bool
	Since    time.Time
}
