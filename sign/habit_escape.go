package sign

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/shopex/prism-go/internal/escape"
)

func escapeHabits() []habit {
	const rule = "-._~"
	return []habit{
		{
			cause: "encode-uri-component", slot: slotEscape, rank: common,
			what:     "escapes as encodeURIComponent does, which leaves ! ' ( ) * as they are",
			fix:      "Escape these five, too: replace(/[!'()*]/g, c => '%' + c.charCodeAt(0).toString(16).toUpperCase()).",
			variants: some(escapedBy(percent("-._~!'()*")), paramsEscapedBy(percent("-._~!'()*"))),
		},
		{
			cause: "lower-case-escapes", slot: slotHex, rank: common,
			what:     "writes escapes with hex digits in lower case, such as %2f",
			fix:      "Write the hex digits of escapes in upper case, such as %2F.",
			variants: some(func(p *plan) { p.hex = lowerEscapes }),
		},
		{
			cause: "plus-for-space", slot: slotEscape, rank: common,
			what:     "writes a space as +",
			fix:      "Escape a space as %20.",
			variants: some(escapedBy(spaced(rule)), paramsEscapedBy(spaced(rule))),
		},
		{
			cause: "tilde-escaped", slot: slotEscape, rank: common,
			what:     "escapes ~",
			fix:      "Leave - . _ ~ as they are.",
			variants: some(escapedBy(percent("-._"))),
		},
		{
			cause: "star-unescaped", slot: slotEscape, rank: common,
			what:     "leaves * as it is",
			fix:      "Escape it as %2A.",
			variants: some(escapedBy(percent("-._~*")), escapedBy(percent("-._*"))),
		},
		{
			cause: "form-escape", slot: slotEscape, rank: common,
			what: "escapes as for a form (URLEncoder, urlencode, UrlEncode): a space as +, with other rules for * and ~",
			fix:  "Escape by RFC 3986: only letters, digits and - . _ ~ stay, a space is %20.",
			variants: some(escapedBy(spaced("-._*")), escapedBy(spaced("-._")), escapedBy(spaced("-._!*()")), escapedBy(spaced("-._~*")), escapedBy(spaced("-._~!'()*")),
				paramsEscapedBy(spaced("-._*")), paramsEscapedBy(spaced("-._")), paramsEscapedBy(spaced("-._!*()"))),
		},
		{
			cause: "plus-not-escaped", slot: slotValues, rank: common,
			what: "sends + in a value without escaping it, so that a space arrives",
			fix:  "Escape + as %2B where the URL or the form is made.",
			variants: some(func(p *plan) {
				p.query = kept(asSent(p.own.RawQuery, nil, url.PathUnescape), notSign)
				if len(p.form0) > 0 {
					p.form = kept(asSent(string(p.own.Body), nil, url.PathUnescape), notSign)
				}
			}, func(p *plan) { p.values(func(s string) string { return strings.ReplaceAll(s, " ", "+") }) }),
		},
		{
			cause: "double-escape", slot: slotEscape | slotJoin, rank: common,
			what:     "escapes twice",
			fix:      "Join the decoded names and values first, then escape each part once.",
			variants: doubleEscape,
		},
		{
			cause: "pairs-escaped", slot: slotJoin, rank: common,
			what:     "escapes names and values, and not the = and & between them",
			fix:      "Join the pairs first, then escape the part as a whole: = becomes %3D and & becomes %26.",
			variants: some(func(p *plan) { p.pairs = escapedOnly }),
		},
		{
			cause: "not-escaped", slot: slotEscape | slotEscapePath, rank: common,
			what:     "does not escape",
			fix:      "Escape path, headers, query and form, each as a whole.",
			variants: some(escapedBy(asText), paramsEscapedBy(asText), func(p *plan) { p.escape, p.escapePath = asText, percent(rule) }, func(p *plan) { p.escapeHeaders = asText }),
		},
		{
			cause: "path-not-escaped", slot: slotEscapePath, rank: common,
			what:     "does not escape the path",
			fix:      "Escape the path as a whole: a slash becomes %2F.",
			variants: some(func(p *plan) { p.escapePath = asText }),
		},
		{
			cause: "path-slash-unescaped", slot: slotEscapePath, rank: common,
			what:     "leaves the slashes of the path as they are",
			fix:      "Escape the path as a whole: a slash becomes %2F.",
			variants: some(func(p *plan) { p.escapePath = percent("-._~/") }),
		},
		{
			cause: "slash-unescaped", slot: slotEscape, rank: common,
			what: "leaves slashes as they are, as Python's quote does",
			fix:  "Escape slashes, too: quote(text, safe='').",
			variants: some(escapedBy(percent("-._~/")), escapedBy(percent("-._/")), paramsEscapedBy(percent("-._~/")),
				paramsEscapedBy(percent("-._/"))),
		},
		{
			cause: "encode-uri", slot: slotEscape, rank: common,
			what: "escapes as encodeURI does, which leaves / ? : = & and others as they are",
			fix:  "Escape by RFC 3986: only letters, digits and - . _ ~ stay.",
			variants: some(escapedBy(percent("-._~!'()*;/?:@&=+$,#")), paramsEscapedBy(percent("-._~!'()*;/?:@&=+$,#")),
				escapedBy(percent("-._~!'()*;/?:@&=+$,#[]"))),
		},
		{
			cause: "js-escape", slot: slotEscape, rank: seldom,
			what:     "escapes as JavaScript's escape does",
			fix:      "Escape the UTF-8 bytes by RFC 3986.",
			variants: some(escapedBy(jsEscape), paramsEscapedBy(jsEscape)),
		},
		{
			cause: "other-characters-unescaped", slot: slotEscape, rank: seldom,
			what:     "leaves characters as they are that have to be escaped, or escapes some that stay",
			fix:      "Escape by RFC 3986: only letters, digits and - . _ ~ stay.",
			variants: unescapedSets,
		},
		{
			cause: "headers-not-escaped", slot: slotJoinHeaders, rank: seldom,
			what:     "does not escape the headers",
			fix:      "Escape the headers as a whole, as the other parts.",
			variants: one(func(p *plan) { p.escapeHeaders = asText }),
		},
	}
}

func asText(s string) string { return s }

func escapedBy(escape func(string) string) func(*plan) { return func(p *plan) { p.escape = escape } }

// paramsEscapedBy leaves the path and the headers to the rule.
func paramsEscapedBy(escape func(string) string) func(*plan) {
	return func(p *plan) { p.escapeParams = escape }
}

func lowerEscapes(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			for _, j := range []int{i + 1, i + 2} {
				if 'A' <= b[j] && b[j] <= 'F' {
					b[j] += 'a' - 'A'
				}
			}
			i += 2
		}
	}
	return string(b)
}

// doubleEscape escapes names and values, then the part; or each part twice; or signs
// what is in the URL as it is.
func doubleEscape(p *plan) []variant {
	once := percent("-._~")
	all := func(s string) string { return once(once(s)) }
	return plain(
		func(p *plan) { p.pairs = escapedBoth },
		func(p *plan) { p.escape = all },
		func(p *plan) { p.escapeParams = all },
		func(p *plan) { p.escapePath = all },
		func(p *plan) { p.escapeHeaders = all },
		func(p *plan) {
			p.values(once)
			p.join = join
		},
		func(p *plan) { p.values(spaced("-._~")) },
		func(p *plan) { p.values(percent("-._~!'()*")) },
		func(p *plan) {
			p.query = kept(p.rawQueryItems, notSign)
			if len(p.rawFormItems) > 0 {
				p.form = kept(p.rawFormItems, notSign)
			}
		},
	)
}

// jsEscape is the old function: Latin-1 as %XX, the rest as %uXXXX.
func jsEscape(s string) string {
	var b strings.Builder
	for _, unit := range codeUnits(s) {
		switch {
		case unit < 0x80 && (escape.Alphanumeric(byte(unit)) || strings.ContainsRune("@*_+-./", rune(unit))):
			b.WriteByte(byte(unit))
		case unit < 0x100:
			fmt.Fprintf(&b, "%%%02X", unit)
		default:
			fmt.Fprintf(&b, "%%u%04X", unit)
		}
	}
	return b.String()
}

// unescapedSets are characters that some function of some language leaves.
func unescapedSets(*plan) []variant {
	var all []variant
	for _, left := range []string{":", "@", ",", ";", "$", "!", "'", "()", "!'()", "/:", ":/", "[]", "{}", "\"", "|", "+", ":@", "/:,", "@:$,", "/?", "!*'()", "!()", "=", "&"} {
		all = append(all, variant{do: escapedBy(percent("-._~" + left))}, variant{do: paramsEscapedBy(percent("-._~" + left))})
	}
	for _, left := range []string{"-._!'()", "", "-_", "_.", "-.", "-_.!'()*", "_", "-_.!~"} {
		all = append(all, variant{do: escapedBy(percent(left))})
	}
	return append(all, variant{do: func(p *plan) { p.escape = onlyNotASCII }}, variant{do: func(p *plan) { p.escape = func(s string) string { return strings.ReplaceAll(s, " ", "%20") } }})
}

// onlyNotASCII escapes as some do who have only Chinese in mind.
func onlyNotASCII(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] >= 0x7f {
			b.Write(escape.Append(nil, s[i:i+1]))
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
