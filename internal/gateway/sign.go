package gateway

import (
	"maps"
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

// sign adds the signatures, which cover all other parameters of a request. One that goes
// into a multipart form is added when that has been read.
func (c *call) sign() {
	for _, p := range c.target.Service.File.GlobalParams {
		if p.ValueType == apijson.Sign && (c.parts == nil || !c.goesIntoForm(p.Place)) {
			c.add(p.Place, p.Name, c.signature(p))
		}
	}
}

func (c *call) signParts() {
	for _, p := range c.target.Service.File.GlobalParams {
		if p.ValueType == apijson.Sign && c.goesIntoForm(p.Place) {
			c.add(p.Place, p.Name, c.signature(p))
		}
	}
}

// signature returns the value of a parameter that is a signature. The scheme prism signs
// nothing of a multipart form, and the others its fields.
func (c *call) signature(p apijson.GlobalParam) string {
	secret := c.target.at.config[secretName(p.Format)]
	query, form := c.withURL(c.out.query), c.out.form
	if apijson.Scheme(p.Format) == apijson.Prism {
		if c.parts != nil {
			form = nil
		}
		return sign.Sign(secret, sign.Request{Method: c.in.Method, Path: c.url.Path, Header: c.header, Query: query, Form: form})
	}
	if c.parts != nil {
		form = overlaid(c.parts.fields, form)
	}
	params := overlaid(query, form)
	if apijson.Scheme(p.Format) == apijson.ShopEx {
		return sign.ShopEx(secret, params)
	}
	return sign.ECOS(secret, params)
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
