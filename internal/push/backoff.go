package push

import (
	"math/rand/v2"
	"time"
)

const (
	firstPause = 200 * time.Millisecond
	lastPause  = time.Minute
)

// Pause returns how long to wait after the nth failure in a row, which counts from 1: at
// most 200 ms after the first, twice as much after each further one, at most a minute. It is
// random in the upper half of that, so that those who failed together do not come
// together.
func Pause(n int) time.Duration {
	most := lastPause
	if n < 1 {
		n = 1
	}
	if n < 32 && firstPause<<(n-1) < lastPause {
		most = firstPause << (n - 1)
	}
	return most/2 + rand.N(most/2+1)
}
