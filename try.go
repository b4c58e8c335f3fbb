package prism

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/shopex/prism-go/sign"
)

// An outcome is what came of one try.
type outcome struct {
	response *Response // nil if no answer was read
	err      error
	unsent   bool          // the platform certainly did not get the request
	ahead    time.Duration // the clock's correction when the request was signed
	began    time.Time
	ended    time.Time
	proof
	proto string // of the answer
	proxy string // the address of the proxy that gave no connection, if any
}

// try sends r once, with a signature of its own, and reads the answer. last is
// the sign_time of the try before, and number counts the tries.
func (c *Client) try(ctx context.Context, r *request, last int64, number int) outcome {
	ctx, r = c.startTry(ctx, r, number)
	limited, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	t := new(trace)
	o := c.begin(r, last)
	req := r.build(t.follow(limited), t, o.encoded)
	c.preventReplay(t, req)
	resp, err := c.send(c.transport, r, req)
	if err == nil {
		c.http1.Store(resp.ProtoMajor < 2)
		o.proto = resp.Proto
		o.response, err = readResponse(resp, c.cfg.MaxBody, o.mask)
	} else {
		o.unsent = c.unsent(t, limited, err)
	}
	o.ended = c.clock.now()
	switch {
	case err != nil:
		o.err = c.noAnswer(ctx, limited, &o, err)
	case o.response.failure != nil:
		o.err = o.response.failure
	}
	c.endTry(ctx, &o, number)
	return o
}

// begin returns the outcome of a try that begins now, with its proof.
func (c *Client) begin(r *request, last int64) outcome {
	o := outcome{ahead: c.clock.correction(), began: c.clock.now()}
	o.proof = c.authenticate(r, o.began.Add(o.ahead), last)
	return o
}

// A proof shows that the holder of the key makes a try.
type proof struct {
	encoded  string // the parameters of the call and those of the system
	signedAt int64  // the sign_time; 0 in secret mode
	mask     mask
}

// authenticate signs r for the given time, or adds the secret in secret mode.
func (c *Client) authenticate(r *request, now time.Time, last int64) proof {
	var buffer [512]byte
	dst := appendPair(append(buffer[:0], r.encoded...), "client_id", c.cfg.Key)
	if c.cfg.SecretMode {
		return proof{encoded: string(appendPair(dst, "client_secret", c.cfg.Secret)), mask: mask{client: c, call: r}}
	}
	at := signTime(now, last)
	system := [...]string{c.cfg.Key, "md5", strconv.FormatInt(at, 10)}
	signed := sign.Request{Method: r.method, Path: r.url.Path, Header: r.header, Query: r.query, Form: r.form}
	values := &signed.Query
	if r.inForm() {
		values = &signed.Form
	}
	*values = maps.Clone(*values)
	(*values)["client_id"] = system[0:1:1]
	(*values)["sign_method"] = system[1:2:2]
	(*values)["sign_time"] = system[2:3:3]
	dst = appendPair(dst, "sign_method", system[1])
	dst = appendPair(dst, "sign_time", system[2])
	encoded := string(sign.Append(append(dst, "&sign="...), c.cfg.Secret, signed))
	return proof{encoded: encoded, signedAt: at, mask: mask{c, r, encoded[len(encoded)-sign.Size:]}}
}

// signTime returns the sign_time of a try. Each try within a second has its own,
// as a platform may accept a signature only once.
func signTime(now time.Time, last int64) int64 {
	const close = 10 // seconds
	at := now.Unix()
	if ahead := last - at; 0 <= ahead && ahead < close {
		return last + 1
	}
	return at
}

// build returns the HTTP request of a try with the encoded parameters.
func (r *request) build(ctx context.Context, t *trace, encoded string) *http.Request {
	t.url = r.url
	u := &t.url
	req := http.Request{Method: r.method, URL: u, Header: r.header, Host: u.Host, ProtoMajor: 1, ProtoMinor: 1}
	if r.inForm() {
		req.ContentLength = int64(len(encoded))
		req.Body = io.NopCloser(strings.NewReader(encoded))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(encoded)), nil }
	} else {
		u.RawQuery = encoded
	}
	return req.WithContext(ctx)
}

// noAnswer returns why a try ended without an answer. The error of net/http
// itself would show the URL, and with it the signature.
func (c *Client) noAnswer(ctx, limited context.Context, o *outcome, err error) error {
	var large *BodyTooLargeError
	switch {
	case errors.As(err, &large):
		return err
	case ctx.Err() != nil:
		err = ended(ctx)
	case limited.Err() != nil:
		err = fmt.Errorf("no complete answer within %v (Config.Timeout): %w", c.cfg.Timeout, context.DeadlineExceeded)
	default:
		err = o.mask.secrets().hide(reason(err))
	}
	if o.proxy != "" {
		err = fmt.Errorf("through the proxy %s: %w", o.proxy, err)
	}
	return fmt.Errorf("prism: %s %s: %w", o.mask.call.method, o.mask.call.name, err)
}

// ended returns an error that matches ctx.Err() and names the cause, if there
// is one beside it.
func ended(ctx context.Context) error {
	if cause := context.Cause(ctx); cause != ctx.Err() {
		return fmt.Errorf("%w: %w", ctx.Err(), cause)
	}
	return ctx.Err()
}

// logTry writes one record for each request sent.
func (c *Client) logTry(ctx context.Context, r *request, o *outcome, number int) {
	if !c.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", r.method), slog.String("path", r.name),
		slog.Int("try", number), slog.Duration("took", o.ended.Sub(o.began)),
	}
	if o.response != nil {
		id := o.mask.secrets().clean(o.response.RequestID)
		attrs = append(attrs, slog.Int("status", o.response.Status), slog.String("request_id", id))
	}
	if o.err != nil && ctx.Err() == nil {
		attrs = append(attrs, slog.String("error", o.err.Error()))
	}
	c.log.LogAttrs(ctx, slog.LevelDebug, "prism: request", attrs...)
}
