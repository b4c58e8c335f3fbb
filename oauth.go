package prism

import (
	"net/url"
	"strings"

	"github.com/shopex/prism-go/sign"
)

// OAuth returns a client for the platform's OAuth server, which lies beside
// the API and not below it (protocol chapter 4): for a Server of
// https://example.com/api its calls go to https://example.com/oauth. All else
// is shared with c. Package oauth does the logging in; this is what it calls.
func (c *Client) OAuth() *Client {
	path := c.base.EscapedPath()
	beside := *c
	beside.base.RawPath = path[:max(0, strings.LastIndexByte(path, '/'))] + "/oauth"
	beside.base.Path, _ = url.PathUnescape(beside.base.RawPath) // it was escaped by net/url
	return &beside
}

// Key returns the client_id, which is no secret.
func (c *Client) Key() string { return c.cfg.Key }

// Server returns the base URL of the client's calls, without a trailing slash.
func (c *Client) Server() *url.URL {
	base := c.base
	return &base
}

// DeriveKey returns 32 bytes that depend on the secret of c and on label, for
// what the processes of one key have to seal or to prove among themselves. They
// do not tell the secret, and are no less secret than it.
func (c *Client) DeriveKey(label string) []byte { return sign.DeriveKey(c.cfg.Secret, label) }
