package platform

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/shopex/prism-go/internal/gateway"
)

// forward lets h answer a verified call as a backend behind the gateway sees
// it (protocol chapter 5).
func (p *Platform) forward(h http.Handler, w *answer, r *http.Request, c *call) error {
	if err := p.boundBody(r, c); err != nil {
		return err
	}
	out := backendRequest(r, c)
	if err := p.takeOut(w, out, c); err != nil {
		return err
	}
	h.ServeHTTP(w, out)
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
	gateway.DropClaims(out.Header)
	dropCookies(out.Header)
	caller := gateway.Caller{RequestID: c.id, IP: c.caller.ip(), Key: c.key.ID, App: c.key.App}
	if c.user.ID != "" {
		caller.User = userQuery(c.user)
	}
	caller.Claims(out.Header)
	return out
}

// dropCookies removes the cookies that PHP could take for reserved parameters.
func dropCookies(h http.Header) {
	for i, line := range h["Cookie"] {
		pairs := slices.DeleteFunc(strings.Split(line, ";"), func(pair string) bool {
			name, _, _ := strings.Cut(pair, "=")
			plain, _ := url.QueryUnescape(name)
			return gateway.Reserved(name) || gateway.Reserved(plain)
		})
		h["Cookie"][i] = strings.TrimSpace(strings.Join(pairs, ";"))
	}
}

// withoutReserved returns the parameters that are a call's own; nil stays nil, as it says
// that there is no form.
func withoutReserved(params url.Values) url.Values {
	if params == nil {
		return nil
	}
	own := make(url.Values, len(params))
	for name, values := range params {
		if !gateway.Reserved(name) {
			own[name] = values
		}
	}
	return own
}
