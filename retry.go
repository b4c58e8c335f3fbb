package prism

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"
)

// repeat makes tries of r until one is answered for good or no other is allowed.
func (c *Client) repeat(ctx context.Context, r *request) (*Response, error) {
	var until time.Time
	corrected := false
	var refused *Error // the failure that was answered last
	var o outcome
	for number, sent := 1, 1; ; number, sent = number+1, sent+1 {
		if err := c.awaitTurn(ctx, r, o.err); err != nil {
			return o.response, err
		}
		if sent == 1 {
			until = time.Now().Add(c.cfg.Retry.Within)
		}
		o = c.try(ctx, r, o.signedAt, sent)
		c.logTry(ctx, r, &o, number)
		if !errors.As(o.err, &refused) && o.err != nil && refused != nil {
			o.err = fmt.Errorf("%w; an earlier try: %v", o.err, refused)
		}
		if o.err == nil || ctx.Err() != nil {
			return o.response, o.err
		}
		if !corrected && c.learnClock(ctx, &o) {
			corrected = true
			number--
			continue
		}
		wait := c.wait(&o, number)
		if !retryable(r.repeatable, &o) || number == c.cfg.Retry.Tries || !inTime(ctx, until, wait) {
			c.logGivenUp(ctx, r, &o, number)
			return o.response, o.err
		}
		c.logRepeat(ctx, r, &o, number, wait)
		c.traceRepeat(ctx, &o, sent, wait)
		if err := sleep(ctx, wait); err != nil {
			return o.response, fmt.Errorf("prism: %s %s: %w while waiting to repeat after: %w", r.method, r.name, err, o.err)
		}
	}
}

// retryable reports whether a call may be tried again after o. A call that was
// certainly not processed may, any other only if it is repeatable.
func retryable(repeatable bool, o *outcome) bool {
	var failure *Error
	var large *BodyTooLargeError
	switch {
	case errors.As(o.err, &failure):
		return errors.Is(failure, ErrRateLimited) || repeatable && temporary(failure.Status)
	case errors.As(o.err, &large), permanent(o.err):
		return false
	case o.unsent:
		return true
	}
	return repeatable
}

// temporary reports whether a status is that of a gateway in trouble. 500 is not
// one: the same call would probably fail again.
func temporary(status int) bool {
	switch status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// permanent reports whether the next connection will fail in the same way.
func permanent(err error) bool {
	var certificate *tls.CertificateVerificationError
	var noTLS tls.RecordHeaderError
	return errors.As(err, &certificate) || errors.As(err, &noTLS)
}

// wait returns how long to wait after the given try.
func (c *Client) wait(o *outcome, number int) time.Duration {
	ceiling := c.cfg.Retry.Max
	if doubled := float64(c.cfg.Retry.Min) * math.Pow(2, float64(number-1)); doubled < float64(ceiling) {
		ceiling = time.Duration(doubled)
	}
	wait := time.Duration(c.random() * float64(ceiling))
	if o.response != nil {
		wait = max(wait, retryAfter(o.response.Header, c.clock.time()))
	}
	return wait
}

// retryAfter returns the wait that an answer asks for, in seconds or by a date.
// A date is compared with the time of the server, if the answer has it.
func retryAfter(h http.Header, now time.Time) time.Duration {
	asked := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(asked, 10, 64); err == nil {
		return time.Duration(min(seconds, math.MaxInt64/uint64(time.Second))) * time.Second
	}
	at, err := http.ParseTime(asked)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return max(at.Sub(now), 0)
}

// inTime reports whether a try that begins after wait begins in time.
func inTime(ctx context.Context, until time.Time, wait time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		until = deadline
	}
	return wait < time.Until(until)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ended(ctx)
	}
}

func (c *Client) logRepeat(ctx context.Context, r *request, o *outcome, number int, wait time.Duration) {
	c.log.LogAttrs(ctx, slog.LevelWarn, "prism: call will be repeated", slog.String("method", r.method),
		slog.String("path", r.name), slog.Int("try", number), slog.Duration("wait", wait), slog.String("error", o.err.Error()))
}

// logGivenUp writes a record when there was no answer, or a failure that may be
// temporary. A plain refusal is only returned to the caller.
func (c *Client) logGivenUp(ctx context.Context, r *request, o *outcome, number int) {
	if o.response != nil && o.response.Status < 500 && !errors.Is(o.err, ErrRateLimited) {
		return
	}
	c.log.LogAttrs(ctx, slog.LevelError, "prism: call given up", slog.String("method", r.method),
		slog.String("path", r.name), slog.Int("tries", number), slog.String("error", o.err.Error()))
}
