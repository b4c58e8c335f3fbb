package platform

import (
	"fmt"
	"log/slog"
)

// String describes the key without its secret, so that a key can be printed.
func (k Key) String() string {
	return fmt.Sprintf("key %q of app %q", k.ID, k.App)
}

// GoString is String: %#v must not show the secret either.
func (k Key) GoString() string { return k.String() }

// LogValue makes a logged Key its String.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }
