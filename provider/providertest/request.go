// Package providertest tests the functions of an API provider, see package provider.
//
// [Request] makes a request as the platform sends it, to be given to a handler. [Gateway]
// puts a platform in front of a handler, and returns a client that calls it through there.
package providertest

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/shopex/prism-go/provider"
	"github.com/shopex/prism-go/sign"
)

// A Call says which request [Request] makes. Empty fields mean what is said of them.
type Call struct {
	Scheme    provider.Scheme // provider.Prism
	Secret    string          // not signed
	SignParam string          // "sign", or "ac" for provider.ShopEx

	Method string // GET, or POST with a Form or a Body
	Target string // the path with the query, escaped; "/"

	Form        url.Values // sent as a form
	Body        string     // sent in its place
	ContentType string     // of Body; application/json

	Header http.Header // more headers
	Key    string      // "testkey": the key that calls
	App    string      // "testapp"
	User   url.Values  // for whom, such as {"@id": {"7"}, "login": {"alice"}}; no user

	CallerIP  string    // 203.0.113.9
	RequestID string    // "testrequest"
	Time      time.Time // of the signature, with Prism; now
}

// Request returns the request that the platform sends to a backend for a call: it says who
// calls, and is signed last. Reserved parameters of a caller, such as client_id, do not come
// along. It panics if Target is no request target.
func Request(c Call) *http.Request {
	c.setDefaults()
	target, err := url.ParseRequestURI(c.Target)
	if err != nil {
		panic("providertest: Target: " + err.Error())
	}
	query, form := withoutReserved(target.Query()), withoutReserved(c.Form)
	header := c.headers()
	if c.Secret != "" {
		c.sign(target.Path, header, query, form)
	}
	target.RawQuery = query.Encode()
	var body io.Reader
	switch {
	case c.Form != nil:
		body = strings.NewReader(form.Encode())
		header.Set("Content-Type", "application/x-www-form-urlencoded")
	case c.Body != "":
		body = strings.NewReader(c.Body)
		header.Set("Content-Type", c.ContentType)
	}
	r := httptest.NewRequest(c.Method, target.RequestURI(), body)
	maps.Copy(r.Header, header)
	return r
}

func (c *Call) setDefaults() {
	set := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	if c.Form != nil || c.Body != "" {
		set(&c.Method, http.MethodPost)
	}
	set(&c.Method, http.MethodGet)
	set(&c.Target, "/")
	set((*string)(&c.Scheme), string(provider.Prism))
	if c.Scheme == provider.ShopEx {
		set(&c.SignParam, "ac")
	}
	set(&c.SignParam, "sign")
	set(&c.ContentType, "application/json")
	set(&c.Key, "testkey")
	set(&c.App, "testapp")
	set(&c.CallerIP, "203.0.113.9")
	set(&c.RequestID, "testrequest")
	if c.Time.IsZero() {
		c.Time = time.Now()
	}
}

func (c *Call) headers() http.Header {
	header := http.Header{}
	for name, values := range c.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	header.Set("User-Agent", "Prism/1.0.1")
	header.Set("X-Request-Id", c.RequestID)
	header.Set("X-Caller-Ip", c.CallerIP)
	header.Set("X-Api-Arg", url.Values{"client_id": {c.Key}, "product": {c.App}}.Encode())
	if c.User != nil {
		header.Set("X-Api-Oauth", c.User.Encode())
	}
	return header
}

// sign adds the parameters of the signature: into the form of a POST or PUT for ecos and
// shopex, else into the query.
func (c *Call) sign(path string, header http.Header, query, form url.Values) {
	switch c.Scheme {
	case provider.ECOS, provider.ShopEx:
		all := maps.Clone(query)
		maps.Copy(all, form)
		signature := sign.ECOS(c.Secret, all)
		if c.Scheme == provider.ShopEx {
			signature = sign.ShopEx(c.Secret, all)
		}
		to := query
		if c.Form != nil && (c.Method == http.MethodPost || c.Method == http.MethodPut) {
			to = form
		}
		to.Set(c.SignParam, signature)
	default:
		query.Set("sign_time", strconv.FormatInt(c.Time.Unix(), 10))
		query.Set(c.SignParam, sign.Sign(c.Secret, sign.Request{
			Method: c.Method, Path: path, Header: header, Query: query, Form: form,
		}))
	}
}

func withoutReserved(params url.Values) url.Values {
	rest := url.Values{}
	maps.Copy(rest, params)
	for _, name := range []string{"apiver", "client_id", "client_secret", "sign", "sign_method", "sign_time"} {
		delete(rest, name)
	}
	return rest
}
