package prism

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
)

// Stream is for an answer without an end, such as lines that come as things happen. It
// makes a call and returns as soon as the header of the answer has come, with status 200.
// The caller must read the Body of the answer, and close it. The Body ends with ctx, and
// may end in any other moment; the platform then shows nothing of what was missed.
//
// An answer that is JSON or has another status is complete: then the error is the
// [*Error] that it tells of. If the platform refuses the time of the signature, the clock
// is corrected and the request is sent once more; nothing else is repeated.
// Config.Timeout bounds the time until the header has come, and not the Body.
// Config.Trace is not told of a stream, and Config.Limiter is not asked.
func (c *Client) Stream(ctx context.Context, call Call) (*http.Response, error) {
	return c.open(ctx, call, false, c.openStream)
}

// open makes a try of a call whose answer goes on, and one more if that corrects the
// clock. try gets the sign_time of the one before and the number of the try.
func (c *Client) open(ctx context.Context, call Call, upgrade bool, try func(context.Context, *request, int64, int) (*http.Response, outcome)) (*http.Response, error) {
	if err := c.usable(ctx); err != nil {
		return nil, err
	}
	r, err := c.prepare(call, upgrade)
	if err != nil {
		return nil, err
	}
	resp, o := try(ctx, r, 0, 1)
	c.logTry(ctx, r, &o, 1)
	if resp == nil && ctx.Err() == nil && c.learnClock(ctx, &o) {
		resp, o = try(ctx, r, o.signedAt, 2)
		c.logTry(ctx, r, &o, 2)
	}
	return resp, o.err
}

// openStream returns the answer if it goes on, and what came of the try if not.
func (c *Client) openStream(ctx context.Context, r *request, last int64, _ int) (*http.Response, outcome) {
	limited, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	own, abort := context.WithCancel(ctx)
	stop := context.AfterFunc(limited, abort)
	t := new(trace)
	o := c.begin(r, last)
	req := r.build(t.follow(own), t, o.encoded)
	c.preventReplay(t, req)
	resp, err := c.send(c.transport, r, req)
	if err == nil && goesOn(resp) {
		if stop() {
			o.ended = c.clock.now()
			o.response = headOf(resp)
			resp.Body = streamBody{resp.Body, abort}
			return resp, o
		}
		resp.Body.Close()
		err = limited.Err()
	} else if err == nil {
		o.response, err = readResponse(resp, c.cfg.MaxBody, o.mask)
	}
	o.ended = c.clock.now()
	stop()
	abort()
	switch {
	case err != nil:
		o.err = c.noAnswer(ctx, limited, &o, err)
	case o.response.failure != nil:
		o.err = o.response.failure
	default:
		o.err = fmt.Errorf("prism: %s %s: the answer is complete (HTTP %d, %q): this call does not stream", r.method, r.name, o.response.Status, o.response.Header.Get("Content-Type"))
	}
	return nil, o
}

// headOf returns an answer whose body is for the caller.
func headOf(resp *http.Response) *Response {
	return &Response{Status: resp.StatusCode, Header: resp.Header, RequestID: resp.Header.Get("X-Request-Id")}
}

// goesOn reports whether the body of an answer is for the caller of Stream. What is JSON has
// the envelope of an answer that is complete.
func goesOn(resp *http.Response) bool {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return resp.StatusCode == http.StatusOK && kind != "application/json"
}

// A streamBody ends the context of its request when it is closed.
type streamBody struct {
	io.ReadCloser
	abort context.CancelFunc
}

func (b streamBody) Close() error {
	b.abort()
	return b.ReadCloser.Close()
}
