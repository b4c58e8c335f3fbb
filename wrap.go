package prism

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
)

// A sealed request is on its way through what Config.WrapTransport has put around the
// Transport. The context of the request that is shown there has it.
type sealed struct {
	req  *http.Request // signed
	via  http.RoundTripper
	sent atomic.Bool
}

type sealedKey struct{}

// conceal returns the request to be shown for req, without the parameters of the system.
// sealedTransport puts req in its place, and sends that by via.
func (r *request) conceal(req *http.Request, via http.RoundTripper) *http.Request {
	ctx := context.WithValue(req.Context(), sealedKey{}, &sealed{req: req, via: via})
	shown := req.Clone(ctx)
	shown.Body, shown.GetBody, shown.TransferEncoding = nil, nil, nil
	if r.inForm() {
		form := string(appendPairs(nil, r.withoutSecrets(r.form)))
		shown.Body, shown.ContentLength = io.NopCloser(strings.NewReader(form)), int64(len(form))
	}
	shown.URL.RawQuery = string(appendPairs(nil, r.withoutSecrets(r.query)))
	return shown
}

// withoutSecrets returns values with *** in place of what no error shows either.
func (r *request) withoutSecrets(values url.Values) url.Values {
	shown := make(url.Values, len(values))
	for name, list := range values {
		if r.isSecret(name) {
			list = slices.Repeat([]string{"***"}, len(list))
		}
		shown[name] = list
	}
	return shown
}

var (
	errNotOurs = errors.New("prism: the Transport of Config.WrapTransport got a request that no client has sent, or without its context")
	errTwice   = errors.New("prism: what Config.WrapTransport returned has sent a request twice: leave repeating to Config.Retry")
)

// sealedTransport is what Config.WrapTransport wraps.
type sealedTransport struct{}

func (sealedTransport) RoundTrip(shown *http.Request) (*http.Response, error) {
	if shown.Body != nil {
		io.Copy(io.Discard, shown.Body) // whoever counts it shall not see an empty one
		shown.Body.Close()
	}
	s, ours := shown.Context().Value(sealedKey{}).(*sealed)
	switch {
	case !ours:
		return nil, errNotOurs
	case !s.sent.CompareAndSwap(false, true):
		return nil, errTwice
	}
	req := s.req.WithContext(discreet(shown.Context()))
	req.Header = shown.Header
	return s.via.RoundTrip(req)
}

const otelhttp = "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

var errRecordsURLs = errors.New("prism: the Transport is that of otelhttp, which records the URL of each request, and with it the signature: " +
	"give otelhttp.NewTransport to Config.WrapTransport, and an http.Transport to Config.HTTPClient")

// recordsURLs reports whether rt is known to record URLs: that of otelhttp, known by the
// name of its package, which this module does not import.
func recordsURLs(rt http.RoundTripper) bool {
	t := reflect.TypeOf(rt)
	return t != nil && t.Kind() == reflect.Pointer && t.Elem().PkgPath() == otelhttp
}
