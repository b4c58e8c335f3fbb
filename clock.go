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

// clock has the platform's time: the local time and a correction, by which the
// platform's clock was last seen to be ahead.
type clock struct {
	now   func() time.Time
	ahead atomic.Int64 // nanoseconds
}

func (c *clock) time() time.Time { return c.now().Add(c.correction()) }

func (c *clock) correction() time.Duration { return time.Duration(c.ahead.Load()) }

// maxCorrection bounds the correction. An attacker that could move the clock
// further would obtain signatures that are good in years to come.
const maxCorrection = 24 * time.Hour

// learnClock corrects the clock if o is a refusal of the time, and reports whether
// another try would be signed for another time.
func (c *Client) learnClock(ctx context.Context, o *outcome) bool {
	learned := c.clock.learn(o, originOf(&c.base))
	if learned {
		c.log.LogAttrs(ctx, slog.LevelInfo, "prism: clock corrected by the platform's", slog.Duration("ahead", c.clock.correction()))
	}
	return learned
}

// learn sets the clock by an answer that refuses the time of a signature. The correction is
// computed from the local clock each time and never added to the one before, so
// it vanishes when the local clock is set right. A date that a proxy may have
// written, or one that is too far away, is shown in the error and not used.
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
	if !from.local && (!from.authentic || ahead.Abs() > maxCorrection) {
		failure.advice = fmt.Sprintf("check the clock of this machine: it shows %s, and the answer is of %s; it is corrected over https only, and by a day at most",
			o.began.UTC().Format(time.RFC3339), date.UTC().Format(time.RFC3339))
		return false
	}
	c.ahead.Store(int64(ahead))
	return (ahead - o.ahead).Abs() >= time.Second
}

// An origin says where an answer is from.
type origin struct {
	local     bool // this machine
	authentic bool // by TLS
}

func originOf(u *url.URL) origin {
	return origin{local: isLoopback(u.Hostname()), authentic: u.Scheme == "https"}
}

// refusedTime reports whether the platform refused the time of the signature:
// by its code or, as other versions of the platform do, by a refusal whose text
// names the time.
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
