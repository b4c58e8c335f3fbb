package load

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"time"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
)

// resolveTime is how long the name of a host may take to become addresses.
const resolveTime = 5 * time.Second

// CheckLocal returns an error unless the host of a base URL is this machine, by
// all of its addresses.
func CheckLocal(ctx context.Context, server string) error {
	u, err := url.Parse(server)
	if err != nil {
		return exit.Usagef("PRISM_URL (or --url) is not a URL")
	}
	addresses, err := addressesOf(ctx, u.Hostname())
	if err != nil {
		return exit.CannotReach(server, err)
	}
	for _, a := range addresses {
		if !a.Unmap().IsLoopback() {
			return exit.Usagef("%s is not this machine, and bench would put a heavy load on it: give --remote if that is what you want and may do", u.Hostname())
		}
	}
	return nil
}

func addressesOf(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}
