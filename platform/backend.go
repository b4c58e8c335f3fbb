package platform

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// forward lets h answer a verified call as a backend behind the gateway sees
// it (protocol chapter 5).
func (p *Platform) forward(h http.Handler, w *answer, r *http.Request, c *call) error {
	if err := p.vetBody(w, r, c); err != nil {
		return err
	}
	if c.form == nil && r.ContentLength != 0 {
		http.NewResponseController(w).SetReadDeadline(time.Time{}) // h decides how long the body may take
	}
	h.ServeHTTP(w, backendRequest(r, c))
	if w.status == 0 { // net/http answers 200 for a handler that wrote nothing
		w.status = http.StatusOK
	}
	return nil
}

// backendRequest returns r without the reserved parameters, and with the headers that
// only the platform may set. The caller's headers were part of the signature, so they
// are replaced only now.
func backendRequest(r *http.Request, c *call) *http.Request {
	out := r.Clone(r.Context())
	out.URL.RawQuery = withoutReserved(c.query).Encode()
	out.RequestURI = out.URL.RequestURI()
	if c.form != nil {
		form := withoutReserved(c.form).Encode()
		out.Body = io.NopCloser(strings.NewReader(form))
		out.ContentLength = int64(len(form))
		out.TransferEncoding = nil
		out.Header.Del("Content-Length")
	}
	dropClaims(out.Header)
	if c.user.ID != "" {
		out.Header.Set("X-Api-Oauth", userQuery(c.user))
	}
	out.Header.Set("X-Request-Id", c.id)
	out.Header.Set("X-Caller-Ip", c.caller.ip())
	out.Header.Set("X-Api-Arg", url.Values{"client_id": {c.key.ID}, "product": {c.key.App}}.Encode())
	return out
}

// dropClaims removes the headers that a backend could take for the platform's. It also
// removes them from Connection, or proxies behind the platform would remove the
// platform's own.
func dropClaims(h http.Header) {
	maps.DeleteFunc(h, func(name string, _ []string) bool { return platformHeader(name) })
	for i, list := range h["Connection"] {
		names := slices.DeleteFunc(strings.Split(list, ","), platformHeader)
		h["Connection"][i] = strings.Join(names, ",")
	}
}

// platformHeader reports whether some server takes name for a header that only the
// platform may set: CGI, WSGI and PHP do not distinguish a hyphen from other signs.
func platformHeader(name string) bool {
	switch strings.Map(headerLetter, strings.TrimSpace(name)) {
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

func withoutReserved(params url.Values) url.Values {
	own := make(url.Values, len(params))
	for name, values := range params {
		if !reservedName(name) {
			own[name] = values
		}
	}
	return own
}
