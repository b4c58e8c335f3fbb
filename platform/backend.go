package platform

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/shopex/prism-go/internal/gateway"
)

// forward lets h answer a verified call as a backend behind the gateway sees
// it (protocol chapter 5).
func (p *Platform) forward(h http.Handler, w *answer, r *http.Request, c *call) error {
	if err := p.boundBody(r, c); err != nil {
		return err
	}
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
	gateway.DropClaims(out.Header)
	caller := gateway.Caller{RequestID: c.id, IP: c.caller.ip(), Key: c.key.ID, App: c.key.App}
	if c.user.ID != "" {
		caller.User = userQuery(c.user)
	}
	caller.Claims(out.Header)
	return out
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
