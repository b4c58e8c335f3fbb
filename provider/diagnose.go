package provider

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/shopex/prism-go/sign"
)

// mostDiagnosed is how large a request is at most for whose wrong signature a reason is
// looked for. Strangers send such requests, so one is looked at at a time.
const mostDiagnosed = 16 << 10 // bytes

// diagnose returns why a signature may be wrong: it tries what is known to be done wrong.
func (p *Provider) diagnose(m *message, signature string) string {
	const unknown = "the secret is another one, or the request was changed on its way"
	if m.size() > mostDiagnosed || len(signature) != sign.Size {
		return unknown
	}
	select {
	case p.diagnosis <- struct{}{}:
		defer func() { <-p.diagnosis }()
	default:
		return unknown
	}
	for _, t := range traps {
		if said := t(p, m, signature); said != "" {
			return said
		}
	}
	return unknown
}

func (m *message) size() int {
	n := len(m.rawQuery) + len(m.rawPath)
	for name, values := range m.form {
		for _, value := range values {
			n += len(name) + len(value) + 2
		}
	}
	for name, values := range m.header {
		n += len(name) + len(strings.Join(values, ""))
	}
	return n
}

// traps say in what way the signature is wrong, or "".
var traps = []func(*Provider, *message, string) string{
	wrongCase, exampleSecret, otherScheme, methodAsPath, pathAsSent, namesAsSent, lastOfRepeated,
	unsignedHeader, knownDialect, numbersInByteOrder, oneSide,
}

func wrongCase(p *Provider, m *message, signature string) string {
	if p.fits(p.cfg.Scheme, m, strings.ToUpper(signature)) {
		return "its hex digits are in lower case: write them in upper case"
	}
	return ""
}

func exampleSecret(p *Provider, m *message, signature string) string {
	for _, secret := range []string{"", "123456"} {
		if m.signedBy(p.cfg.Scheme, secret, signature) {
			return "it is made with the secret in the source of PHP's validators (nothing, or 123456): set the config value of the service at the platform"
		}
	}
	return ""
}

func otherScheme(p *Provider, m *message, signature string) string {
	for _, scheme := range []Scheme{Prism, ECOS, ShopEx} {
		if scheme != p.cfg.Scheme && p.fits(scheme, m, signature) {
			return "it is one of the scheme " + string(scheme) + ": set Config.Scheme, or the format of the signature in the api.json"
		}
	}
	return ""
}

func methodAsPath(p *Provider, m *message, signature string) string {
	with := *m
	for _, id := range both(m, p.cfg.MethodParam) {
		with.path = id
		if p.fits(p.cfg.Scheme, &with, signature) {
			return "the path that it signs is the method ID, as PHP's provider has it: sign the path of the request"
		}
	}
	return ""
}

func pathAsSent(p *Provider, m *message, signature string) string {
	with := *m
	with.path = m.rawPath
	if p.fits(p.cfg.Scheme, &with, signature) {
		return "the path that it signs has its escapes, as PHP's provider has it: sign the decoded path"
	}
	return ""
}

func namesAsSent(p *Provider, m *message, signature string) string {
	with := *m
	with.query = url.Values{}
	for pair := range strings.SplitSeq(m.rawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if value, err := url.QueryUnescape(value); err == nil && name != p.cfg.SignParam {
			with.query.Add(name, value)
		}
	}
	if p.fits(p.cfg.Scheme, &with, signature) {
		return "the names that it signs have their escapes, as PHP's provider has them: sign decoded names"
	}
	return ""
}

func lastOfRepeated(p *Provider, m *message, signature string) string {
	with := *m
	with.query, with.form = lastValues(m.query), lastValues(m.form)
	if p.fits(p.cfg.Scheme, &with, signature) {
		return "of a name that is there more than once it signs the last value, as PHP does: sign all"
	}
	return ""
}

func lastValues(params url.Values) url.Values {
	last := make(url.Values, len(params))
	for name, values := range params {
		last[name] = values[max(len(values)-1, 0):]
	}
	return last
}

// unsignedHeader finds one header that was added behind the platform.
func unsignedHeader(p *Provider, m *message, signature string) string {
	with := *m
	for _, name := range slices.Sorted(maps.Keys(m.header)) {
		if name != "Authorization" && !strings.HasPrefix(name, "X-Api-") {
			continue
		}
		with.header = http.Header(maps.Clone(m.header))
		delete(with.header, name)
		if p.fits(p.cfg.Scheme, &with, signature) {
			return "it does not sign the header " + name + ": a proxy has added it, or changed it"
		}
	}
	return ""
}

func knownDialect(p *Provider, m *message, signature string) string {
	if p.cfg.Scheme != Prism {
		return ""
	}
	for _, secret := range p.cfg.Secrets {
		if dialect, ok := sign.Explain(secret, m.request(), signature); ok {
			if dialect == "php" {
				dialect += ", which sorts names that are numbers as numbers"
			}
			return "it is made as a published SDK makes it: " + dialect
		}
	}
	return ""
}

// numbersInByteOrder is about gateways that sort names for shopex as they do for others.
func numbersInByteOrder(p *Provider, m *message, signature string) string {
	if p.cfg.Scheme != ShopEx {
		return ""
	}
	with := *m
	with.form = nil
	with.query = url.Values{}
	params := overlay(m.query, m.form)
	for i, name := range slices.Sorted(maps.Keys(params)) {
		with.query["n"+string(rune(0x4e00+i))] = params[name]
	}
	if p.fits(ShopEx, &with, signature) {
		return "it sorts names that are numbers by bytes: PHP's backends sort them as numbers"
	}
	return ""
}

func oneSide(p *Provider, m *message, signature string) string {
	query, form := *m, *m
	query.form, form.query = nil, nil
	switch {
	case p.fits(p.cfg.Scheme, &query, signature):
		return "it does not sign the form"
	case p.fits(p.cfg.Scheme, &form, signature):
		return "it does not sign the query"
	}
	return ""
}
