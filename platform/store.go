package platform

import (
	"context"
	"errors"
	"time"
)

// A Key is one deployment of an app: the unit of signing, counting and
// limiting.
type Key struct {
	ID     string // client_id
	Secret string
	App    string // the app it belongs to
}

// An App is a product that calls APIs and logs its users in.
type App struct {
	Name string
	// Redirects are the addresses that a browser may be sent back to, after
	// login and after logout. They are compared exactly; only the port of a
	// loopback address (127.0.0.1, [::1], localhost) is free, as a program on
	// the user's machine listens where it can (RFC 8252).
	Redirects []string
}

// A Record is what a Store remembers under a kind and an id.
type Record struct {
	Value []byte
	// Revision is the number that Save returned for this value.
	Revision uint64
}

// Store holds the platform's records: the keys and apps that its operator
// gives it, and what the platform itself has to remember for a while (login
// sessions, codes, grants). Its methods may be called from any number of
// goroutines. Package platform/storetest has its promises as tests.
type Store interface {
	// Key returns the key with this client_id, or [ErrUnknownKey].
	Key(ctx context.Context, id string) (Key, error)

	// App returns the app with this name, or [ErrUnknownApp].
	App(ctx context.Context, name string) (App, error)

	// Load returns a record, or [ErrNoRecord] when there is none or it has
	// expired. The value belongs to the caller.
	//
	// A kind is a word of letters; an id has 1 to 64 letters and digits.
	// Records of different kinds have nothing to do with each other.
	Load(ctx context.Context, kind, id string) (Record, error)

	// Save stores value, at most a few KiB of any bytes, for ttl, which is
	// positive; the record may live a little longer, by at most some seconds,
	// but never shorter. Revision 0 stores it only where there is no record;
	// any other only in place of the record with exactly this revision. Where
	// that does not hold nothing is stored and the error is [ErrConflict].
	//
	// It returns the revision of what was stored: larger than 0, and another
	// one for each Save as long as the record lives.
	Save(ctx context.Context, kind, id string, value []byte, revision uint64, ttl time.Duration) (uint64, error)

	// Delete removes a record. There need not be one.
	Delete(ctx context.Context, kind, id string) error
}

var (
	// ErrUnknownKey is returned for a client_id that the platform does not have.
	ErrUnknownKey = errors.New("platform: unknown key")
	// ErrUnknownApp is returned for the name of an app that the platform does
	// not have.
	ErrUnknownApp = errors.New("platform: unknown app")
	// ErrNoRecord is returned by [Store.Load] when there is no such record.
	ErrNoRecord = errors.New("platform: no such record")
	// ErrConflict is returned by [Store.Save] when the record is not as the
	// revision says; load it again to see what it is now.
	ErrConflict = errors.New("platform: the record was changed meanwhile")
)
