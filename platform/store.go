package platform

import (
	"context"
	"errors"
)

// A Key is one deployment of an app: the unit of signing, counting and
// limiting.
type Key struct {
	ID     string // client_id
	Secret string
	App    string // the app it belongs to
}

// Store holds the platform's records. Its methods may be called from any
// number of goroutines.
type Store interface {
	// Key returns the key with this client_id, or [ErrUnknownKey].
	Key(ctx context.Context, id string) (Key, error)
}

// ErrUnknownKey is returned for a client_id that the platform does not have.
var ErrUnknownKey = errors.New("platform: unknown key")
