package platform

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// A caller is the program or browser that a request comes from: the peer of the
// connection or, behind trusted proxies, the one that the proxies name.
type caller struct {
	addr    netip.Addr // invalid if the server does not know it
	remote  string     // the address for logs and hooks, with the port if it is known
	secure  bool       // the request came over TLS
	proxied bool       // the peer is a trusted proxy
	host    string     // the host and port that the request was made to
}

// callerOf returns the caller of a request. Headers about earlier hops count only if
// the peer is a trusted proxy.
func (p *Platform) callerOf(r *http.Request) (caller, error) {
	c := caller{remote: r.RemoteAddr, secure: r.TLS != nil, host: r.Host}
	if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		c.addr = peer.Addr().Unmap().WithZone("")
	} else if addr, err := netip.ParseAddr(r.RemoteAddr); err == nil { // a handler around the Platform may set it
		c.addr = addr.Unmap().WithZone("")
	}
	var err error
	if p.trusts(c.addr) {
		err = c.readProxies(r, p.trusts, p.publicTLS())
	} else {
		p.noticeProxy(r, c.addr)
	}
	if p.cfg.PublicURL != nil {
		c.host = p.cfg.PublicURL.Host
	}
	return c, err
}

// readProxies replaces the peer by the caller that trusted proxies name. If they do not
// name the scheme, it is that of the public address.
func (c *caller) readProxies(r *http.Request, trusted func(netip.Addr) bool, publicTLS bool) error {
	c.proxied = true
	h, err := forwarded(r.Header, c.addr, trusted)
	if err != nil {
		return err
	}
	if h.addr != c.addr {
		c.addr, c.remote = h.addr, h.addr.String()
	}
	switch {
	case h.proto != "":
		c.secure = strings.EqualFold(h.proto, "https") || strings.EqualFold(h.proto, "wss")
	case publicTLS:
		c.secure = true
	}
	if h.host != "" {
		c.host = h.host
	}
	return nil
}

func (p *Platform) trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(p.cfg.TrustedProxies, func(proxy netip.Prefix) bool { return proxy.Contains(addr) })
}

// local reports whether the caller is on this machine. Then it is safe to explain a
// refusal, and to accept a secret over plain HTTP. Behind a proxy every caller looks
// local, so a request with any sign of a proxy is not.
func (p *Platform) local(r *http.Request, c caller) bool {
	return c.addr.IsLoopback() && !c.proxied && p.cfg.PublicURL == nil && !passedProxy(r.Header)
}

// passedProxy reports whether a proxy has, or may have, passed the request on.
func passedProxy(h http.Header) bool {
	for name := range h {
		if name == "Forwarded" || name == "Via" || name == "X-Real-Ip" || strings.HasPrefix(name, "X-Forwarded-") {
			return true
		}
	}
	return false
}

// noticeProxy warns once when a proxy on a private network is not trusted: all
// its callers share one address.
func (p *Platform) noticeProxy(r *http.Request, peer netip.Addr) {
	if r.Header["X-Forwarded-For"] == nil && r.Header["Forwarded"] == nil {
		return
	}
	if (peer.IsLoopback() || peer.IsPrivate()) && p.proxyNoticed.CompareAndSwap(false, true) {
		p.cfg.Logger.Warn("requests come through a proxy that is not trusted, so all its callers count as one: "+
			"name it in TrustedProxies (the setting trusted-proxies of prismctl serve)", "proxy", peer)
	}
}

// ip returns the caller's address as text.
func (c caller) ip() string {
	if c.addr.IsValid() {
		return c.addr.String()
	}
	if host, _, err := net.SplitHostPort(c.remote); err == nil {
		return host
	}
	return c.remote
}

// group returns what limits count as one address: for IPv6 a network, as every
// subscriber has a whole one.
func (c caller) group() string {
	if !c.addr.Is6() {
		return c.ip()
	}
	network, _ := c.addr.Prefix(64) // fits every IPv6 address
	return network.String()
}

// callerKey is the key of the caller in the context of a page's request.
type callerKey struct{}

// asCalled returns r as the caller sent it, for pages: with the host that the
// browser knows, and the caller in the context.
func asCalled(r *http.Request, c caller) *http.Request {
	r = r.WithContext(context.WithValue(r.Context(), callerKey{}, c))
	r.Host = c.host
	return r
}

// callerIn returns what asCalled has put into the context of r.
func callerIn(r *http.Request) caller {
	c, _ := r.Context().Value(callerKey{}).(caller)
	return c
}

// publicTLS reports whether callers reach the platform over TLS, even if a proxy ends
// it.
func (p *Platform) publicTLS() bool {
	return p.cfg.PublicURL != nil && p.cfg.PublicURL.Scheme == "https"
}

// cleanPublicURL returns the scheme and host of u as browsers write an origin.
func cleanPublicURL(u *url.URL) *url.URL {
	if u == nil {
		return nil
	}
	host := strings.ToLower(u.Host)
	port := map[string]string{"https": ":443", "http": ":80"}[u.Scheme]
	if port != "" {
		host = strings.TrimSuffix(host, port)
	}
	return &url.URL{Scheme: u.Scheme, Host: host, Path: u.Path, RawQuery: u.RawQuery, Fragment: u.Fragment, User: u.User}
}

// isPublicURL reports whether u is a scheme and a host and nothing else.
func isPublicURL(u *url.URL) bool {
	return (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" &&
		(u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == "" && u.User == nil
}
