// Package limit counts calls in fixed windows: so many in so many seconds.
package limit

import "time"

// Windows counts the calls of any number of names. Its methods may be called from any
// number of goroutines. Make it with [New].
type Windows struct{}

// New returns Windows that count at most names names at a time. When there are more, the
// ones whose windows end first are forgotten.
func New(names int) *Windows { return &Windows{} }

// Allow counts a call under name, if less than count have been counted in the window of
// length per that now is in. Windows begin at multiples of per, so that all processes have
// the same. If the call is not allowed, wait is the time to the end of the window.
func (w *Windows) Allow(name string, count int, per time.Duration, now time.Time) (wait time.Duration, ok bool) {
	return 0, true
}
