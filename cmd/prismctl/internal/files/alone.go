package files

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// Alone calls change while no other process changes the file of this name, which need not
// be there. It makes its directory, for its owner alone, and waits for its turn until ctx
// ends. Errors of its own are about what the file holds.
func Alone(ctx context.Context, what, name string, change func() error) error {
	dir := filepath.Dir(name)
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = os.Chmod(dir, 0o700) // it may have been there, open to others
	}
	if err != nil {
		return fmt.Errorf("there is no directory for %s: %w", what, err)
	}
	f, err := os.OpenFile(name+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("%s cannot be locked: %w", what, err)
	}
	defer f.Close() // which unlocks it
	if err := Lock(ctx, f); err != nil {
		return fmt.Errorf("%s cannot be locked: %w", what, err)
	}
	return change()
}
