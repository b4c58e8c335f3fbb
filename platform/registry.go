package platform

import (
	"bytes"
	"cmp"
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
	ID      string // as in Key.App and in deliveries
	Name    string // for people; the ID if empty
	Summary string
	Domain  string // apps of one domain share an exchange, and its admin keys provision them; empty is "default"

	// Redirects are the addresses that a browser may be sent back to, after
	// login and after logout. They are compared exactly; only the port of a
	// loopback address (127.0.0.1, [::1], localhost) is free, as a program on
	// the user's machine listens where it can (RFC 8252).
	Redirects []string

	// Publish says what the app's keys may publish, and Listen which messages are
	// routed to their queues.
	Publish, Listen Permission

	// APIs says which APIs of services the app's keys may call.
	APIs []APIBinding `json:",omitzero"`

	// Disabled refuses the calls, channels, logins and tokens of the app's keys, and pauses
	// their pushes. Their queues go on to get messages.
	Disabled bool `json:",omitzero"`

	// Role says what the app's keys may provision; nothing if empty. Email is that of
	// the member whose app this is, and empty for other apps. Member is the ID of the app
	// whose key has made this one, if that was no admin key.
	Role   Role   `json:",omitzero"`
	Email  string `json:",omitzero"`
	Member string `json:",omitzero"`

	Created time.Time
}

// defaultDomain is the domain of apps that name none.
const defaultDomain = "default"

// Exchange returns the exchange of the app's keys, which is named as its domain.
func (a *App) Exchange() string { return cmp.Or(a.Domain, defaultDomain) }

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

	// Bindings are those that the queues of the key begin with; nil means those of
	// [QueueBounds]. They count only until the key is declared to the engine, which is
	// when its queues are first used at the latest.
	Bindings []Binding `json:",omitzero"`

	// ErrorCodes says how errors of the key's calls are coded, whatever the platform's
	// own setting is.
	ErrorCodes ErrorCodes `json:",omitzero"`

	// Push is where the messages of the default queue are posted to by platforms that
	// call [Platform.Push].
	Push Push `json:",omitzero"`
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

// KeepHashes as [Registry].Iterations means that no hash of a password is replaced.
const KeepHashes = -1

// A Registry keeps apps, keys and users as records of a [Store], for all
// platforms over that Store. Its methods may be called from any number of
// goroutines.
type Registry struct {
	// Iterations are the least iterations in the hash of a password: a hash with
	// fewer is replaced when its user logs in. Zero means 600,000, and
	// [KeepHashes], as any negative number, replaces none. Set it before the
	// Registry is used.
	Iterations int

	store           Store
	partBytes       int    // of the api.json of a service
	serviceBytes    int    // of the files of the services of a domain, for calls
	servicesChanged func() // is told when a service has changed; may be nil
}

// NewRegistry returns a registry of the records in store.
func NewRegistry(store Store) *Registry {
	return &Registry{store: store, partBytes: partBytes, serviceBytes: serviceBytes}
}

// App returns the app with this ID, or [ErrUnknownApp].
func (r *Registry) App(ctx context.Context, id string) (App, error) {
	app, _, err := loadRecord[App](ctx, r.store, kindApp, id)
	if err != nil {
		return App{}, instead(err, ErrUnknownApp)
	}
	return *app, nil
}

// Key returns the key with this client_id, or [ErrUnknownKey]. A key without an app is
// unknown, too.
func (r *Registry) Key(ctx context.Context, id string) (Key, error) {
	h, err := r.holder(ctx, id, nil)
	if err != nil {
		return Key{}, err
	}
	return h.key.Key, nil
}

// instead returns absent if err says that a record does not exist, and otherwise err.
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

// UpdateApp changes the app with this ID and returns the new one. It returns
// [ErrUnknownApp] if there is none. No change that is made at the same moment is lost:
// change is then called again with the new app. If it returns an error, or does not
// change the app, nothing is stored. The ID cannot be changed.
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

// SaveKey stores a key, in place of the one that had the same ID. It returns
// [ErrUnknownApp] if its app does not exist, and an error if ID, Secret or App are
// empty, or if Bindings have a pattern that is not valid, or too many or too large ones,
// or if Push is not valid.
// If the app is deleted at the same moment, the key is deleted with it. When an existing
// key is replaced, the tokens that users have given to it stay valid. A key that is made
// again after a deletion does not get the old tokens back. The engine learns of a new key
// when a platform first uses the queues of the key, or by [Platform.Reconcile]; before
// that nothing is routed to it.
func (r *Registry) SaveKey(ctx context.Context, key Key) error {
	if err := key.check(); err != nil {
		return err
	}
	if _, err := r.App(ctx, key.App); err != nil {
		return err
	}
	pushed := key.Push.URL != ""
	err := putRecord(ctx, r.store, kindKey, key.ID, func(old *storedKey) (*storedKey, error) {
		pushed = pushed || old != nil && old.Push.URL != ""
		return replaceKey(old, key), nil
	})
	if err == nil {
		err = r.confirmKey(ctx, &key)
	}
	if err == nil && pushed {
		err = r.notePush(ctx)
	}
	return err
}

// check returns an error if a required field of the key is empty, or its Bindings are not
// valid. Without a secret anybody could sign for the key.
func (k *Key) check() error {
	switch {
	case k.ID == "":
		return errors.New("platform: a key needs an ID to be saved")
	case k.Secret == "":
		return fmt.Errorf("platform: the key %q needs a Secret to be saved", k.ID)
	case k.App == "":
		return fmt.Errorf("platform: the key %q needs the ID of an App to be saved", k.ID)
	}
	if !k.ErrorCodes.valid() {
		return fmt.Errorf("platform: the ErrorCodes of the key %q are %q; they are %q, %q or none", k.ID, string(k.ErrorCodes), WordCodes, PrismCodes)
	}
	patterns, topics := make([]string, len(k.Bindings)), 0
	for i, b := range k.Bindings {
		patterns[i] = b.Pattern
		topics += len(b.Topic)
	}
	if topics > topicsBytes {
		return fmt.Errorf("platform: the topics in the bindings of the key %q have %d bytes together; at most %d are allowed", k.ID, topics, topicsBytes)
	}
	if err := checkPatterns(patterns); err != nil {
		return fmt.Errorf("platform: a binding of the key %q: %w", k.ID, err)
	}
	if err := k.Push.check(); err != nil {
		return fmt.Errorf("platform: the push of the key %q: %w", k.ID, err)
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
