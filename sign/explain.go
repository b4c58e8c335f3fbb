package sign

import (
	"crypto/md5"
	"net/url"
	"slices"
	"strings"
)

// Explain names the published SDK whose deviation from the rule (protocol chapter
// 6) explains signature, so that a refusal can say more than that the signature is
// wrong. The names are csharp, go, java, js, php and
// python; when several SDKs share the deviation, all are named, as in
// "java, js".
//
// ok is false if no SDK is known to sign r like this, and also if [Verify]
// accepts the signature, as there is nothing to explain.
//
// Some SDKs sign in an order that the request does not show. Explain tries the
// orders of up to four headers or parameters, and ignores a request with more than a
// thousand values. It hashes r a dozen times, and hundreds of times at worst: use it
// where a person reads the answer.
func Explain(secret string, r Request, signature string) (dialect string, ok bool) {
	if len(signature) != 2*md5.Size || count(r.Query)+count(r.Form) > 1000 || Verify(secret, r, signature) {
		return "", false
	}
	var names []string
	for _, d := range dialects() {
		if d.signs(secret, &r, signature) {
			names = append(names, d.name)
		}
	}
	return strings.Join(names, ", "), len(names) > 0
}

func count(params url.Values) (n int) {
	for _, values := range params {
		n += len(values)
	}
	return n
}

// signs reports whether the dialect may have given r this signature.
func (d *dialect) signs(secret string, r *Request, signature string) bool {
	for _, parts := range combinations(d.paths(r), d.headerTexts(r), d.queryTexts(r, signature), d.formTexts(r, signature)) {
		text := secret + "&" + r.Method + "&" + strings.Join(parts, "&") + "&" + secret
		if matches(hexMD5([]byte(text)), signature) == 1 {
			return true
		}
	}
	return false
}

// combinations returns one text of each list, in all combinations, but not
// more than a hundred.
func combinations(lists ...[]string) [][]string {
	combos := [][]string{nil}
	for _, list := range lists {
		var longer [][]string
		for _, combo := range combos {
			for _, text := range list {
				longer = append(longer, append(slices.Clip(combo), text))
			}
		}
		combos = longer[:min(len(longer), 100)]
	}
	return combos
}

func (d *dialect) paths(r *Request) []string {
	escape := d.escape
	if d.escapePath != nil {
		escape = d.escapePath
	}
	if r.RawPath == "" {
		return []string{escape(r.Path)}
	}
	return []string{escape(r.Path), escape(r.RawPath)}
}

func (d *dialect) headerTexts(r *Request) []string {
	return d.escaped(d.headers(headerItems(r.Header)))
}

func (d *dialect) queryTexts(r *Request, signature string) []string {
	texts := d.escaped(d.params(paramItems(r.Query, signature)))
	if d.forgetsQuery {
		texts = append(texts, "")
	}
	return texts
}

func (d *dialect) formTexts(r *Request, signature string) []string {
	return d.escaped(d.params(paramItems(r.Form, signature)))
}

func (d *dialect) escaped(texts []string) []string {
	for i, text := range texts {
		texts[i] = d.escape(text)
	}
	return texts
}
