package prism

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/shopex/prism-go/internal/code"
)

// clock tells the platform's time: the local one, moved by what the platform
// was last seen to be ahead of it.
type clock struct {
	now   func() time.Time
	ahead atomic.Int64 // nanoseconds
}

func (c *clock) time() time.Time { return c.now().Add(c.correction()) }

func (c *clock) correction() time.Duration { return time.Duration(c.ahead.Load()) }

// farthest is how wrong a clock may be that is corrected. Whoever could move it
// further would have signatures made for years to come.
const farthest = 24 * time.Hour

func (c *Client) learnClock(ctx context.Context, o *outcome) bool {
	learned := c.clock.learn(o, originOf(&c.base))
	if learned {
		c.log.LogAttrs(ctx, slog.LevelInfo, "prism: clock corrected by the platform's", slog.Duration("ahead", c.clock.correction()))
	}
	return learned
}

// learn sets the clock by an answer that refuses the time of a signature, and
// reports whether another try would carry another time. The correction is
// computed anew from the local clock, never added to the one before, so it
// vanishes when the local clock is put right. A date that anybody on the way
// may have written, or one that is too far away, is told and not taken.
func (c *clock) learn(o *outcome, from origin) bool {
	var failure *Error
	if !errors.As(o.err, &failure) || !refusedTime(failure) {
		return false
	}
	date, err := http.ParseTime(o.response.Header.Get("Date"))
	if err != nil {
		return false
	}
	ahead := date.Sub(o.began.Add(o.ended.Sub(o.began) / 2))
	if !from.local && (!from.authentic || ahead.Abs() > farthest) {
		failure.advice = fmt.Sprintf("check the clock of this machine: it shows %s, and the answer is of %s; it is corrected over https only, and by a day at most",
			o.began.UTC().Format(time.RFC3339), date.UTC().Format(time.RFC3339))
		return false
	}
	c.ahead.Store(int64(ahead))
	return (ahead - o.ahead).Abs() >= time.Second
}

// An origin is what is known of where an answer is from.
type origin struct {
	local     bool // this machine
	authentic bool // by TLS
}

func originOf(u *url.URL) origin {
	return origin{local: isLoopback(u.Hostname()), authentic: u.Scheme == "https"}
}

// refusedTime reports whether the platform refused the time of the signature:
// by its code or, for other versions of the platform, by a refusal that
// speaks of the time.
func refusedTime(e *Error) bool {
	if code.IsSignTime(e.Code) {
		return true
	}
	refused := errors.Is(e, ErrUnauthorized) || errors.Is(e, ErrForbidden)
	if _, otherwise := code.Named(e.Code); otherwise || !refused {
		return false
	}
	text := strings.ToLower(e.Code + " " + e.Message)
	return strings.Contains(text, "sign_time") || strings.Contains(text, "timestamp")
}
