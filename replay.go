package prism

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptrace"
)

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

// emptyBody is read once the header has been handed to the network, and so
// shows whether it was. It has a WriteTo to be copied without a buffer of
// 32 KiB.
type emptyBody struct{ t *trace }

func (b emptyBody) Read([]byte) (int, error) { b.t.sent.Store(true); return 0, io.EOF }

func (b emptyBody) WriteTo(io.Writer) (int64, error) { b.t.sent.Store(true); return 0, nil }

func (b emptyBody) Close() error { return nil }
