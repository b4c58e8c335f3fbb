package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// An App is a product that calls APIs and logs its users in.
type App struct {
	ID      string // what a Key belongs to, and the app of a delivery
	Name    string // for people; the ID if empty
	Summary string
	Domain  string // apps of one domain are provisioned by its admin keys; empty is "default"

	// Redirects are the addresses that a browser may be sent back to, after
	// login and after logout. They are compared exactly; only the port of a
	// loopback address (127.0.0.1, [::1], localhost) is free, as a program on
	// the user's machine listens where it can (RFC 8252).
	Redirects []string

	// Publish is what the app's keys may publish, and Listen what is routed to
	// their queues.
	Publish, Listen Permission

	Created time.Time
}

// A Key is one deployment of an app: the unit of signing, counting and
// limiting.
type Key struct {
	ID     string // client_id
	Secret string
	App    string // the ID of the app it belongs to
	Admin  bool   // may provision the apps and keys of its app's domain

	Notes   string
	Meta    map[string]string
	Created time.Time
	Expires time.Time // zero: never
}

// The kinds of records that a Registry keeps. They have no end.
const (
	kindApp  = "app"
	kindKey  = "key"
	kindUser = "user"
)

var (
	// ErrUnknownKey is returned for a client_id that the platform does not have.
	ErrUnknownKey = errors.New("platform: unknown key")
	// ErrUnknownApp is returned for the ID of an app that the platform does
	// not have.
	ErrUnknownApp = errors.New("platform: unknown app")
)

// KeepHashes is the [Registry].Iterations that replaces no hash of a password.
const KeepHashes = -1

// A Registry keeps apps, keys and users as records of a [Store], for all
// platforms over that Store. Its methods may be called from any number of
// goroutines.
type Registry struct {
	// Iterations is what a hash of a password has at least, once its user has
	// logged in: one with fewer is replaced then. Zero means 600,000, and
	// [KeepHashes], as any negative number, replaces none. Set it before the Registry is used.
	Iterations int

	store Store
}

// NewRegistry returns a registry of what is in store.
func NewRegistry(store Store) *Registry { return &Registry{store: store} }

// App returns the app with this ID, or [ErrUnknownApp].
func (r *Registry) App(ctx context.Context, id string) (App, error) {
	app, _, err := loadRecord[App](ctx, r.store, kindApp, id)
	if err != nil {
		return App{}, instead(err, ErrUnknownApp)
	}
	return *app, nil
}

// Key returns the key with this client_id, or [ErrUnknownKey]. A key whose app
// is gone is unknown.
func (r *Registry) Key(ctx context.Context, id string) (Key, error) {
	h, err := r.holder(ctx, id, nil)
	if err != nil {
		return Key{}, err
	}
	return h.key.Key, nil
}

// instead turns the absence of a record into the error that says what of.
func instead(err, absent error) error {
	if errors.Is(err, ErrNoRecord) || errors.Is(err, ErrUnknownApp) {
		return absent
	}
	return err
}

// SaveApp stores an app, in place of the one that had the same ID. It returns the
// error of [App.Check].
func (r *Registry) SaveApp(ctx context.Context, app App) error {
	if err := app.Check(); err != nil {
		return err
	}
	return putRecord(ctx, r.store, kindApp, app.ID, func(*App) (*App, error) { return &app, nil })
}

// UpdateApp changes the app with this ID and returns what it is then, or
// [ErrUnknownApp]: it makes none. Nothing that another changes at the same
// moment is lost: change is called again then, with the app as it is now. If it
// returns an error, or leaves the app as it was, nothing is stored. The ID stays
// in any case.
func (r *Registry) UpdateApp(ctx context.Context, id string, change func(*App) error) (App, error) {
	app, err := updateRecord(ctx, r.store, kindApp, id, 0, func(app *App) (bool, error) {
		before, err := json.Marshal(app)
		if err != nil {
			return false, err
		}
		if err := change(app); err != nil {
			return false, err
		}
		app.ID = id
		after, err := json.Marshal(app)
		return !bytes.Equal(before, after), err
	})
	if err != nil {
		return App{}, instead(err, ErrUnknownApp)
	}
	return *app, nil
}

// SaveKey stores a key, in place of the one that had the same ID. Its app must
// be there, or the error is [ErrUnknownApp]. Without an ID, a Secret or an App it
// is an error, too. When the app is deleted at the same moment the key goes with
// it. The tokens that users have given to the key stay good if it was there; of one
// that is made anew, they are over.
func (r *Registry) SaveKey(ctx context.Context, key Key) error {
	if err := key.check(); err != nil {
		return err
	}
	if _, err := r.App(ctx, key.App); err != nil {
		return err
	}
	err := putRecord(ctx, r.store, kindKey, key.ID, func(old *storedKey) (*storedKey, error) { return replaceKey(old, key), nil })
	if err != nil {
		return err
	}
	return r.confirmKey(ctx, &key)
}

// check tells what a key lacks. Without a secret anybody could sign for it.
func (k *Key) check() error {
	switch {
	case k.ID == "":
		return errors.New("platform: a key needs an ID to be saved")
	case k.Secret == "":
		return fmt.Errorf("platform: the key %q needs a Secret to be saved", k.ID)
	case k.App == "":
		return fmt.Errorf("platform: the key %q needs the ID of an App to be saved", k.ID)
	}
	return nil
}

// Apps returns all apps, sorted by ID.
func (r *Registry) Apps(ctx context.Context) ([]App, error) {
	apps, err := listRecords[App](ctx, r.store, kindApp)
	slices.SortFunc(apps, func(a, b App) int { return strings.Compare(a.ID, b.ID) })
	return apps, err
}

// Keys returns all keys, sorted by ID.
func (r *Registry) Keys(ctx context.Context) ([]Key, error) {
	keys, err := listRecords[Key](ctx, r.store, kindKey)
	slices.SortFunc(keys, func(a, b Key) int { return strings.Compare(a.ID, b.ID) })
	return keys, err
}

func listRecords[T any](ctx context.Context, s Store, kind string) ([]T, error) {
	records, err := s.List(ctx, kind)
	if err != nil {
		return nil, err
	}
	values := make([]T, 0, len(records))
	for _, record := range records {
		var value T
		if err := json.Unmarshal(record.Value, &value); err != nil {
			return nil, fmt.Errorf("platform: a record of kind %s cannot be read: %w", kind, err)
		}
		values = append(values, value)
	}
	return values, nil
}
