package gateway

import (
	"maps"
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
	"Cookie", "Expect", "X-Proxy-Ua",
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
	c.header = h
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
// set: CGI, WSGI and PHP do not distinguish a hyphen from other signs.
func isClaim(name string) bool {
	name = strings.TrimSpace(name)
	if len(name) < len("X-Api-Arg") || name[0]|0x20 != 'x' {
		return false
	}
	switch strings.Map(headerLetter, name) {
	case "x-api-oauth", "x-api-arg", "x-caller-ip", "x-request-id":
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
