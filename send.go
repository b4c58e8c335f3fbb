package prism

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
)

// A trace records what net/http does with a request.
type trace struct {
	url   url.URL // of the request; here, it needs no allocation of its own
	hooks httptrace.ClientTrace
	fresh bool        // over HTTP/1, only a new connection may be used
	empty bool        // the body is an emptyBody
	got   atomic.Bool // a connection
	sent  atomic.Bool // the header
}

func (t *trace) follow(ctx context.Context) context.Context {
	t.hooks.GotConn = t.gotConn
	return httptrace.WithClientTrace(discreet(ctx), &t.hooks)
}

// preventReplay keeps net/http from sending a request a second time over
// another connection when a reused one is lost before the answer. Over HTTP/1
// it does so unasked with GET, and whatever else has an Idempotency-Key, if it
// can get the body again; whether that is harmless, only the caller knows. So
// such a request has a body that cannot be had again. The empty one of a GET
// leaves no trace there: with the encoding given as identity, net/http neither
// probes it nor sends it in chunks.
//
// HTTP/2 would send the empty body as a frame of its own, and repeats only
// what the server has not processed. So a request gets none while the server
// is not known to speak HTTP/1. That can be wrong, but not on a new connection:
// only a reused one makes net/http repeat.
func (c *Client) preventReplay(t *trace, req *http.Request) {
	if req.Method != http.MethodGet && req.Header["Idempotency-Key"] == nil && req.Header["X-Idempotency-Key"] == nil {
		return
	}
	req.GetBody = nil
	switch {
	case req.Body != nil:
	case c.http1.Load():
		t.empty = true
		req.Body, req.TransferEncoding = emptyBody{t}, identity
	default:
		t.fresh = true
	}
}

// send is http.Client.Do without redirects, and without its Timeout, which would
// make the body of a 101 answer read-only.
func (c *Client) send(via http.RoundTripper, r *request, req *http.Request) (*http.Response, error) {
	if c.jar != nil {
		req.Header = req.Header.Clone()
		for _, cookie := range c.jar.Cookies(req.URL) {
			req.AddCookie(cookie)
		}
	}
	if c.wrapped != nil {
		via, req = c.wrapped, r.conceal(req, via)
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

// gotConn is called when a request has a connection, before anything is sent. A
// closed connection makes net/http take the next, as nothing was written to it.
func (t *trace) gotConn(info httptrace.GotConnInfo) {
	t.got.Store(true)
	if t.fresh && info.Reused && !overHTTP2(info) {
		info.Conn.Close()
	}
}

// overHTTP2 reports whether a connection speaks HTTP/2. Without TLS it is taken
// for HTTP/1.
func overHTTP2(info httptrace.GotConnInfo) bool {
	conn, ok := info.Conn.(interface{ ConnectionState() tls.ConnectionState })
	return ok && conn.ConnectionState().NegotiatedProtocol == "h2"
}

var identity = []string{"identity"}

// emptyBody notes that it was read, which happens after the header was sent. Its
// WriteTo saves the buffer of 32 KiB with which it would be copied.
type emptyBody struct{ t *trace }

func (b emptyBody) Read([]byte) (int, error) { b.t.sent.Store(true); return 0, io.EOF }

func (b emptyBody) WriteTo(io.Writer) (int64, error) { b.t.sent.Store(true); return 0, nil }

func (b emptyBody) Close() error { return nil }

// unsent reports whether the server certainly did not get the request: there was
// no connection, or the header was not sent. Only the transport of net/http is
// trusted to report that; a failed dial is believed of any transport.
func (c *Client) unsent(t *trace, limited context.Context, err error) bool {
	var op *net.OpError
	if refusedStream(err) || errors.As(err, &op) && op.Op == "dial" {
		return true
	}
	if !c.standard() {
		return false
	}
	// When the context ends, HTTP/2 returns while it may still be writing.
	return !t.got.Load() || t.empty && !t.sent.Load() && limited.Err() == nil
}

// refusedStream reports whether err is that of net/http for an HTTP/2 stream which
// the server has declared unprocessed, and which net/http would have sent again
// if it could read the body again. Only the text of the error shows it.
func refusedStream(err error) bool {
	return strings.Contains(err.Error(), "http2: Transport: cannot retry err")
}
