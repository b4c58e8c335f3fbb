package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/shopex/prism-go"
)

// A Member is a person or company that provisions apps and services with a key of its
// own, within a domain. It sees only what it has made itself. A member is none of the
// users who log in to apps. Printed or logged, it does not show its Secret.
type Member struct {
	ID      string // the MemberId of apps and services
	Email   string
	Summary string
	Domain  string
	Role    Role
	Key     string // the client_id of its key
	Secret  string // of its key
	Created time.Time
}

// String describes the member without its secret.
func (m Member) String() string { return fmt.Sprintf("member %q", m.Email) }

// GoString is String: %#v must not show the secret either.
func (m Member) GoString() string { return m.String() }

// LogValue makes a logged Member its String.
func (m Member) LogValue() slog.Value { return slog.StringValue(m.String()) }

// A Role is what a member may do.
type Role string

const (
	Inactive  Role = ""          // nothing
	Developer Role = "developer" // make apps, and keys of these
	Provider  Role = "provider"  // also import services, refresh and configure them
)

// CreateMember makes a member, which may do nothing until SetRole. The error matches
// [ErrMemberExists] if there is one with this email in the domain.
func (c *Client) CreateMember(ctx context.Context, email, summary string) error {
	params := prism.Params{"email": email}
	setText(params, "summary", summary)
	var made json.RawMessage // says less than Member
	return c.post(ctx, "platform/manageuser/create", params, &made)
}

// SetRole says what a member may do. The apps, keys and services that it has made stay.
func (c *Client) SetRole(ctx context.Context, email string, role Role) error {
	call, ok := map[Role]string{
		Inactive: "platform/manageuser/disable", Developer: "platform/manageuser/active", Provider: "platform/manageuser/apiprovider",
	}[role]
	if !ok {
		return fmt.Errorf("admin: there is no role %q", string(role))
	}
	return c.put(ctx, call, prism.Params{"email": email})
}

// Member returns the member with this email, with the secret of its key.
func (c *Client) Member(ctx context.Context, email string) (*Member, error) {
	var doc memberDoc
	if err := c.get(ctx, "platform/manageuser/info/"+url.PathEscape(email), prism.Params{"email": email}, &doc); err != nil {
		return nil, err
	}
	return &Member{
		ID: doc.ClientID, Email: doc.Email, Summary: doc.Notes, Domain: doc.DomainID, Role: doc.Role,
		Key: doc.Key, Secret: doc.Secret, Created: doc.CreateTime,
	}, nil
}

// A memberDoc is a member in the answer about it, which is its key. It has a method of
// its own, as that of the key would be called for the whole.
type memberDoc struct {
	newKeyDoc
	Email string
	Role  Role
}

// UnmarshalJSON refuses what is no key with a secret.
func (d *memberDoc) UnmarshalJSON(text []byte) error {
	var own struct {
		Email string
		Role  Role
	}
	if err := json.Unmarshal(text, &own); err != nil {
		return err
	}
	d.Email, d.Role = own.Email, own.Role
	return d.newKeyDoc.UnmarshalJSON(text)
}
