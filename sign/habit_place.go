package sign

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"
)

func placeHabits() []habit {
	return []habit{
		{
			cause: "form-in-query", slot: slotPlace, rank: common, wide: true,
			what: "signs the parameters of the form in the part of the query",
			fix:  "Sign what is in the URL as query and what is in the body as form.",
			variants: func(p *plan) []variant {
				if len(p.form) == 0 {
					return nil
				}
				return plain(
					func(p *plan) { p.query, p.form = together(p.query, p.form), nil },
					func(p *plan) { p.query, p.form = together(p.form, p.query), nil },
					func(p *plan) { p.query = together(p.query, p.form) },
				)
			},
		},
		{
			cause: "query-in-form", slot: slotPlace, rank: common, wide: true,
			what: "signs the parameters of the query in the part of the form",
			fix:  "Sign what is in the URL as query and what is in the body as form.",
			variants: func(p *plan) []variant {
				if len(p.query) == 0 {
					return nil
				}
				return plain(
					func(p *plan) { p.form, p.query = together(p.form, p.query), nil },
					func(p *plan) { p.form, p.query = together(p.query, p.form), nil },
					func(p *plan) { p.form = together(p.form, p.query) },
				)
			},
		},
		{
			cause: "query-and-form-merged", slot: slotPlace, rank: seldom,
			what: "signs the parameters of query and form together in both parts",
			fix:  "Sign what is in the URL as query and what is in the body as form.",
			variants: one(func(p *plan) {
				both := together(p.query, p.form)
				p.query, p.form = both, both
			}),
		},
		{
			cause: "query-not-signed", slot: slotPlace, rank: common,
			what:     "does not sign the query",
			fix:      "Sign all parameters of the URL but sign.",
			variants: one(func(p *plan) { p.query = nil }),
		},
		{
			cause: "form-not-signed", slot: slotPlace, rank: common,
			what:     "does not sign the form",
			fix:      "Sign all parameters of the body, too.",
			variants: one(func(p *plan) { p.form = nil }),
		},
		{
			cause: "json-body-signed", slot: slotPlace, rank: common, wide: true,
			what:     "signs the JSON of the body",
			fix:      "Leave the part of the form empty: a body that is no form is not signed.",
			variants: jsonBody,
		},
		{
			cause: "body-signed", slot: slotPlace, rank: common, wide: true,
			what:     "signs a body that is no form",
			fix:      "Leave the part of the form empty, or send the parameters as application/x-www-form-urlencoded in POST or PUT.",
			variants: otherBody,
		},
		{
			cause: "system-parameters-elsewhere", slot: slotPlace, rank: seldom,
			what: "signs the parameters of the platform in the other part: in the query though they are in the form, or the other way",
			fix:  "Sign each parameter in the part in which it is sent.",
			variants: some(
				func(p *plan) { p.query, p.form = moved(p.query, p.form) },
				func(p *plan) { p.form, p.query = moved(p.form, p.query) },
			),
		},
	}
}

func together(a, b []item) []item { return slices.Concat(a, b) }

// moved brings the parameters of the platform from one part to another.
func moved(from, to []item) (left, more []item) {
	left = kept(from, notSystem)
	return left, together(to, kept(from, system))
}

// bodyText returns the body if it is not signed by the rule.
func (p *plan) bodyText() string {
	if len(p.own.Form) > 0 {
		return ""
	}
	return string(p.own.Body)
}

func jsonBody(p *plan) []variant {
	body := p.bodyText()
	if !json.Valid([]byte(body)) || body == "" {
		return nil
	}
	var all []variant
	for _, text := range spellings(body) {
		all = append(all, wholeBody(text), plainBody(text))
		for _, name := range []string{"body", "data", "json", "params", "payload", ""} {
			all = append(all, withForm([]item{{name, text}}))
		}
		all = append(all, withQuery([]item{{"body", text}}))
	}
	for _, members := range [][]item{members(body, true), members(body, false)} {
		if len(members) == 0 {
			continue
		}
		all = append(all, withForm(members), withQuery(members),
			variant{do: func(p *plan) { p.form, p.query = together(p.query, members), nil }})
	}
	hash := upperMD5(body)
	return append(all, wholeBody(hash), wholeBody(strings.ToLower(hash)), variant{do: func(p *plan) { p.body, p.whole, p.query = body, true, nil }})
}

func wholeBody(text string) variant {
	return variant{do: func(p *plan) { p.body, p.whole = text, true }}
}

func plainBody(text string) variant {
	return variant{do: func(p *plan) { p.body, p.whole, p.plainBody = text, true, true }}
}

// withQuery adds to the query, and withForm puts in place of the form.
func withQuery(items []item) variant {
	return variant{do: func(p *plan) { p.query = together(p.query, items) }}
}

func withForm(items []item) variant { return variant{do: func(p *plan) { p.form = items }} }

// spellings returns a JSON text as it is and as programs write it.
func spellings(text string) []string {
	all := []string{text}
	add := func(s string) {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	var compact bytes.Buffer
	if json.Compact(&compact, []byte(text)) != nil {
		return all
	}
	add(compact.String())
	add(unicodeEscaped(compact.String()))
	add(strings.ReplaceAll(compact.String(), "/", `\/`))
	add(unicodeEscaped(strings.ReplaceAll(compact.String(), "/", `\/`)))
	add(spacedJSON(compact.String()))
	add(unicodeEscaped(spacedJSON(compact.String())))
	add(strings.TrimSpace(text))
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) == nil {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if e.Encode(v) == nil {
			add(strings.TrimSpace(b.String())) // members by name
		}
	}
	return all
}

// spacedJSON is how Python writes it.
func spacedJSON(compact string) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(compact); i++ {
		c := compact[i]
		b.WriteByte(c)
		switch {
		case c == '\\' && quoted && i+1 < len(compact):
			i++
			b.WriteByte(compact[i])
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == ':'):
			b.WriteByte(' ')
		}
	}
	return b.String()
}

func unicodeEscaped(s string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for _, unit := range codeUnits(s) {
		if unit < 0x80 {
			b.WriteByte(byte(unit))
			continue
		}
		b.WriteString(`\u`)
		for shift := 12; shift >= 0; shift -= 4 {
			b.WriteByte(digits[unit>>shift&15])
		}
	}
	return b.String()
}

// members returns the members of a JSON object as parameters, in their order. Null is an
// empty text, or left out.
func members(text string, nulls bool) []item {
	d := json.NewDecoder(strings.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	var items []item
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			return nil
		}
		if string(value) == "null" {
			if nulls {
				items = append(items, item{name.(string), ""})
			}
			continue
		}
		var s string
		if json.Unmarshal(value, &s) != nil {
			s = string(value)
		}
		items = append(items, item{name.(string), s})
	}
	return items
}

// otherBody is a body that is no form by its Content-Type or method, and was signed as one.
func otherBody(p *plan) []variant {
	body := p.bodyText()
	if body == "" {
		if len(p.form0) == 0 {
			return nil
		}
		return []variant{wholeBody(string(p.own.Body))}
	}
	var all []variant
	if fields := multipartFields(headerValue(p.own.Header, "Content-Type"), body); len(fields) > 0 {
		all = append(all, withForm(fields), withQuery(fields))
	}
	if json.Valid([]byte(body)) {
		return all
	}
	if pairs := kept(asSent(body, nil, url.QueryUnescape), notSign); len(pairs) > 0 && strings.Contains(body, "=") {
		all = append(all, withForm(pairs), withQuery(pairs))
	}
	hash := upperMD5(body)
	return append(all, wholeBody(body), plainBody(body), wholeBody(strings.TrimSpace(body)), withForm([]item{{"body", body}}), withForm([]item{{"data", body}}),
		wholeBody(hash), wholeBody(strings.ToLower(hash)))
}

func multipartFields(contentType, body string) []item {
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || media != "multipart/form-data" {
		return nil
	}
	var items []item
	for parts := multipart.NewReader(strings.NewReader(body), params["boundary"]); len(items) < mostValues; {
		part, err := parts.NextRawPart()
		if err != nil {
			break
		}
		if text, err := io.ReadAll(part); err == nil && part.FileName() == "" {
			items = append(items, item{part.FormName(), string(text)})
		}
	}
	return items
}

func keepHabits() []habit {
	drop := func(names ...string) func(*plan) {
		return func(p *plan) { p.keep(func(it item) bool { return !slices.Contains(names, it.name) }) }
	}
	return []habit{
		{
			cause: "sign-included", slot: slotKeep, rank: common,
			what:     "signs the parameter sign as well",
			fix:      "Leave sign out of what is signed.",
			variants: signIncluded,
		},
		{
			cause: "empty-values-dropped", slot: slotKeep, rank: common,
			what: "leaves out parameters without a value",
			fix:  "Sign them as name= with nothing behind.",
			variants: some(func(p *plan) { p.keep(func(it item) bool { return it.value != "" }) }, func(p *plan) { p.keep(func(it item) bool { return strings.TrimSpace(it.value) != "" }) },
				func(p *plan) { p.keep(func(it item) bool { return it.value != "" && it.value != "0" }) }),
		},
		{
			cause: "client-id-not-signed", slot: slotKeep, rank: common,
			what:     "does not sign client_id",
			fix:      "Sign all parameters but sign.",
			variants: some(drop("client_id")),
		},
		{
			cause: "sign-method-not-signed", slot: slotKeep, rank: common,
			what:     "does not sign sign_method",
			fix:      "Sign all parameters but sign.",
			variants: some(drop("sign_method")),
		},
		{
			cause: "sign-time-not-signed", slot: slotKeep, rank: common,
			what:     "does not sign sign_time",
			fix:      "Set sign_time before you sign, and sign it.",
			variants: some(drop("sign_time")),
		},
		{
			cause: "system-parameters-not-signed", slot: slotKeep, rank: common,
			what: "does not sign the parameters of the platform",
			fix:  "Set client_id, sign_method and sign_time before you sign, and sign them.",
			variants: some(drop("client_id", "sign_method", "sign_time"), drop("sign_method", "sign_time"), drop("client_id", "sign_method"), drop("client_id", "sign_time"),
				drop("client_id", "sign_method", "sign_time", "client_secret"), drop("client_secret")),
		},
		{
			cause: "own-parameters-not-signed", slot: slotKeep, rank: common,
			what:     "signs only the parameters of the platform",
			fix:      "Sign all parameters but sign.",
			variants: one(func(p *plan) { p.keep(func(it item) bool { return system(it.name) }) }),
		},
		{
			cause: "parameter-not-signed", slot: slotKeep, rank: common,
			what:     "does not sign one of the parameters",
			fix:      "Sign all parameters but sign. If you do, look for a proxy that adds one.",
			variants: withoutOne,
		},
		{
			cause: "unsent-parameter-signed", slot: slotKeep, rank: common,
			what:     "signs a parameter that is not sent",
			fix:      "Send what you sign.",
			variants: unsent,
		},
		{
			cause: "parameter-value-not-signed", slot: slotKeep, rank: seldom,
			what:     "signs a parameter without its value",
			fix:      "Sign the values that are sent.",
			variants: withoutOneValue,
		},
	}
}

// signIncluded signs sign with the values that it may have had before. The last is the
// right signature: a client that signs twice.
func signIncluded(p *plan) []variant {
	right := *p
	var all []variant
	for _, value := range []string{"", "null", "undefined", "None", "0", "sign", "md5", upperMD5(right.text())} {
		all = append(all, variant{do: func(p *plan) { p.add(item{"sign", value}) }})
	}
	return append(all, variant{do: func(p *plan) { p.query = together([]item{{"sign", ""}}, p.query) }},
		variant{do: func(p *plan) { p.form = together(p.form, []item{{"sign", ""}}) }})
}

func withoutOne(p *plan) []variant {
	var all []variant
	without := func(items []item, set func(*plan, []item)) {
		for _, it := range items {
			if !system(it.name) {
				all = append(all, variant{note: named("parameter", it.name), do: func(p *plan) {
					set(p, slices.DeleteFunc(slices.Clone(items), func(other item) bool { return other == it }))
				}})
			}
		}
	}
	if len(p.query)+len(p.form) > 60 {
		return nil
	}
	without(p.query, func(p *plan, items []item) { p.query = items })
	without(p.form, func(p *plan, items []item) { p.form = items })
	return all
}

func withoutOneValue(p *plan) []variant {
	var all []variant
	if len(p.query)+len(p.form) > 60 {
		return nil
	}
	for _, it := range together(p.query, p.form) {
		all = append(all, variant{note: named("parameter", it.name), do: func(p *plan) {
			p.params(func(other item) item {
				if other == it {
					other.value = ""
				}
				return other
			})
		}})
	}
	return all
}

func unsent(p *plan) []variant {
	var all []variant
	missing := func(name string, values ...string) {
		if slices.ContainsFunc(together(p.query, p.form), func(it item) bool { return it.name == name }) {
			return
		}
		for _, value := range values {
			all = append(all, variant{note: named("parameter", name), do: func(p *plan) {
				if name == "client_id" {
					p.query = together(p.query, []item{{name, value}})
					return
				}
				p.add(item{name, value})
			}})
		}
	}
	missing("sign_method", "md5", "MD5")
	missing("client_secret", p.secret)
	if p.key != "" {
		missing("client_id", p.key)
	}
	missing("format", "json")
	missing("v", "1.0", "2.0")
	return slices.Clip(all)
}
