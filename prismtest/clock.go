package prismtest

import (
	"sync/atomic"
	"time"
)

// clock is the platform's clock: base, moved by ahead.
type clock struct {
	base  func() time.Time
	ahead atomic.Int64 // nanoseconds
}

func (c *clock) now() time.Time { return c.base().Add(time.Duration(c.ahead.Load())) }

// Now returns the time by the platform's clock.
func (s *Server) Now() time.Time { return s.clock.now() }

// Advance moves the platform's clock by d from where it is, back if d is
// negative. The clock judges signatures, sessions, codes and tokens, and stamps
// messages and answers.
// Timers, such as those of pings, go by real time, or by that of the synctest
// bubble.
func (s *Server) Advance(d time.Duration) { s.clock.ahead.Add(int64(d)) }
