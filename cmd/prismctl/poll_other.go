//go:build !unix

package main

import (
	"context"
	"os"
	"time"
)

// hasInput does not know.
func hasInput(*os.File, time.Duration) bool { return false }

// awaitNoReader does not know: the next write tells.
func awaitNoReader(context.Context, *os.File) bool { return false }
