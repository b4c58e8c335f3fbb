package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
)

// A backendConn is a connection to a backend. It counts what leaves by it.
type backendConn struct {
	net.Conn
	written atomic.Int64
	idled   atomic.Bool // since the last request; the backend may have closed it
	closed  atomic.Bool // by the backend, while it was idle
}

var errClosedIdle = errors.New("the backend has closed the connection, which was idle")

func (c *backendConn) Write(p []byte) (int, error) {
	if c.idled.Swap(false) && closedByPeer(c.Conn) {
		c.closed.Store(true)
	}
	if c.closed.Load() {
		return 0, errClosedIdle
	}
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n))
	return n, err
}

// dialed makes the connections of dial such that count.
func dialed(dial func(ctx context.Context, network, address string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &backendConn{Conn: conn}, nil
	}
}

// RoundTrip sends the request of a call, and once only: a call of which a byte has left may
// have had its effect. A connection that was kept and that the backend has closed meanwhile is
// replaced if that is known before the first byte: nothing has left by it.
func (c *call) RoundTrip(out *http.Request) (*http.Response, error) {
	for {
		c.trace.use(nil, false)
		answer, err := c.f.transport(c.target.Service).RoundTrip(out)
		if err == nil || c.body != nil || !c.trace.unsent() || out.Context().Err() != nil {
			return answer, err
		}
		again := *out
		if c.form != "" {
			again.Body = io.NopCloser(strings.NewReader(c.form))
		}
		out = &again
	}
}

// use notes by which connection a request goes, and whether others have gone by it before.
func (t *tracing) use(conn net.Conn, reused bool) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	own, _ := conn.(*backendConn)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept = nil; own != nil && reused {
		own.idled.Store(true)
		t.kept, t.before = own, own.written.Load()
	}
}

// unsent reports whether the request has failed on a connection that was kept, and nothing of
// it has left.
func (t *tracing) unsent() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.kept != nil && t.kept.written.Load() == t.before
}
