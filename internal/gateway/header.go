package gateway

import (
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const agent = "Prism/1.0.1"

// hops are the headers between two hops, and those that callers have for the platform.
var hops = []string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
	"Te", "Trailer", "Trailers", "Transfer-Encoding", "Upgrade", "Http2-Settings",
	"Cookie", "Expect",
	"Proxy", // which CGI takes for the setting HTTP_PROXY
}

// rewriteHeader makes the header of the request to the backend.
func (c *call) rewriteHeader() {
	h := c.in.Header.Clone()
	dropConnection(h)
	for _, name := range hops {
		delete(h, name)
	}
	DropClaims(h)
	c.Claims(h)
	if ua := h["User-Agent"]; ua != nil {
		h["X-Proxy-Ua"] = ua
	}
	h["User-Agent"] = []string{agent}
	c.rewriteType(h)
	c.header = h
}

// rewriteType leaves one Content-Type, in which all servers see the body that the platform has
// seen.
func (c *call) rewriteType(h http.Header) {
	said := h["Content-Type"]
	if len(said) > 1 {
		h["Content-Type"] = said[:1]
	}
	_, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	switch {
	case c.parts != nil:
		h["Content-Type"] = multipartType(c.parts.bound)
	case err != nil && isForm(h):
		h["Content-Type"] = formType
	}
}

var formType = []string{"application/x-www-form-urlencoded"}

func multipartType(boundary string) []string {
	return []string{mime.FormatMediaType("multipart/form-data", map[string]string{"boundary": boundary})}
}

// dropConnection removes what Connection lists.
func dropConnection(h http.Header) {
	for _, list := range h["Connection"] {
		for name := range strings.SplitSeq(list, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
}

// Claims sets the headers by which a backend learns of a caller.
func (c Caller) Claims(h http.Header) {
	h["X-Request-Id"] = []string{c.RequestID}
	h["X-Caller-Ip"] = []string{c.IP}
	h["X-Api-Arg"] = []string{"client_id=" + url.QueryEscape(c.Key) + "&product=" + url.QueryEscape(c.App)}
	if c.User != "" {
		h["X-Api-Oauth"] = []string{c.User}
	}
}

// DropClaims removes the headers that a backend could take for the platform's. It also
// removes them from Connection, or proxies behind the platform would remove the
// platform's own.
func DropClaims(h http.Header) {
	maps.DeleteFunc(h, func(name string, _ []string) bool { return isClaim(name) })
	for i, list := range h["Connection"] {
		names := slices.DeleteFunc(strings.Split(list, ","), isClaim)
		h["Connection"][i] = strings.Join(names, ",")
	}
}

// isClaim reports whether some server takes name for a header that only the platform may
// set, or that has another path or method than the call: CGI, WSGI and PHP do not distinguish
// a hyphen from other signs.
func isClaim(name string) bool {
	name = strings.TrimSpace(name)
	if len(name) < len("X-Api-Arg") || name[0]|0x20 != 'x' {
		return false
	}
	switch strings.Map(headerLetter, name) {
	case "x-api-oauth", "x-api-arg", "x-caller-ip", "x-request-id", "x-proxy-ua",
		"x-original-url", "x-rewrite-url", "x-http-method", "x-http-method-override", "x-method-override":
		return true
	}
	return false
}

func headerLetter(c rune) rune {
	switch {
	case 'A' <= c && c <= 'Z':
		return c + 'a' - 'A'
	case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		return c
	}
	return '-'
}
