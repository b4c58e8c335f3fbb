package prism

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
)

// Upgrade is for adapters that speak another protocol: to publish and consume messages,
// use package notify. It asks the server to switch to the protocol that header names, by
// a signed GET of path through the RoundTripper of the HTTP client, and returns the
// answer with status 101. The Body of that is the connection, an [io.ReadWriteCloser]
// that the caller must close. If the RoundTripper is an [http.Transport], the Body has a
// method NetConn, which returns the [net.Conn] below, for its deadlines and addresses;
// reading from that or writing to it may lose bytes. Any other answer is an [*Error]. If
// the platform refuses the time of the signature, the clock is corrected and the request
// is sent once more; nothing else is repeated.
//
// A proxy of the http.Transport, or of the environment, is asked for a tunnel by CONNECT,
// for http as for https. An error of the proxy or the tunnel contains the address of the
// proxy, and never its password.
//
// ctx and Config.Timeout bound the handshake, and not the connection.
func (c *Client) Upgrade(ctx context.Context, path string, header http.Header) (*http.Response, error) {
	return c.open(ctx, Call{Path: path, Header: header}, true, c.handshake)
}

// handshake returns the answer if it opens a connection, and what came of the
// try if not.
func (c *Client) handshake(ctx context.Context, r *request, last int64, number int) (*http.Response, outcome) {
	ctx, r = c.startTry(ctx, r, number)
	resp, o := c.shake(ctx, r, last)
	c.endTry(ctx, &o, number)
	return resp, o
}

func (c *Client) shake(ctx context.Context, r *request, last int64) (*http.Response, outcome) {
	limited, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	// A RoundTripper may tie the connection to the context of its request, so
	// that one ends by abort alone, which is called only until the answer.
	own, abort := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(limited, abort)
	var got atomic.Pointer[net.Conn]
	own = httptrace.WithClientTrace(discreet(own), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { got.Store(&info.Conn) },
	})
	o := c.begin(r, last)
	req := r.build(own, new(trace), o.encoded)
	via, proxy, err := c.through(req)
	var resp *http.Response
	if err == nil {
		resp, err = c.send(via, r, req)
	}
	if err != nil && got.Load() == nil {
		o.proxy = proxy
	}
	if err == nil {
		o.proto = resp.Proto
	}
	if err == nil && resp.StatusCode == http.StatusSwitchingProtocols {
		if err = c.exposeConnection(resp, got.Load()); err == nil && stop() {
			o.ended = c.clock.now()
			o.response = headOf(resp)
			return resp, o
		}
		resp.Body.Close()
	} else if err == nil {
		o.response, err = readResponse(resp, c.cfg.MaxBody, o.mask)
	}
	o.ended = c.clock.now()
	stop()
	abort()
	o.err = c.refused(ctx, limited, &o, err)
	return nil, o
}

// exposeConnection gives the body of resp a method NetConn, if the connection below
// it is known.
func (c *Client) exposeConnection(resp *http.Response, got *net.Conn) error {
	body, ok := resp.Body.(io.ReadWriteCloser)
	switch {
	case ok:
	case resp.Header.Get("Upgrade") == "":
		return errors.New("the answer has status 101 and no header Upgrade: " + noWebSocket)
	case !hasToken(resp.Header["Connection"], "upgrade"):
		return errors.New("the answer has status 101 and no header Connection: Upgrade: " + noWebSocket)
	default:
		return errors.New("the Transport of Config.HTTPClient hides the connection: use one that leaves the body of a 101 answer as it is")
	}
	if got != nil && c.standard() {
		resp.Body = connection{body, *got}
	}
	return nil
}

const noWebSocket = "what answers, or a proxy on the way, does not speak WebSocket"

// hasToken reports whether a header that is a list has token, which is in lower case.
func hasToken(list []string, token string) bool {
	for _, line := range list {
		for one := range strings.SplitSeq(line, ",") {
			if strings.ToLower(strings.TrimSpace(one)) == token {
				return true
			}
		}
	}
	return false
}

// A connection is the body of a 101 answer and the connection below, which net/http
// hides.
type connection struct {
	io.ReadWriteCloser
	conn net.Conn
}

func (c connection) NetConn() net.Conn { return c.conn }

func (c connection) CloseWrite() error {
	if half, ok := c.ReadWriteCloser.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return fmt.Errorf("prism: the connection has no CloseWrite: %w", errors.ErrUnsupported)
}

// refused returns why a handshake did not open a connection.
func (c *Client) refused(ctx, limited context.Context, o *outcome, err error) error {
	if o.response == nil {
		if err == nil {
			err = limited.Err()
		}
		return c.noAnswer(ctx, limited, o, err)
	}
	if o.response.failure == nil {
		o.response.failure = o.response.failed(verdict{message: "the server did not switch protocols: does this path speak WebSocket?"})
	}
	return o.response.failure
}
