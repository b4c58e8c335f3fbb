package platform

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/shopex/prism-go/internal/code"
)

// A hop is what a proxy says about the peer from which it got a request.
type hop struct {
	addr        netip.Addr
	proto, host string
}

// forwarded returns the hop before the trusted proxies of which peer is the
// last: the first from the right whose address is not trusted. Whatever stands
// further left was written by others.
//
// A proxy writes either Forwarded or X-Forwarded-*, and passes the other on as the
// caller sent it. When the two name different callers it is unknown which one is true,
// so the request is refused.
func forwarded(h http.Header, peer netip.Addr, trusted func(netip.Addr) bool) (hop, error) {
	old := walk(xForwarded(h), peer, trusted)
	if h["Forwarded"] == nil {
		return old, nil
	}
	standard := walk(rfc7239(h), peer, trusted)
	switch {
	case h["X-Forwarded-For"] == nil:
		return standard, nil
	case standard.addr == peer: // it names no caller
		return old, nil
	}
	if standard.addr != old.addr || standard.proto != "" && old.proto != "" && !strings.EqualFold(standard.proto, old.proto) {
		return old, badRequest(code.AmbiguousForwarded, "Forwarded and X-Forwarded-For name different callers: "+
			"let the proxy remove the one that it does not write itself")
	}
	return old, nil
}

// walk follows hops from the last one to the caller. A proxy that names no address
// counts as the caller itself.
func walk(hops func(yield func(hop) bool), peer netip.Addr, trusted func(netip.Addr) bool) hop {
	at := hop{addr: peer}
	hops(func(next hop) bool {
		if next.proto != "" {
			at.proto = next.proto
		}
		if next.host != "" {
			at.host = next.host
		}
		if !next.addr.IsValid() {
			return false
		}
		at.addr = next.addr
		return trusted(next.addr)
	})
	return at
}

// xForwarded yields the hops of X-Forwarded-For, with the scheme and host that
// the other headers have at the same distance from the right. A header with
// fewer values says its first one about all earlier hops.
func xForwarded(h http.Header) func(yield func(hop) bool) {
	return func(yield func(hop) bool) {
		addresses, protos, hosts := fromRight(h["X-Forwarded-For"]), fromRight(h["X-Forwarded-Proto"]), fromRight(h["X-Forwarded-Host"])
		address, known := addresses()
		for first := true; known || first; first = false {
			proto, _ := protos()
			host, _ := hosts()
			if !yield(hop{nodeAddr(address), proto, host}) {
				return
			}
			address, known = addresses()
		}
	}
}

// fromRight returns a function that gives the comma-separated values of a
// header one after the other, the last one first.
func fromRight(lines []string) func() (value string, ok bool) {
	line := len(lines)
	rest, open := "", false
	return func() (string, bool) {
		if !open {
			if line == 0 {
				return "", false
			}
			line--
			rest, open = lines[line], true
		}
		comma := strings.LastIndexByte(rest, ',')
		value := strings.TrimSpace(rest[comma+1:])
		open = comma >= 0
		rest = rest[:max(0, comma)]
		return value, true
	}
}

// rfc7239 yields the hops of Forwarded, the last one first.
func rfc7239(h http.Header) func(yield func(hop) bool) {
	return func(yield func(hop) bool) {
		for _, line := range slices.Backward(h["Forwarded"]) {
			elements := splitQuoted(line, ',')
			for _, element := range slices.Backward(elements) {
				if !yield(parseElement(element)) {
					return
				}
			}
		}
	}
}

func parseElement(element string) (at hop) {
	for _, pair := range splitQuoted(element, ';') {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		value = unquote(value)
		switch strings.ToLower(name) {
		case "for":
			at.addr = nodeAddr(value)
		case "proto":
			at.proto = value
		case "host":
			at.host = value
		}
	}
	return at
}

// splitQuoted splits text at a separator outside of quoted strings.
func splitQuoted(text string, at byte) (parts []string) {
	begin, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"':
			quoted = !quoted
		case quoted && text[i] == '\\':
			i++
		case text[i] == at && !quoted:
			parts = append(parts, text[begin:i])
			begin = i + 1
		}
	}
	return append(parts, text[begin:])
}

// unquote returns the value of a token or a quoted string.
func unquote(value string) string {
	if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return value
	}
	value = value[1 : len(value)-1]
	if !strings.Contains(value, `\`) {
		return value
	}
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] == '\\' && i+1 < len(value) {
			i++
		}
		b.WriteByte(value[i])
	}
	return b.String()
}

// nodeAddr reads an address with or without a port, IPv6 in brackets or not.
// It is invalid for everything else, such as "unknown".
func nodeAddr(text string) netip.Addr {
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr().Unmap().WithZone("")
	}
	addr, _ := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return addr.Unmap().WithZone("")
}
