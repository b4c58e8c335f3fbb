package main

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// frontFlags say what lies between the platform and its callers.
type frontFlags struct {
	TrustedProxies []string `config:"trusted-proxies" placeholder:"ADDR|PREFIX,..." help:"Reverse proxies in front, such as 127.0.0.1,10.0.0.0/8: from them, and from nobody else, the caller's address and scheme are taken as Forwarded or X-Forwarded-For and -Proto say."`
	PublicURL      string   `name:"public-url" config:"public-url" placeholder:"URL" help:"How browsers reach this platform, such as https://prism.example, when a proxy is in front: cookies and the origins of forms go by it."`
}

func (f *frontFlags) check(from sources) error {
	if _, err := f.proxies(); err != nil {
		return fmt.Errorf("%s: %w", from["trusted-proxies"], err)
	}
	if _, err := f.public(); err != nil {
		return fmt.Errorf("%s: %w", from["public-url"], err)
	}
	return nil
}

// proxies returns the prefixes of the trusted proxies.
func (f *frontFlags) proxies() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range f.TrustedProxies {
		prefix, err := parsePrefix(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("%q is no address and no prefix: write addresses such as 127.0.0.1 or prefixes such as 10.0.0.0/8", text)
		}
		all = append(all, prefix)
	}
	return all, nil
}

// parsePrefix reads an address as the prefix that has only this one.
func parsePrefix(text string) (netip.Prefix, error) {
	if prefix, err := netip.ParsePrefix(text); err == nil && !prefix.Addr().Is4In6() {
		return prefix.Masked(), nil
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return addr.Unmap().WithZone("").Prefix(addr.Unmap().BitLen())
}

// public returns the URL by which browsers reach the platform, or nil.
func (f *frontFlags) public() (*url.URL, error) {
	if f.PublicURL == "" {
		return nil, nil
	}
	u, err := url.Parse(f.PublicURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("it must be a scheme and a host, such as https://prism.example")
	}
	return u, nil
}

// connLimit bounds connections. This machine and trusted proxies bring those
// of many callers.
func (c *serveCmd) connLimit() connLimit {
	proxies, _ := c.proxies()
	return connLimit{
		total:      cmp.Or(c.LimitsConnections, connsIn(memoryLimit())),
		perAddress: c.LimitsConnectionsPerAddress,
		exempt: func(addr netip.Addr) bool {
			return addr.IsLoopback() || slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(addr) })
		},
	}
}

// A connection may take connMemory before its peer is known; all of them may
// take half of the memory.
const (
	connMemory = 128 << 10
	mostConns  = 16384
	leastConns = 64
)

// connsIn returns how many connections there may be with so much memory.
func connsIn(memory int64) int {
	return int(min(max(memory/2/connMemory, leastConns), mostConns))
}
