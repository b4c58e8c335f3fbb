//go:build !unix

package pipes

import (
	"context"
	"os"
	"time"
)

// HasInput does not know.
func HasInput(*os.File, time.Duration) bool { return false }

// AwaitNoReader does not know: the next write tells.
func AwaitNoReader(context.Context, *os.File) bool { return false }
