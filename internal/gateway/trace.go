package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"maps"
	"net/http/httptrace"
	"net/textproto"
	"sync"
	"time"
)

// tracing is what net/http did with a request. Its hooks may be called after the call is
// over, by a dial that goes on.
type tracing struct {
	mu              sync.Mutex
	asked           time.Time // for a connection
	shook           time.Time // when TLS began
	sent            time.Time // all of the request, or before that its beginning
	dial, tls, wait time.Duration
	written         bool // all of the request, or so much that it was answered
	answered        bool
	hints           int
	kept            *backendConn // by which the request goes, if others have gone by it before
	before          int64        // bytes that they have written
}

// follow returns a context by which the call is traced.
func (c *call) follow(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:           c.askedConn,
		TLSHandshakeStart: c.beganTLS,
		TLSHandshakeDone:  c.endedTLS,
		GotConn:           c.gotConn,
		WroteRequest:      c.wroteRequest,
		Got1xxResponse:    c.gotHint,
	})
}

func (c *call) askedConn(string) {
	c.trace.mu.Lock()
	defer c.trace.mu.Unlock()
	c.trace.asked = time.Now()
}

func (c *call) beganTLS() {
	c.trace.mu.Lock()
	c.trace.shook = time.Now()
	c.trace.mu.Unlock()
	if p, _ := c.clock.at(); p == dialing {
		c.clock.enter(shaking)
	}
}

func (c *call) endedTLS(tls.ConnectionState, error) {
	c.trace.mu.Lock()
	defer c.trace.mu.Unlock()
	c.trace.tls = time.Since(c.trace.shook)
}

func (c *call) gotConn(info httptrace.GotConnInfo) {
	c.clock.enter(sending)
	c.trace.use(info.Conn, info.Reused)
	c.trace.mu.Lock()
	defer c.trace.mu.Unlock()
	c.trace.sent = time.Now()
	if info.Reused {
		c.trace.tls = 0
		return
	}
	c.trace.dial = time.Since(c.trace.asked) - c.trace.tls
}

// wroteRequest is called by the goroutine that writes, so the answer may overtake it.
func (c *call) wroteRequest(info httptrace.WroteRequestInfo) {
	if info.Err != nil {
		return
	}
	c.trace.mu.Lock()
	defer c.trace.mu.Unlock()
	if c.trace.answered {
		return
	}
	c.clock.enter(waiting)
	c.trace.sent, c.trace.written = time.Now(), true
}

var errHints = errors.New("the backend sends informational answers without end")

// gotHint bounds informational answers, each of which ReverseProxy passes on.
func (c *call) gotHint(int, textproto.MIMEHeader) error {
	if c.trace.hints++; c.trace.hints > maxHints {
		return errHints
	}
	return nil
}

// answered notes that the header of the answer has come.
func (c *call) answered() {
	c.trace.mu.Lock()
	defer c.trace.mu.Unlock()
	c.clock.enter(answering)
	c.trace.wait, c.trace.written, c.trace.answered = time.Since(c.trace.sent), true, true
	if c.trace.hints > 0 {
		c.restoreHeader()
	}
}

// restoreHeader makes the header of the answer what it was before the call. With each
// informational answer, ReverseProxy puts its header there and takes everything away again.
func (c *call) restoreHeader() {
	own := c.w.Header()
	clear(own)
	maps.Copy(own, c.preset)
}

func (t *tracing) fill(x *Exchange) (written bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	x.Dial, x.TLS, x.Wait = t.dial, t.tls, t.wait
	return t.written
}
