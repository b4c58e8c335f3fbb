package platform

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/shopex/prism-go/internal/code"
)

// The calls about members. Published tools call a member a user; the users of this
// platform are those who log in to apps, and they are others.

// A memberDoc is what manageuser/create answers.
type memberDoc struct {
	DomainID string `json:"domainid"`
	Email    string `json:"email"`
	ID       string `json:"id"`
}

// memberCreate makes a member with a key. A member without a key is one of which a process
// was killed while it was made, and is completed. The password that published tools send
// is not kept, as there is nothing that a member logs in to.
func (p *Platform) memberCreate(ctx context.Context, c *call) (any, error) {
	app, err := p.newMember(c)
	if err != nil {
		return nil, err
	}
	if err := p.roomForApp(ctx, app.Exchange()); err != nil {
		return nil, err
	}
	if err := p.registry.deleteOrphans(ctx, app.ID, p.deleteAppKey); err != nil {
		return nil, err
	}
	err = saveRecord(ctx, p.cfg.Store, kindApp, app.ID, app, 0, 0)
	if errors.Is(err, ErrConflict) {
		err = p.unfinishedMember(ctx, app)
	}
	if err != nil {
		return nil, err
	}
	key := NewKey(app.ID)
	key.Created, key.Notes = app.Created, app.Summary
	if err := p.storeKey(ctx, &key); err != nil {
		return nil, err
	}
	return memberDoc{app.Exchange(), app.Email, app.ID}, nil
}

func (p *Platform) newMember(c *call) (*App, error) {
	own := c.params()
	email, err := c.email()
	if err != nil {
		return nil, err
	}
	summary, err := optional(own, "summary", textBytes)
	if err != nil {
		return nil, err
	}
	if !isText(summary) {
		return nil, badRequest(code.InvalidParameter, "summary must be UTF-8 without control characters other than line breaks")
	}
	if _, err := optional(own, "password", textBytes); err != nil {
		return nil, err
	}
	return &App{
		ID: memberID(c.app.Exchange(), email), Name: email, Summary: summary, Domain: c.app.Exchange(),
		Email: email, Publish: Nothing(), Listen: Nothing(), Created: p.cfg.Now().UTC(),
	}, nil
}

// unfinishedMember returns an error unless app is a member without a key.
func (p *Platform) unfinishedMember(ctx context.Context, app *App) error {
	keys, err := p.registry.keysOf(ctx, app.ID)
	if err != nil {
		return err
	}
	now, err := p.registry.App(ctx, app.ID)
	if err != nil {
		return err
	}
	if len(keys) > 0 || now.Email != app.Email {
		return &failure{
			status: http.StatusConflict, code: code.MemberExists,
			message: "there is a member with this email; platform/manageuser/info shows its key",
		}
	}
	return nil
}

// memberRole returns the call that gives members a role.
func (p *Platform) memberRole(role Role) func(context.Context, *call) (any, error) {
	return func(ctx context.Context, c *call) (any, error) {
		app, err := p.namedMember(ctx, c)
		if err != nil {
			return nil, err
		}
		_, err = p.registry.UpdateApp(ctx, app.ID, func(app *App) error {
			if app.Email == "" {
				return ErrUnknownApp
			}
			app.Role = role
			return nil
		})
		if errors.Is(err, ErrUnknownApp) {
			return nil, unknownMember()
		}
		return err == nil, err
	}
}

// memberInfo answers with the key of a member, its first one. It is the one call that
// shows a secret again: published tools read it here and nowhere else.
func (p *Platform) memberInfo(ctx context.Context, c *call) (any, error) {
	app, err := p.namedMember(ctx, c)
	if err != nil {
		return nil, err
	}
	keys, err := p.registry.keysOf(ctx, app.ID)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, &failure{
			status: http.StatusNotFound, code: code.UnknownKey,
			message: "this member has no key; platform/key/create with app_id=" + app.ID + " makes one",
		}
	}
	first := slices.MinFunc(keys, func(a, b Key) int { return a.Created.Compare(b.Created) })
	return struct {
		keyDoc
		Email string
		Role  Role
	}{withSecret(newKeyDoc(app, &first), &first), app.Email, app.Role}, nil
}

// namedMember returns the app of the member that a call is about.
func (p *Platform) namedMember(ctx context.Context, c *call) (*App, error) {
	email, err := c.email()
	if err != nil {
		return nil, err
	}
	app, err := p.registry.App(ctx, memberID(c.app.Exchange(), email))
	if errors.Is(err, ErrUnknownApp) || err == nil && app.Email == "" {
		return nil, unknownMember()
	}
	return &app, err
}

// email returns the email in the tail of the call, or else its parameter.
func (c *call) email() (string, error) {
	email := c.tail
	if email == "" {
		var err error
		if email, err = required(c.params(), "email", emailBytes); err != nil {
			return "", err
		}
	}
	if !isEmail(email) {
		return "", badRequest(code.InvalidParameter, "email must be an address such as name@shop.example")
	}
	return email, nil
}

func unknownMember() *failure {
	return &failure{
		status: http.StatusNotFound, code: code.UnknownUser,
		message: "this domain has no member with this email; platform/manageuser/create makes one",
	}
}
