package files

import (
	"context"
	"os"
	"time"

	"github.com/shopex/prism-go/internal/lock"
)

// Lock locks a file until it is closed, or its process has ended. No system
// call waits for a lock and for ctx, so it asks again and again.
func Lock(ctx context.Context, f *os.File) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		if locked, err := lock.Try(f); locked || err != nil {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
