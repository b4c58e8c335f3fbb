package platform

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// allows reports whether uri is registered for this app.
func (a App) allows(uri string) bool {
	return isRedirectURI(uri) && slices.ContainsFunc(a.Redirects, func(registered string) bool {
		return sameRedirect(registered, uri)
	})
}

// isRedirectURI reports whether uri can be the address of an app. It refuses, even if
// they are registered, relative and opaque addresses, a user name, which can hide the
// host, a fragment, which would take in the parameters, and characters that must be
// escaped in an address.
func isRedirectURI(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme == "" || u.Opaque != "" || u.User != nil {
		return false
	}
	if strings.HasPrefix(u.Scheme, "http") && u.Host == "" {
		return false
	}
	return !strings.ContainsFunc(uri, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune("#\\\"<>^`{|}", c) })
}

// sameRedirect reports whether two addresses are equal as text. Only the port of a
// loopback address may differ (RFC 8252 section 7.3).
func sameRedirect(registered, uri string) bool {
	if registered == uri {
		return true
	}
	a, ok := cutLoopbackPort(registered)
	if !ok {
		return false
	}
	b, ok := cutLoopbackPort(uri)
	return ok && a == b
}

// cutLoopbackPort returns an http or https address on the loopback interface
// without its port.
func cutLoopbackPort(uri string) (portless string, ok bool) {
	scheme, rest, _ := strings.Cut(uri, "://")
	if scheme != "http" && scheme != "https" {
		return "", false
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	for _, host := range []string{"127.0.0.1", "[::1]", "localhost"} {
		port, found := strings.CutPrefix(rest[:end], host)
		if found && (port == "" || isPort(port)) {
			return scheme + "://" + host + rest[end:], true
		}
	}
	return "", false
}

// isPort reports whether text is a colon and a port, as browsers write it.
func isPort(text string) bool {
	digits, found := strings.CutPrefix(text, ":")
	port, err := strconv.ParseUint(digits, 10, 16)
	return found && err == nil && port > 0 && digits[0] != '0'
}

// withParams adds parameters to the query of an address, and does not change those that
// it has.
func withParams(uri string, params url.Values) string {
	switch {
	case !strings.Contains(uri, "?"):
		uri += "?"
	case !strings.HasSuffix(uri, "?") && !strings.HasSuffix(uri, "&"):
		uri += "&"
	}
	return uri + params.Encode()
}

// cspSource returns the source of a content security policy that allows uri and
// everything that it may redirect to: its scheme.
func cspSource(uri string) string {
	scheme, _, _ := strings.Cut(uri, ":")
	return scheme + ":"
}

// redirect redirects the browser to uri by a GET, also after a form.
func (a *answer) redirect(uri string) error {
	a.Header().Set("Location", uri)
	a.WriteHeader(http.StatusSeeOther)
	return nil
}
