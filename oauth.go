package prism

import (
	"net/url"
	"strings"

	"github.com/shopex/prism-go/sign"
)

// OAuth is for adapters: to log users in, use package oauth. It returns a client for
// the platform's OAuth server, whose path is beside that of the API (protocol chapter
// 4): for a Server of https://example.com/api its calls go to
// https://example.com/oauth. Everything else is shared with c.
func (c *Client) OAuth() *Client {
	path := c.base.EscapedPath()
	beside := *c
	beside.base.RawPath = path[:max(0, strings.LastIndexByte(path, '/'))] + "/oauth"
	beside.base.Path, _ = url.PathUnescape(beside.base.RawPath) // it was escaped by net/url
	return &beside
}

// Key is for adapters. It returns the client_id, which is not a secret.
func (c *Client) Key() string { return c.cfg.Key }

// Server is for adapters. It returns the base URL of the client's calls, without a
// trailing slash.
func (c *Client) Server() *url.URL {
	base := c.base
	return &base
}

// DeriveKey is for adapters. It returns 32 bytes that depend on the secret of c and on
// label, as a key with which the processes of an application encrypt or sign for each
// other. The secret cannot be computed from them; keep them as secret as it.
func (c *Client) DeriveKey(label string) []byte { return sign.DeriveKey(c.cfg.Secret, label) }
