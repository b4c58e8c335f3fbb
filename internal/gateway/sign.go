package gateway

import (
	"maps"
	"net/http"
	"net/url"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/sign"
)

// secretName returns the name of the config value by which a scheme signs, "" if there is
// no such scheme.
func secretName(scheme string) string {
	switch apijson.Scheme(scheme) {
	case apijson.Prism:
		return "client_secret"
	case apijson.ECOS, apijson.ShopEx:
		return "token"
	}
	return ""
}

// sign adds the signatures, which cover all other parameters of a request.
func (c *call) sign(out *outgoing, path string, header http.Header) {
	for _, p := range c.target.Service.File.GlobalParams {
		if p.ValueType == apijson.Sign && p.Place != apijson.None {
			set(c.place(out, p.Place), p.Name, c.signature(p, out, path, header))
		}
	}
}

// signature returns the value of a parameter that is a signature.
func (c *call) signature(p apijson.GlobalParam, out *outgoing, path string, header http.Header) string {
	secret := c.target.at.config[secretName(p.Format)]
	query := c.withURL(out.query)
	switch apijson.Scheme(p.Format) {
	case apijson.ECOS:
		return sign.ECOS(secret, overlaid(query, out.form))
	case apijson.ShopEx:
		return sign.ShopEx(secret, overlaid(query, out.form))
	}
	return sign.Sign(secret, sign.Request{Method: c.in.Method, Path: path, Header: header, Query: query, Form: out.form})
}

// withURL returns a query with the parameters of the url of the service before it.
func (c *call) withURL(query url.Values) url.Values {
	if len(c.target.at.query) == 0 {
		return query
	}
	all := maps.Clone(query)
	for name, values := range c.target.at.query {
		all[name] = append(append([]string{}, values...), query[name]...)
	}
	return all
}

// overlaid returns the parameters as a backend sees them that does not ask where they come
// from: those of the form are in front of those of the query.
func overlaid(query, form url.Values) url.Values {
	if len(form) == 0 {
		return query
	}
	all := maps.Clone(query)
	maps.Copy(all, form)
	return all
}
