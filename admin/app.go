package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopex/prism-go"
)

// An App is a product that calls APIs, as the platform knows it.
type App struct {
	ID      string // to which its keys belong; also the App of a delivery
	Name    string // for people
	Summary string
	Domain  string    // of the admin keys that provision it
	Member  string    // the ID of the member whose key made it; empty if an admin key or the operator did
	Created time.Time // to the millisecond

	Disabled bool // see Client.DisableApp

	Keys    int // how many it has
	MaxKeys int // how many it may have

	// Publish and Listen are what the app may publish and listen to.
	Publish, Listen Permission
}

// NewApp says what app to make. Name is required; every other field has a
// useful zero value.
type NewApp struct {
	// ID has up to 64 letters, digits, - and _. If empty, the platform chooses
	// one of 7 letters and digits. In a domain other than default the platform
	// appends a mark of the domain, so use the ID of the App that is returned.
	ID string
	// Name and Summary are for people: at most 256 and 1,024 bytes.
	Name, Summary string
	// Publish and Listen are what the app may publish and listen to; zero is nothing.
	// AllowPublish and AllowListen change it later.
	Publish, Listen Permission
}

// CreateApp makes an app, which may publish and listen to what app says; on a
// platform of an earlier version, which takes no permissions here, by further calls. The
// error matches [ErrExists] if there is one with this ID, or it is reserved, and
// [ErrTooManyApps] if the domain has as many as it may have.
func (c *Client) CreateApp(ctx context.Context, app NewApp) (*App, error) {
	params := prism.Params{"name": app.Name}
	setText(params, "id", app.ID)
	setText(params, "desc", app.Summary)
	if err := setPatterns(params, "publish", app.Publish); err != nil {
		return nil, err
	}
	if err := setPatterns(params, "listen", app.Listen); err != nil {
		return nil, err
	}
	var doc appDoc
	if err := c.post(ctx, "platform/app/create", params, &doc); err != nil {
		return nil, err
	}
	return c.permit(ctx, doc.app(), &app)
}

// permit gives an app that was made the permissions that were asked for, unless it has
// them: else it would have more than that, and nobody would know.
func (c *Client) permit(ctx context.Context, made *App, asked *NewApp) (*App, error) {
	for _, p := range []struct {
		has   *Permission
		asked Permission
		allow func(context.Context, string, Permission) error
	}{{&made.Publish, asked.Publish, c.AllowPublish}, {&made.Listen, asked.Listen, c.AllowListen}} {
		if slices.Equal(*p.has, p.asked) {
			continue
		}
		if err := p.allow(ctx, made.ID, p.asked); err != nil {
			return nil, fmt.Errorf("admin: the app %q was made, with other permissions than were asked for: %w", made.ID, err)
		}
		*p.has = Matching(p.asked...)
	}
	return made, nil
}

// App returns the app with this ID.
func (c *Client) App(ctx context.Context, id string) (*App, error) {
	path, err := info("platform/app/info", id)
	if err != nil {
		return nil, err
	}
	var doc appDoc
	if err := c.get(ctx, path, nil, &doc); err != nil {
		return nil, err
	}
	return doc.app(), nil
}

// Apps returns the apps of the domain, sorted by ID.
func (c *Client) Apps(ctx context.Context) ([]*App, error) {
	var docs []appDoc
	if err := c.get(ctx, "platform/app/list", nil, &docs); err != nil {
		return nil, err
	}
	apps := make([]*App, len(docs))
	for i, doc := range docs {
		apps[i] = doc.app()
	}
	return apps, nil
}

// DeleteApp removes an app and its keys, with their connections and their queues
// and what is in these. If it fails, another DeleteApp completes it. For the app of
// the client's own key the error matches [ErrInUse].
func (c *Client) DeleteApp(ctx context.Context, id string) error {
	return c.post(ctx, "platform/app/delete", prism.Params{"app_id": id}, nil)
}

// DisableApp refuses the calls, channels and logins of the keys of an app, as if they had
// expired, and the tokens that they have got; messages are not pushed for them. Their queues
// go on to get messages. It counts within a second. For the app of the client's own key the
// error matches [ErrInUse].
func (c *Client) DisableApp(ctx context.Context, id string) error {
	return c.post(ctx, "platform/app/disable", prism.Params{"app_id": id}, nil)
}

// EnableApp takes back a DisableApp.
func (c *Client) EnableApp(ctx context.Context, id string) error {
	return c.post(ctx, "platform/app/enable", prism.Params{"app_id": id}, nil)
}

// AllowPublish sets which routing keys the keys of an app may publish. It replaces
// the earlier permission. A message that is not allowed is refused.
func (c *Client) AllowPublish(ctx context.Context, id string, allowed Permission) error {
	return c.allow(ctx, "platform/manageapp/queue/publish", id, allowed)
}

// AllowListen sets which messages of the domain reach the queues of an app's keys, by
// their routing keys. It replaces the earlier permission. A message that is not allowed
// does not reach the queues of this app. A queue can be bound only to patterns that the
// permission covers. Messages that are in a queue stay there.
func (c *Client) AllowListen(ctx context.Context, id string, allowed Permission) error {
	return c.allow(ctx, "platform/manageapp/queue/consume", id, allowed)
}

func (c *Client) allow(ctx context.Context, path, id string, allowed Permission) error {
	params := prism.Params{"app_id": id}
	if err := setPatterns(params, "routing_key", Matching(allowed...)); err != nil {
		return err
	}
	return c.put(ctx, path, params)
}

// Redirects returns the addresses to which a browser may be sent back to the app,
// after a login or a logout.
func (c *Client) Redirects(ctx context.Context, id string) ([]string, error) {
	var uris []string
	err := c.get(ctx, "platform/app/redirect/list", prism.Params{"app_id": id}, &uris)
	return uris, err
}

// AddRedirect registers an address of the app to which a browser may be sent
// back. The address must be exactly this one, except for the port of 127.0.0.1, [::1]
// and localhost. It is no error if it is registered already. An app may have 50 addresses
// of up to 1,024 bytes, with 8,192 bytes together.
func (c *Client) AddRedirect(ctx context.Context, id, uri string) error {
	return c.put(ctx, "platform/app/redirect/add", prism.Params{"app_id": id, "redirect_uri": uri})
}

// RemoveRedirect removes an address that AddRedirect has registered. The error
// matches [prism.ErrNotFound] if the app has no such address.
func (c *Client) RemoveRedirect(ctx context.Context, id, uri string) error {
	return c.post(ctx, "platform/app/redirect/remove", prism.Params{"app_id": id, "redirect_uri": uri}, nil)
}

// setText leaves an empty text out, as the platform chooses then.
func setText(params prism.Params, name, text string) {
	if text != "" {
		params[name] = text
	}
}

// setPatterns adds patterns as a JSON array. It leaves nil out, as the platform chooses
// then.
func setPatterns(params prism.Params, name string, patterns []string) error {
	if patterns == nil {
		return nil
	}
	text, err := json.Marshal(patterns)
	params[name] = string(text)
	return err
}

// An appDoc is an app in the members of the platform's answer.
type appDoc struct {
	ID       string `json:"Id"`
	Name     string
	Summary  string
	DomainID string `json:"DomainId"`
	MemberID string `json:"MemberId"`

	KeysNum      int
	MaxKeysLimit int

	Disabled bool

	CreateTime    time.Time
	NotifyPublish []string
	NotifyListen  []string
}

// UnmarshalJSON refuses what is no app.
func (d *appDoc) UnmarshalJSON(text []byte) error {
	type plain appDoc
	if err := json.Unmarshal(text, (*plain)(d)); err != nil {
		return err
	}
	if d.ID == "" {
		return errors.New("an app with the member Id was expected")
	}
	return nil
}

func (d *appDoc) app() *App {
	return &App{
		ID: d.ID, Name: d.Name, Summary: d.Summary, Domain: d.DomainID, Member: d.MemberID, Disabled: d.Disabled,
		Keys: d.KeysNum, MaxKeys: d.MaxKeysLimit,
		Created: d.CreateTime, Publish: permissionOf(d.NotifyPublish), Listen: permissionOf(d.NotifyListen),
	}
}
