package jetstream

import (
	"net/url"
	"slices"
	"strings"
)

// hidden stands for what may be a password.
const hidden = "***"

// WithoutPassword returns the addresses of servers, as in [Config.URL], without
// what may be a password. If the text cannot be split with certainty, for example
// as a password has a comma in it, everything before the last host is hidden.
func WithoutPassword(urls string) string {
	all := strings.Split(urls, ",")
	at := strings.LastIndexByte(urls, '@')
	switch whole := slices.IndexFunc(all, notWhole) < 0; {
	case at >= 0 && !whole:
		return hideBefore(urls, at)
	case at < 0 && urls != "" && slices.IndexFunc(all, unreadable) >= 0:
		return hidden
	}
	for i, address := range all {
		if at := strings.LastIndexByte(address, '@'); at >= 0 {
			address = hideBefore(address, at)
		}
		all[i], _, _ = strings.Cut(address, "?")
	}
	return strings.Join(all, ",")
}

// hideBefore hides everything before the @ at this index, except a scheme.
func hideBefore(address string, at int) string {
	scheme, _, ok := strings.Cut(address[:at], "://")
	if !ok {
		return hidden + address[at:]
	}
	return scheme + "://" + hidden + address[at:]
}

// notWhole reports whether an element of a list may be only a part of an address.
func notWhole(address string) bool { return !strings.Contains(address, "://") || unreadable(address) }

func unreadable(address string) bool {
	if !strings.Contains(address, "://") {
		address = "nats://" + address
	}
	u, err := url.Parse(strings.TrimSpace(address))
	return err != nil || u.Host == ""
}
