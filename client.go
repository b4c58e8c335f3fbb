package prism

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
)

// Version is the version of this module. The User-Agent of every request
// names it.
const Version = "0.1.0"

// Client calls the APIs of one platform with one key. Make one with [New] and
// share it: any number of goroutines may call its methods at the same time, and
// they share its connections.
type Client struct {
	*shared
	base  url.URL
	token string
}

// shared is what a client and its copies for a user or for OAuth have in common.
type shared struct {
	cfg       Config // checked, defaults filled in
	transport http.RoundTripper
	wrapped   http.RoundTripper // by Config.WrapTransport, or nil
	jar       http.CookieJar    // or nil
	log       *slog.Logger
	clock     clock
	http1     atomic.Bool    // the server is believed to speak HTTP/1 only
	random    func() float64 // in [0, 1)
}

var errNoClient = errors.New("prism: the client is nil: make one with prism.New")

// usable returns an error if no request can be made with c and ctx.
func (c *Client) usable(ctx context.Context) error {
	switch {
	case c == nil:
		return errNoClient
	case ctx == nil:
		return errors.New("prism: the context is nil: pass context.Background()")
	}
	return nil
}

// New checks cfg, copies it and returns a client for it. It sends nothing, so
// a wrong key shows at the first call.
func New(cfg Config) (*Client, error) {
	base, err := cfg.check()
	if err != nil {
		return nil, err
	}
	cfg.setDefaults()
	s, err := newShared(cfg)
	if err != nil {
		return nil, err
	}
	return &Client{shared: s, base: *base, token: cfg.Token}, nil
}

// WithToken returns a client that sends token, the access token of a logged-in
// user, with every call; with "" it sends none. Connections, settings and the
// clock correction are shared with c. A token that cannot stand in a header is
// refused by the call that would send it.
func (c *Client) WithToken(token string) *Client {
	other := *c
	other.token = token
	return &other
}

// standard reports whether the transport is that of net/http, which changes no
// header and reports truly what it does with a request.
func (s *shared) standard() bool {
	_, ok := s.transport.(*http.Transport)
	return ok
}

// Logger is for adapters, which log where the client logs. It returns Config.Logger, or
// one that discards everything if that is nil; it is never nil.
func (c *Client) Logger() *slog.Logger { return c.log }

// CloseIdleConnections closes the connections that no call is using. The client
// stays usable.
func (c *Client) CloseIdleConnections() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// String names the server and the key, and never the secret or a token.
func (c *Client) String() string { return c.cfg.String() }

// GoString is String: %#v must not show the secret either.
func (c *Client) GoString() string { return c.cfg.String() }

// String names the server and the key, and never the secret or the token.
func (c Config) String() string { return fmt.Sprintf("prism.Config{%s, key %s}", c.Server, c.Key) }

// GoString is String: %#v must not show the secret either.
func (c Config) GoString() string { return c.String() }

// LogValue makes a logged Config its String.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }
