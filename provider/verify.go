package provider

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/shopex/prism-go/sign"
)

// A refused call does not come from the platform, as far as can be known.
type refused struct{ reason string }

func (e *refused) Error() string { return "provider: " + e.reason }

func refuse(format string, args ...any) error { return &refused{fmt.Sprintf(format, args...)} }

// A message is the part of a request that signatures are about.
type message struct {
	method, path string // the path as the platform knows it, decoded
	rawPath      string // as it stands in the request line
	rawQuery     string
	header       http.Header
	query, form  url.Values
}

// read returns the message of a request.
func (p *Provider) read(r *http.Request, form url.Values) (*message, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &Error{Code: InvalidRequest, Data: "the query is not encoded right"}
	}
	m := &message{method: r.Method, header: r.Header, query: query, form: form, rawQuery: r.URL.RawQuery}
	m.path, m.rawPath = r.URL.Path, r.URL.EscapedPath()
	// A handler around this one may have cut the path.
	if sent, err := url.ParseRequestURI(r.RequestURI); err == nil {
		m.path, m.rawPath = sent.Path, sent.EscapedPath()
	}
	m.path, m.rawPath = p.cfg.StrippedPath+m.path, p.cfg.StrippedPath+m.rawPath
	return m, nil
}

// verify returns an error for a message that the platform has not signed, or not lately.
// signed is false for one without a signature that is let through.
func (p *Provider) verify(m *message) (signed bool, err error) {
	if len(p.cfg.Secrets) == 0 {
		return false, nil
	}
	signatures := both(m, p.cfg.SignParam)
	delete(m.query, p.cfg.SignParam)
	delete(m.form, p.cfg.SignParam)
	switch {
	case len(signatures) == 0 && p.cfg.Unsigned:
		return false, nil
	case len(signatures) == 0:
		return false, refuse("the parameter %s is missing: nobody has signed this", p.cfg.SignParam)
	case len(signatures) > 1:
		return false, refuse("there are %d parameters %s", len(signatures), p.cfg.SignParam)
	}
	if name := repeatedClaim(m.header); name != "" {
		return false, refuse("the header %s is there more than once", name)
	}
	if !p.fits(p.cfg.Scheme, m, signatures[0]) {
		return false, refuse("the signature is wrong: %s", p.diagnose(m, signatures[0]))
	}
	return true, p.checkTime(m)
}

// both returns the values that a parameter has in query and form.
func both(m *message, name string) []string { return slices.Concat(m.query[name], m.form[name]) }

func (p *Provider) checkTime(m *message) error {
	sent := both(m, "sign_time")
	switch {
	case p.cfg.Window < 0:
		return nil
	case len(sent) == 0 && p.cfg.RequireTime:
		return refuse("there is no sign_time: add it to the global parameters of the api.json")
	case len(sent) == 0:
		return nil
	case len(sent) > 1:
		return refuse("there are %d parameters sign_time", len(sent))
	}
	seconds, err := strconv.ParseInt(sent[0], 10, 64)
	if err != nil || seconds < 0 || seconds > 1<<40 {
		return refuse("sign_time is no Unix time in seconds")
	}
	if age := p.cfg.Now().Sub(time.Unix(seconds, 0)); age > p.cfg.Window || age < -p.cfg.Window {
		return refuse("sign_time is %v away from this clock, more than %v", age.Round(time.Second).Abs(), p.cfg.Window)
	}
	return nil
}

// fits reports whether one of the secrets has signed the message. It tries all of them.
func (p *Provider) fits(scheme Scheme, m *message, signature string) bool {
	fits := false
	for _, secret := range p.cfg.Secrets {
		if m.signedBy(scheme, secret, signature) {
			fits = true
		}
	}
	return fits
}

func (m *message) signedBy(scheme Scheme, secret, signature string) bool {
	switch scheme {
	case ECOS:
		return sign.VerifyECOS(secret, overlay(m.query, m.form), signature)
	case ShopEx:
		return sign.VerifyShopEx(secret, overlay(m.query, m.form), signature)
	}
	return sign.Verify(secret, m.request(), signature)
}

func (m *message) request() sign.Request {
	return sign.Request{Method: m.method, Path: m.path, Header: m.header, Query: m.query, Form: m.form}
}
