package admin

import (
	"errors"
	"fmt"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/code"
)

// Sentinels that errors.Is finds by the platform's code; errors.As finds the
// [*prism.Error] beside them.
var (
	// ErrExists: the ID of a new app is that of another app.
	ErrExists = errors.New("admin: there is an app with this ID")

	// ErrTooManyApps: the domain has as many apps as it may have.
	ErrTooManyApps = errors.New("admin: too many apps")

	// ErrTooManyKeys: the app has as many keys as it may have.
	ErrTooManyKeys = errors.New("admin: too many keys")

	// ErrInUse: a client cannot delete its own key or app.
	ErrInUse = errors.New("admin: in use by this client")
)

var sentinels = map[string]error{
	code.AppExists:   ErrExists,
	code.TooManyApps: ErrTooManyApps,
	code.TooManyKeys: ErrTooManyKeys,
	code.InUse:       ErrInUse,
}

// withSentinel adds the sentinel of what the platform answered, if it has one.
func withSentinel(err error) error {
	var refused *prism.Error
	if !errors.As(err, &refused) || sentinels[refused.Code] == nil {
		return err
	}
	return fmt.Errorf("%w: %w", sentinels[refused.Code], err)
}
