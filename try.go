package prism

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// An outcome is what came of one try.
type outcome struct {
	response *Response // nil if no answer was read
	err      error
	unsent   bool          // the platform surely has not got the request
	ahead    time.Duration // the clock's correction when the request was signed
	began    time.Time
	ended    time.Time

	signature string
	proxy     string // the address of the one over which no connection was made, if any
}

// try sends r once, with a signature of its own, and reads the answer.
func (c *Client) try(ctx context.Context, r *request) outcome {
	limited, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	t := new(trace)
	o := outcome{ahead: c.clock.correction(), began: c.clock.now()}
	req, signature := c.build(t.follow(limited), r, t, &o)
	c.preventReplay(t, req)
	resp, err := c.send(c.transport, req)
	if err == nil {
		c.http1.Store(resp.ProtoMajor < 2)
		o.response, err = c.read(r, resp, signature)
	} else {
		o.unsent = c.unsent(t, limited, err)
	}
	o.ended = c.clock.now()
	switch {
	case err != nil:
		o.err = c.noAnswer(ctx, limited, r, &o, err)
	case o.response.failure != nil:
		o.err = o.response.failure
	}
	return o
}

// build returns the request of a try, signed for its time, and its signature.
func (c *Client) build(ctx context.Context, r *request, t *trace, o *outcome) (*http.Request, string) {
	t.url = r.url
	u := &t.url
	req := http.Request{Method: r.method, URL: u, Header: r.header, Host: u.Host, ProtoMajor: 1, ProtoMinor: 1}
	encoded, signature := c.authenticate(r, o.began.Add(o.ahead))
	o.signature = signature
	if r.inForm() {
		req.ContentLength = int64(len(encoded))
		req.Body = io.NopCloser(strings.NewReader(encoded))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(encoded)), nil }
	} else {
		u.RawQuery = encoded
	}
	return req.WithContext(ctx), signature
}

// send is http.Client.Do without redirects and what they cost, and without
// its Timeout, which would take the writable body of a 101 answer away.
func (c *Client) send(via http.RoundTripper, req *http.Request) (*http.Response, error) {
	if c.jar != nil {
		req.Header = req.Header.Clone()
		for _, cookie := range c.jar.Cookies(req.URL) {
			req.AddCookie(cookie)
		}
	}
	resp, err := via.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp == nil || resp.Body == nil {
		return nil, errors.New("the Transport of Config.HTTPClient returned neither an answer with a body nor an error")
	}
	if c.jar != nil {
		c.jar.SetCookies(req.URL, resp.Cookies())
	}
	return resp, nil
}

// A trace watches what net/http does with a request.
type trace struct {
	url   url.URL // where it goes; beside the rest, it is no allocation of its own
	hooks httptrace.ClientTrace
	fresh bool        // over HTTP/1, only a new connection may be used
	empty bool        // the body is an emptyBody
	got   atomic.Bool // a connection
	sent  atomic.Bool // the header
}

func (t *trace) follow(ctx context.Context) context.Context {
	t.hooks.GotConn = t.gotConn
	return httptrace.WithClientTrace(ctx, &t.hooks)
}

// unsent reports whether the server surely did not get the request: there was no
// connection, or its header did not leave. It takes net/http's word for that,
// and for a dial that failed anyone's.
func (c *Client) unsent(t *trace, limited context.Context, err error) bool {
	var op *net.OpError
	if refusedStream(err) || errors.As(err, &op) && op.Op == "dial" {
		return true
	}
	if !c.known() {
		return false
	}
	// When the context ends, HTTP/2 returns while it may still be writing.
	return !t.got.Load() || t.empty && !t.sent.Load() && limited.Err() == nil
}

// refusedStream reports whether err is what net/http says of an HTTP/2 stream
// which the server has declared unprocessed, and which it would have sent
// again itself, had it got the body. It has no other name for that.
func refusedStream(err error) bool {
	return strings.Contains(err.Error(), "http2: Transport: cannot retry err")
}

// noAnswer says why a try ended without an answer. net/http's own error holds
// the URL, and with it the signature.
func (c *Client) noAnswer(ctx, limited context.Context, r *request, o *outcome, err error) error {
	var large *BodyTooLargeError
	switch {
	case errors.As(err, &large):
		return err
	case ctx.Err() != nil:
		err = ended(ctx)
	case limited.Err() != nil:
		err = fmt.Errorf("no complete answer within %v (Config.Timeout): %w", c.cfg.Timeout, context.DeadlineExceeded)
	default:
		err = c.secrets(r, o.signature).hide(reason(err))
	}
	if o.proxy != "" {
		err = fmt.Errorf("through the proxy %s: %w", o.proxy, err)
	}
	return fmt.Errorf("prism: %s %s: %w", r.method, r.name, err)
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
		id := c.secrets(r, o.signature).clean(o.response.RequestID)
		attrs = append(attrs, slog.Int("status", o.response.Status), slog.String("request_id", id))
	}
	if o.err != nil && ctx.Err() == nil {
		attrs = append(attrs, slog.String("error", o.err.Error()))
	}
	c.log.LogAttrs(ctx, slog.LevelDebug, "prism: request", attrs...)
}
