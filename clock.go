package prism

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// clock tells the platform's time: the local one, moved by what the platform
// was last seen to be ahead of it.
type clock struct {
	now   func() time.Time
	ahead atomic.Int64 // nanoseconds
}

func (c *clock) time() time.Time { return c.now().Add(c.correction()) }

func (c *clock) correction() time.Duration { return time.Duration(c.ahead.Load()) }

// learn sets the clock by an answer that refuses the time of a signature, and
// tells whether another try would carry another time. The correction is
// computed anew from the local clock, never added to the one before, so it
// vanishes when the local clock is put right.
func (c *clock) learn(o *outcome) bool {
	var failure *Error
	if !errors.As(o.err, &failure) || !refusedTime(failure) {
		return false
	}
	date, err := http.ParseTime(o.response.Header.Get("Date"))
	if err != nil {
		return false
	}
	ahead := date.Sub(o.began.Add(o.ended.Sub(o.began) / 2))
	c.ahead.Store(int64(ahead))
	return (ahead - o.ahead).Abs() >= time.Second
}

// refusedTime tells whether the platform refused the time of the signature:
// by its code or, for other versions of the platform, by a refusal that
// speaks of the time.
func refusedTime(e *Error) bool {
	if isTimeCode(e.Code) {
		return true
	}
	refused := errors.Is(e, ErrUnauthorized) || errors.Is(e, ErrForbidden)
	if _, otherwise := sentinels[e.Code]; otherwise || !refused {
		return false
	}
	text := strings.ToLower(e.Code + " " + e.Message)
	return strings.Contains(text, "sign_time") || strings.Contains(text, "timestamp")
}
