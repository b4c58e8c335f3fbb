package guard

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
)

// maxAddress is how many bytes an address may have.
const maxAddress = 2048

// ParseAddress reads an address: http or https with a host, without a user and password,
// which would be seen wherever the address is, and without a fragment. It does not look up
// the host. Its errors begin with "the address" and do not show it.
func ParseAddress(address string) (*url.URL, error) {
	if len(address) > maxAddress {
		return nil, fmt.Errorf("the address has %d bytes; at most %d are allowed", len(address), maxAddress)
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, errors.New("the address is no URL; it begins with http:// or https://")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the address must begin with http:// or https://")
	case u.Hostname() == "":
		return nil, errors.New("the address names no host")
	case u.User != nil:
		return nil, errors.New("the address must not have a user or password, which would be seen wherever the address is; what is sent is signed, and that can be verified")
	case u.Fragment != "":
		return nil, errors.New("the address must not have a fragment, the part behind #, as nothing would send it")
	}
	return u, nil
}

// Networks says to which networks, beside the public one, connections are made.
type Networks struct {
	Private  bool // 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, fc00::/7 and the like
	Loopback bool // this machine
}

// CheckHost is [Networks.Check] for an address whose host is a number. Of a name it says
// nothing: what a name means is checked when it is dialed.
func (n Networks) CheckHost(u *url.URL) error {
	addr, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return nil
	}
	return n.Check(addr)
}

// Check returns why no connection is made to addr, a [*Refused], or nil. Link-local addresses and those of
// the metadata services of clouds are refused whatever n says.
func (n Networks) Check(addr netip.Addr) error {
	addr = plain(addr)
	switch {
	case among(never, addr):
		return &Refused{addr, "is link-local, of a cloud's metadata service, or of no single machine, and is never connected to"}
	case addr.IsLoopback() && !n.Loopback:
		return &Refused{addr, "is this machine itself, and the settings do not allow that"}
	case among(private, addr) && !n.Private:
		return &Refused{addr, "is in a private network, and the settings do not allow those"}
	}
	return nil
}

// Refused is the error for an address that is not allowed.
type Refused struct {
	Addr netip.Addr
	why  string
}

// Error begins with the address, and says why it is refused.
func (e *Refused) Error() string { return e.Addr.String() + " " + e.why }

// plain returns the IPv4 address that addr leads to, where it wraps one, and otherwise addr
// without its zone.
func plain(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if !addr.Is6() {
		return addr
	}
	b := addr.As16()
	switch {
	case translated.Contains(addr), compatible.Contains(addr) && b[12] != 0:
		return netip.AddrFrom4([4]byte(b[12:]))
	case sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:]))
	}
	return addr
}

var (
	compatible = netip.MustParsePrefix("::/96")
	translated = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour  = netip.MustParsePrefix("2002::/16")
)

var never = prefixes(
	"169.254.0.0/16", "fe80::/10", // link-local, with the metadata services of most clouds
	"100.100.100.200/32", "168.63.129.16/32", "192.0.0.0/24", // Alibaba, Azure, Oracle
	"fd00:ec2::254/128", "fd20:ce::254/128", "fd00:42::42/128", // Amazon, Google, Scaleway
	"0.0.0.0/8", "::/128", // a dialer takes these for this machine
	"224.0.0.0/4", "ff00::/8", "240.0.0.0/4", // multicast, reserved, broadcast
	"64:ff9b:1::/48", "2001::/32", // wrap IPv4 addresses that cannot be seen
)

var private = prefixes(
	"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7",
	"100.64.0.0/10", "198.18.0.0/15", "fec0::/10",
)

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

func among(all []netip.Prefix, addr netip.Addr) bool {
	for _, p := range all {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
