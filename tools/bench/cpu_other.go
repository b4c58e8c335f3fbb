//go:build !unix

package main

import "time"

// cpuTime is what the process has used of all processors, and 0 where that
// cannot be told.
func cpuTime() time.Duration { return 0 }
