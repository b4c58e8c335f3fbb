package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/shopex/prism-go"
)

// A Key is one deployment of an app. Printed or logged, it does not show its
// Secret; as JSON it does.
type Key struct {
	ID      string // the client_id
	Secret  string // only in what CreateKey and RotateKey return
	App     string // the ID of the app it belongs to
	Domain  string // of the app
	Notes   string
	Meta    map[string]string
	Created time.Time // to the millisecond
	Expires time.Time // to the second; zero: never

	// PushURL is where the messages of the key's default queue are posted to, empty if
	// they are not; and PushWorkers is how many at a time, then. See [Client.SetPush].
	PushURL     string
	PushWorkers int
}

// String describes the key without its secret.
func (k Key) String() string { return fmt.Sprintf("key %q of app %q", k.ID, k.App) }

// GoString is String: %#v must not show the secret either.
func (k Key) GoString() string { return k.String() }

// LogValue makes a logged Key its String.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// NewKey says what key to make. Its zero value is a key that never expires.
type NewKey struct {
	// Notes is for people, at most 1,024 bytes.
	Notes string
	// Meta is kept and returned as it is: at most 64 texts, 4,096 bytes as
	// JSON.
	Meta map[string]string
	// Expires is when the key is refused from, to the second. Zero is never; any
	// other time must be after the beginning of 1970 in UTC.
	Expires time.Time
	// Bindings are the patterns that the default queue of the key is bound to from the
	// beginning. Nil leaves that to the settings of the platform, which mostly bind it to
	// none; an empty slice is none.
	Bindings []string
	// ErrorCodes says how errors of the key's calls are coded: "word" as this module
	// reads them, "prism" as the numbers of the original platform. Empty leaves that to
	// the settings of the platform.
	ErrorCodes string
}

// expires returns the parameter of Expires. The platform would read a time up to the
// beginning of 1970 as never, which a caller that computed it did not mean.
func (k *NewKey) expires() (time.Time, error) {
	if k.Expires.Unix() <= 0 {
		return time.Time{}, &prism.ParamError{
			Name: "expired_date",
			Err:  fmt.Errorf("NewKey.Expires is %v; it must be after 1970-01-01T00:00:00Z, or zero for never", k.Expires),
		}
	}
	return k.Expires, nil
}

// CreateKey makes a key of an app, with an ID and a Secret of its own. The
// error matches [ErrTooManyKeys] if the app has as many as it may have, and
// [prism.ErrForbidden] if the app may not listen to one of the Bindings. It is a
// [*prism.ParamError] if Expires is none of the times that it may be.
func (c *Client) CreateKey(ctx context.Context, appID string, key NewKey) (*Key, error) {
	params := prism.Params{"app_id": appID}
	setText(params, "desc", key.Notes)
	setText(params, "error_codes", key.ErrorCodes)
	if len(key.Meta) > 0 {
		params["meta"] = key.Meta
	}
	if !key.Expires.IsZero() {
		expires, err := key.expires()
		if err != nil {
			return nil, err
		}
		params["expired_date"] = expires
	}
	if err := setPatterns(params, "bindings", key.Bindings); err != nil {
		return nil, err
	}
	var doc newKeyDoc
	if err := c.post(ctx, "platform/key/create", params, &doc); err != nil {
		return nil, err
	}
	return doc.key(), nil
}

// Key returns the key with this client_id, without its secret.
func (c *Client) Key(ctx context.Context, id string) (*Key, error) {
	path, err := info("platform/key/info", id)
	if err != nil {
		return nil, err
	}
	var doc keyDoc
	if err := c.get(ctx, path, nil, &doc); err != nil {
		return nil, err
	}
	return doc.key(), nil
}

// Keys returns the keys of an app without their secrets, sorted by ID.
func (c *Client) Keys(ctx context.Context, appID string) ([]*Key, error) {
	var docs []keyDoc
	if err := c.get(ctx, "platform/key/list", prism.Params{"app_id": appID}, &docs); err != nil {
		return nil, err
	}
	keys := make([]*Key, len(docs))
	for i, doc := range docs {
		keys[i] = doc.key()
	}
	return keys, nil
}

// RotateKey gives a key a new secret, and returns the key with it: it is shown
// only here. The old secret stays valid for grace (whole seconds, up to 90 days), so
// that its holders can be given the new one. With a grace of 0 it is refused from now
// on, and its connections are closed. A secret from before the last rotation is no
// longer valid.
//
// If no answer comes, the key may have been rotated: within the grace of the first
// try another RotateKey helps. A client of this very key has to go on with the new
// secret.
func (c *Client) RotateKey(ctx context.Context, id string, grace time.Duration) (*Key, error) {
	if grace < 0 || grace%time.Second != 0 {
		return nil, &prism.ParamError{Name: "grace", Err: fmt.Errorf("it is %v; it must be whole seconds, and not negative", grace)}
	}
	var doc newKeyDoc
	params := prism.Params{"key": id, "grace": int64(grace / time.Second)}
	if err := c.post(ctx, "platform/key/rotate", params, &doc); err != nil {
		return nil, err
	}
	return doc.key(), nil
}

// ExpireKey changes when a key is refused from, to the second; a zero time is never. From
// then on its connections are closed, while its queues stay and get messages, so it can be
// switched on again. For a time that is over and the client's own key the error matches
// [ErrInUse].
func (c *Client) ExpireKey(ctx context.Context, id string, expires time.Time) error {
	at := int64(0)
	if !expires.IsZero() {
		if at = expires.Unix(); at <= 0 {
			return &prism.ParamError{Name: "expired_date", Err: fmt.Errorf("it is %v; it must be after 1970-01-01T00:00:00Z, or zero for never", expires)}
		}
	}
	var doc keyDoc
	return c.post(ctx, "platform/key/expire", prism.Params{"key": id, "expired_date": at}, &doc)
}

// DeleteKey removes a key with its connections and its queues, and what is in
// these. For the client's own key the error matches [ErrInUse].
func (c *Client) DeleteKey(ctx context.Context, id string) error {
	return c.post(ctx, "platform/key/delete", prism.Params{"key": id}, nil)
}

// A keyDoc is a key in the members of the platform's answer. ClientID is the
// app's ID: the names are older than the difference between app and key.
type keyDoc struct {
	Key        string
	Secret     string
	ClientID   string `json:"ClientId"`
	DomainID   string `json:"DomainId"`
	Notes      string
	Meta       metaDoc
	CreateTime time.Time
	Expired    int64

	NotifyPushURL string `json:"NotifyPushUrl"`
	PushWorkers   int
}

// UnmarshalJSON refuses what is no key.
func (d *keyDoc) UnmarshalJSON(text []byte) error {
	type plain keyDoc
	if err := json.Unmarshal(text, (*plain)(d)); err != nil {
		return err
	}
	if d.Key == "" {
		return errors.New("a key with the member Key was expected")
	}
	return nil
}

// A newKeyDoc is a key in an answer that has its secret.
type newKeyDoc struct{ keyDoc }

// UnmarshalJSON refuses what has no secret.
func (d *newKeyDoc) UnmarshalJSON(text []byte) error {
	if err := d.keyDoc.UnmarshalJSON(text); err != nil {
		return err
	}
	if d.Secret == "" {
		return errors.New("a key with the member Secret was expected")
	}
	return nil
}

func (d *keyDoc) key() *Key {
	k := &Key{
		ID: d.Key, Secret: d.Secret, App: d.ClientID, Domain: d.DomainID,
		Notes: d.Notes, Meta: d.Meta, Created: d.CreateTime,
		PushURL: d.NotifyPushURL, PushWorkers: d.PushWorkers,
	}
	if d.Expired > 0 {
		k.Expires = time.Unix(d.Expired, 0).UTC()
	}
	return k
}

// A metaDoc is the Meta of a key. Anything but texts by name is read as none, as
// other platforms keep whatever they were given.
type metaDoc map[string]string

func (m *metaDoc) UnmarshalJSON(text []byte) error {
	var texts map[string]string
	if json.Unmarshal(text, &texts) == nil {
		*m = texts
	}
	return nil
}
