package sign

import (
	"net/http"
	"net/url"
	"strings"
)

// A Received is a request as it was received, with all that shows how a client may have
// signed it. Only the Request has to be there.
type Received struct {
	Request

	// RawQuery and Body are the query and the body as they came. They show the order of
	// the parameters and their escapes, and a body that was signed though it is no form.
	RawQuery string
	Body     []byte

	// Host is the host of the URL, with its port. Fragment is what followed a # in the
	// URL, which is never sent.
	Host, Fragment string
}

// NewReceived makes a Received of the parts of an HTTP request, as the platform reads
// them: the body is a form if method is POST or PUT and Content-Type says so. target is
// a URL, or the path and query of a request line. Escapes that are broken stay as they
// are, since [Diagnose] is there for requests that are wrong.
func NewReceived(method, target string, header http.Header, body []byte) Received {
	r := Received{Request: Request{Method: method, Header: header}, Body: body}
	target, r.Fragment, _ = strings.Cut(target, "#")
	target, r.RawQuery, _ = strings.Cut(target, "?")
	if _, rest, ok := strings.Cut(target, "://"); ok {
		r.Host, target, _ = strings.Cut(rest, "/")
		if i := strings.LastIndexByte(r.Host, '@'); i >= 0 {
			r.Host = r.Host[i+1:]
		}
		target = "/" + target
	}
	if r.Host == "" {
		r.Host = headerValue(header, "Host")
	}
	r.RawPath, r.Path = target, decoded(target, url.PathUnescape)
	r.Query = valuesOf(asSent(r.RawQuery, nil, url.QueryUnescape))
	if isForm(method, header) {
		r.Form = valuesOf(asSent(string(body), nil, url.QueryUnescape))
	}
	return r
}

func isForm(method string, header http.Header) bool {
	if method != http.MethodPost && method != http.MethodPut {
		return false
	}
	media, _, _ := strings.Cut(headerValue(header, "Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(media), "application/x-www-form-urlencoded")
}

func valuesOf(items []item) url.Values {
	params := make(url.Values, len(items))
	for _, it := range items {
		params[it.name] = append(params[it.name], it.value)
	}
	return params
}
