package settings

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// Front says what lies between the platform and its callers.
type Front struct {
	TrustedProxies []string `config:"trusted-proxies" placeholder:"ADDR|PREFIX,..." help:"Reverse proxies in front, such as 127.0.0.1,10.0.0.0/8: from them, and from nobody else, the caller's address and scheme are taken as Forwarded or X-Forwarded-For and -Proto say."`
	PublicURL      string   `name:"public-url" config:"public-url" placeholder:"URL" help:"How browsers reach this platform, such as https://prism.example, when a proxy is in front: cookies and the origins of forms go by it."`
	PushPrivate    bool     `config:"push-private" help:"Push messages to addresses in private networks, too. Link-local ones are never pushed to."`
	PushLoopback   bool     `config:"push-loopback" help:"Push messages to addresses of this machine, too. They may be such wherever --listen is one of them, and neither --public-url nor --trusted-proxies says that others come through a proxy."`
}

func (f *Front) check(from Sources) error {
	if _, err := f.Proxies(); err != nil {
		return fmt.Errorf("%s: %w", from["trusted-proxies"], err)
	}
	if _, err := f.Public(); err != nil {
		return fmt.Errorf("%s: %w", from["public-url"], err)
	}
	return nil
}

// Proxies returns the prefixes of the trusted proxies.
func (f *Front) Proxies() ([]netip.Prefix, error) {
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

// Public returns the URL by which browsers reach the platform, or nil.
func (f *Front) Public() (*url.URL, error) {
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
