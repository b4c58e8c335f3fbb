package sign

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/shopex/prism-go/internal/escape"
)

// A plan is how a client may have made a signature: what it put into each part of the
// string to sign, and what it did to it. The plan of the rule is made by newPlan; habits
// change a copy. The slices are shared between plans, so a habit replaces them.
type plan struct {
	secret      string
	method      string
	path        string
	header      []item // under the names that are signed
	query, form []item // as sent, without sign
	body        string // the text of the form, if whole
	whole       bool   // body is signed in place of form
	plainBody   bool   // and not escaped

	sort, sortHeader func([]item)
	join, joinHeader func([]item) string
	pairs            pairing

	escape                                  func(string) string
	escapePath, escapeHeaders, escapeParams func(string) string // instead of escape, unless nil
	hex                                     func(string) string // changes escapes, unless nil
	order                                   []int               // of the five parts between the secrets
	separator                               string
	skipEmpty                               bool
	noFirst, noLast                         bool                // a secret is left out, with its separator
	finish                                  func(string) string // changes the string to sign, unless nil
	digest                                  digester

	// What habits choose from.
	own                         *Received
	signature                   string // as it came
	key                         string // whose secret it is, if known
	headerAll                   []item
	query0, form0               []item // with sign
	rawQueryItems, rawFormItems []item // with sign, not decoded
}

// A pairing says where names and values are escaped.
type pairing int

const (
	joinedFirst pairing = iota // the part is joined, then escaped: the rule
	escapedOnly                // names and values are escaped, then joined
	escapedBoth                // and the whole once more
)

// The parts between the two secrets.
const (
	partMethod = iota
	partPath
	partHeaders
	partQuery
	partForm
	innerParts
)

// newPlan returns the plan of the rule.
func newPlan(secret string, r *Received, signature string) plan {
	p := plan{
		signature: signature, secret: secret, method: r.Method, path: r.Path,
		headerAll: headerItems(r.Header),
		query0:    asSent(r.RawQuery, r.Query, url.QueryUnescape),
		sort:      byName, sortHeader: byName, join: join, joinHeader: join,
		escape: percent("-._~"), order: []int{partMethod, partPath, partHeaders, partQuery, partForm}, separator: "&",
		digest: plainDigest, own: r,
	}
	p.rawQueryItems = asSent(r.RawQuery, nil, nil)
	if len(r.Form) > 0 {
		p.form0 = asSent(string(r.Body), r.Form, url.QueryUnescape)
		p.rawFormItems = asSent(string(r.Body), nil, nil)
	}
	p.header = kept(p.headerAll, signedHeader)
	p.query = kept(p.query0, notSign)
	p.form = kept(p.form0, notSign)
	return p
}

// asSent returns the parameters of raw in its order if it has the same as params, else
// params by name. Without decode they stay as they are.
func asSent(raw string, params url.Values, decode func(string) (string, error)) []item {
	var items []item
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		var it item
		it.name, it.value, _ = strings.Cut(pair, "=")
		if decode != nil {
			it.name, it.value = decoded(it.name, decode), decoded(it.value, decode)
		}
		items = append(items, it)
	}
	if params == nil || same(items, params) {
		return items
	}
	return paramItems(params, "")
}

func decoded(s string, decode func(string) (string, error)) string {
	if text, err := decode(s); err == nil {
		return text
	}
	return s
}

func same(items []item, params url.Values) bool {
	found := valuesOf(items)
	if len(found) != len(params) {
		return false
	}
	for name, values := range params {
		if !slices.Equal(values, found[name]) {
			return false
		}
	}
	return true
}

func byName(items []item) {
	slices.SortStableFunc(items, func(a, b item) int { return cmp.Compare(a.name, b.name) })
}

// parts returns the five parts between the secrets, escaped.
func (p *plan) parts() [innerParts]string {
	return [innerParts]string{
		p.method,
		p.escaped(p.path, p.escapePath),
		p.pairsText(p.header, p.sortHeader, p.joinHeader, p.escapeHeaders),
		p.pairsText(p.query, p.sort, p.join, p.escapeParams),
		p.formText(),
	}
}

func (p *plan) formText() string {
	switch {
	case p.whole && p.plainBody:
		return p.body
	case p.whole:
		return p.escaped(p.body, p.escapeParams)
	}
	return p.pairsText(p.form, p.sort, p.join, p.escapeParams)
}

func (p *plan) pairsText(items []item, sort func([]item), join func([]item) string, escape func(string) string) string {
	if len(items) == 0 {
		return ""
	}
	items = slices.Clone(items)
	sort(items)
	if p.pairs == joinedFirst {
		return p.escaped(join(items), escape)
	}
	for i, it := range items {
		items[i] = item{p.escaped(it.name, escape), p.escaped(it.value, escape)}
	}
	if p.pairs == escapedOnly {
		return join(items)
	}
	return p.escaped(join(items), escape)
}

func (p *plan) escaped(s string, own func(string) string) string {
	escape := p.escape
	if own != nil {
		escape = own
	}
	s = escape(s)
	if p.hex != nil {
		s = p.hex(s)
	}
	return s
}

// inner returns the string to sign without the secrets.
func (p *plan) inner() string {
	parts := p.parts()
	var some []string
	for _, i := range p.order {
		if parts[i] != "" || !p.skipEmpty {
			some = append(some, parts[i])
		}
	}
	return strings.Join(some, p.separator)
}

func (p *plan) text() string {
	text := p.inner()
	if !p.noFirst {
		text = p.secret + p.separator + text
	}
	if !p.noLast {
		text += p.separator + p.secret
	}
	if p.finish != nil {
		text = p.finish(text)
	}
	return text
}

// replaced returns a copy of items, changed one by one.
func replaced(items []item, change func(item) item) []item {
	changed := make([]item, len(items))
	for i, it := range items {
		changed[i] = change(it)
	}
	return changed
}

// params changes the parameters of both query and form, one by one.
func (p *plan) params(change func(item) item) {
	p.query, p.form = replaced(p.query, change), replaced(p.form, change)
}

// values changes the values of parameters.
func (p *plan) values(change func(string) string) {
	p.params(func(it item) item { return item{it.name, change(it.value)} })
}

// keep leaves parameters out of both query and form.
func (p *plan) keep(keep func(item) bool) {
	filter := func(items []item) []item {
		return slices.DeleteFunc(slices.Clone(items), func(it item) bool { return !keep(it) })
	}
	p.query, p.form = filter(p.query), filter(p.form)
}

// add adds a parameter beside client_id.
func (p *plan) add(it item) {
	for _, one := range p.form {
		if one.name == "client_id" {
			p.form = append(slices.Clip(p.form), it)
			return
		}
	}
	p.query = append(slices.Clip(p.query), it)
}

// value returns the value of a parameter of the query or form, or "".
func (r *Received) value(name string) string {
	if v := r.Query.Get(name); v != "" {
		return v
	}
	return r.Form.Get(name)
}

// headerValue finds a header of any case.
func headerValue(h http.Header, name string) string {
	for key, values := range h {
		if strings.EqualFold(key, name) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}

// token returns the escape or the character at s[i:], or "".
func token(s string, i int) string {
	switch {
	case i >= len(s):
		return ""
	case s[i] == '%' && i+3 <= len(s):
		return s[i : i+3]
	case s[i] >= 0x80 || s[i] < ' ':
		return string(escape.Append(nil, s[i:i+1]))
	}
	return s[i : i+1]
}

// then changes the string to sign, after what changes it already.
func (p *plan) then(change func(string) string) {
	if before := p.finish; before != nil {
		p.finish = func(s string) string { return change(before(s)) }
		return
	}
	p.finish = change
}
