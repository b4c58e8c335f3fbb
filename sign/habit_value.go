package sign

import (
	"encoding/binary"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

func timeHabits() []habit {
	return []habit{
		{
			cause: "milliseconds", slot: slotTime, rank: common,
			what:     "signs sign_time in milliseconds and sends it in seconds, or the other way",
			fix:      "Take the time once, in seconds, and sign what you send.",
			variants: milliseconds,
		},
		{
			cause: "sign-time-taken-twice", slot: slotTime, rank: common,
			what:     "signs another sign_time than it sends",
			fix:      "Take the time once, and sign what you send.",
			variants: signTimes(around),
		},
		{
			cause: "sign-time-as-text", slot: slotTime, rank: common,
			what:     "signs sign_time as a date or with decimals",
			fix:      "Sign the Unix time in seconds, as it is sent.",
			variants: signTimes(dates),
		},
		{
			cause: "sign-time-zone", slot: slotTime, rank: rare,
			what:     "signs sign_time of another time zone",
			fix:      "Sign the Unix time, which knows no time zone, as it is sent.",
			variants: signTimes(zones),
		},
		{
			cause: "milliseconds", slot: slotTime, rank: rare,
			what:     "signs sign_time in milliseconds and sends it in seconds",
			fix:      "Take the time once, in seconds, and sign what you send.",
			variants: everyMillisecond,
		},
	}
}

// signTimes changes sign_time, if it is a number.
func signTimes(others func(seconds int64) []string) func(*plan) []variant {
	return func(p *plan) []variant {
		seconds, err := strconv.ParseInt(p.own.value("sign_time"), 10, 64)
		if err != nil {
			return nil
		}
		var all []variant
		for _, other := range others(seconds) {
			all = append(all, signTime(other))
		}
		return all
	}
}

func signTime(text string) variant {
	return variant{do: func(p *plan) {
		p.params(func(it item) item {
			if it.name == "sign_time" {
				it.value = text
			}
			return it
		})
	}}
}

const inMilliseconds = 1e11 // a sign_time from here on is not in seconds: they are in the year 5138

func milliseconds(p *plan) []variant {
	return signTimes(func(sent int64) []string {
		text := strconv.FormatInt(sent, 10)
		if sent < inMilliseconds {
			return []string{text + "000", text + "000000", text + "000000000"}
		}
		return []string{strconv.FormatInt(sent/1000, 10), strconv.FormatInt(sent/1000+1, 10), text + "000"}
	})(p)
}

func everyMillisecond(p *plan) []variant {
	return signTimes(func(sent int64) (all []string) {
		for ms := range int64(1000) {
			if sent < inMilliseconds {
				all = append(all, strconv.FormatInt(sent*1000+ms, 10))
			}
		}
		return all
	})(p)
}

func around(sent int64) (all []string) {
	for i := range int64(5) {
		all = append(all, strconv.FormatInt(sent-i-1, 10), strconv.FormatInt(sent+i+1, 10))
	}
	return append(all, "", "0", "null", "undefined")
}

func zones(sent int64) (all []string) {
	for hours := int64(-12); hours <= 14; hours++ {
		if hours != 0 {
			all = append(all, strconv.FormatInt(sent+3600*hours, 10))
		}
	}
	return all
}

func dates(sent int64) (all []string) {
	text := strconv.FormatInt(sent, 10)
	all = append(all, text+".0", text+".")
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("", 8*3600), time.Local} {
		at := time.Unix(sent, 0).In(zone)
		for _, layout := range []string{time.DateTime, time.RFC3339, "2006-01-02T15:04:05", "20060102150405", "2006-01-02T15:04:05.000Z", "2006/01/02 15:04:05", time.RFC1123, http1123} {
			all = append(all, at.Format(layout))
		}
	}
	return all
}

const http1123 = "Mon, 02 Jan 2006 15:04:05 GMT"

func valueHabits() []habit {
	return []habit{
		{
			cause: "sent-escaped-twice", slot: slotValues, rank: common,
			what: "escapes the parameters twice where they are sent, and signs them rightly",
			fix:  "Escape once where the URL or the form is made.",
			variants: some(func(p *plan) { p.params(unescapedOnce(url.QueryUnescape)) }, func(p *plan) { p.params(unescapedOnce(url.PathUnescape)) },
				func(p *plan) { p.path = decoded(p.path, url.PathUnescape) }),
		},
		{
			cause: "fragment-signed", slot: slotValues, rank: common,
			what: "signs what follows a # that was not escaped, and is never sent",
			fix:  "Escape # as %23 where the URL is made.",
			variants: func(p *plan) []variant {
				if p.own.Fragment == "" || len(p.query0) == 0 {
					return nil
				}
				tail := "#" + p.own.Fragment
				return []variant{
					{do: func(p *plan) {
						name := p.query0[len(p.query0)-1].name
						p.query = replaced(p.query, func(it item) item {
							if it.name == name {
								it.value += tail
							}
							return it
						})
					}},
					{do: func(p *plan) { p.path += tail }},
					{do: func(p *plan) {
						p.query = kept(asSent(p.own.RawQuery+"%23"+p.own.Fragment, nil, url.QueryUnescape), notSign)
					}},
				}
			},
		},
		{
			cause: "html-escaped", slot: slotValues, rank: common,
			what: "signs values escaped for HTML, or sends them so",
			fix:  "Sign and send the text itself: &amp; and the like belong into HTML only.",
			variants: some(valuesBy(html.EscapeString), valuesBy(html.UnescapeString), valuesBy(func(s string) string {
				return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
			}), valuesBy(func(s string) string {
				return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#039;").Replace(s)
			})),
		},
		{
			cause: "values-trimmed", slot: slotValues, rank: common,
			what:     "trims the values that it signs, or those that it sends",
			fix:      "Sign the values that are sent.",
			variants: some(valuesBy(strings.TrimSpace), valuesBy(func(s string) string { return strings.TrimRight(s, " \t\r\n") }), valuesBy(func(s string) string { return s + "\n" }), valuesBy(func(s string) string { return strings.Join(strings.Fields(s), " ") })),
		},
		{
			cause: "values-case", slot: slotValues, rank: seldom,
			what:     "signs values in another case",
			fix:      "Sign the values that are sent.",
			variants: some(valuesBy(strings.ToLower), valuesBy(strings.ToUpper)),
		},
		{
			cause: "line-ends", slot: slotValues, rank: common,
			what: "signs other line ends than it sends",
			fix:  "Sign the values that are sent.",
			variants: some(valuesBy(func(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }), valuesBy(func(s string) string {
				return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
			}), valuesBy(func(s string) string { return strings.NewReplacer("\r", "", "\n", "").Replace(s) })),
		},
		{
			cause: "values-quoted", slot: slotValues, rank: seldom,
			what: "signs values with quotes around, or without those that are sent",
			fix:  "Sign the values that are sent.",
			variants: some(valuesBy(func(s string) string { return `"` + s + `"` }), valuesBy(func(s string) string { return "'" + s + "'" }),
				valuesBy(func(s string) string { return strings.Trim(s, `"`) }), valuesBy(func(s string) string { return strings.ReplaceAll(s, `"`, `\"`) }),
				valuesBy(func(s string) string { return strings.ReplaceAll(s, `\`, `\\`) }), valuesBy(func(s string) string { return strings.NewReplacer(`"`, `\"`, `'`, `\'`, `\`, `\\`).Replace(s) })),
		},
		{
			cause: "json-value-spelling", slot: slotValues, rank: common,
			what:     "signs a JSON value in another spelling than it sends: blanks, order, \\/ or \\uXXXX",
			fix:      "Make the JSON text once, and sign what you send.",
			variants: jsonValueSpelling,
		},
		{
			cause: "value-types", slot: slotValues, rank: seldom,
			what: "signs true, false, null or numbers in another spelling than it sends",
			fix:  "Make the text of each value once, and sign what you send.",
			variants: some(valueMap("true", "1", "false", ""), valueMap("true", "1", "false", "0"), valueMap("true", "True", "false", "False"), valueMap("1", "true", "0", "false"),
				valueMap("True", "true", "False", "false"), valueMap("1", "true", "", "false"), valueMap("null", ""), valueMap("", "null"), valueMap("None", ""), valueMap("", "None"), valueMap("", "undefined"), valueMap("undefined", ""),
				valuesBy(number2), valuesBy(func(s string) string { return strings.TrimSuffix(s, ".0") }), valuesBy(func(s string) string { return strings.TrimLeft(s, "0") })),
		},
		{
			cause: "charset-latin-1", slot: slotCharset, rank: common,
			what: "takes the text for Latin-1 where it signs, or signs Latin-1 and sends UTF-8",
			fix:  "Escape and sign the bytes of UTF-8, and send the same.",
			variants: some(allTexts(toLatin1), allTexts(fromLatin1), allTexts(func(s string) string { return fromLatin1(fromLatin1(s)) }),
				allTexts(func(s string) string { return strings.ToValidUTF8(s, "\ufffd") })),
		},
		{
			cause: "charset-ascii", slot: slotCharset, rank: common,
			what: "signs a question mark, or nothing, for what is not ASCII",
			fix:  "Escape and sign the bytes of UTF-8.",
			variants: some(allTexts(asciiOr(always("?"))), allTexts(asciiOr(always(""))), allTexts(asciiOr(always("\ufffd"))), allTexts(func(s string) string {
				return strings.Map(func(r rune) rune {
					if r > 0xff {
						return '?'
					}
					return r
				}, s)
			}), allTexts(func(s string) string {
				var b strings.Builder
				for i := range len(s) {
					if s[i] >= 0x80 {
						b.WriteByte('?')
					} else {
						b.WriteByte(s[i])
					}
				}
				return b.String()
			})),
		},
		{
			cause: "charset-utf-16", slot: slotCharset, rank: common,
			what:     "signs the text in UTF-16",
			fix:      "Escape and sign the bytes of UTF-8.",
			variants: some(allTexts(inUTF16(binary.LittleEndian)), allTexts(inUTF16(binary.BigEndian)), valuesBy(inUTF16(binary.LittleEndian)), valuesBy(inUTF16(binary.BigEndian))),
		},
		{
			cause: "unicode-escaped", slot: slotCharset, rank: common,
			what: "signs \\uXXXX or &#NNNN; for what is not ASCII",
			fix:  "Escape and sign the bytes of UTF-8.",
			variants: some(allTexts(unicodeEscaped), allTexts(asciiOr(numericEntity)), allTexts(func(s string) string {
				return strings.NewReplacer(`\u`, `%u`).Replace(unicodeEscaped(s))
			})),
		},
	}
}

func valuesBy(change func(string) string) func(*plan) { return func(p *plan) { p.values(change) } }

// allTexts changes all that is not the platform's own: names, values and the path.
func allTexts(change func(string) string) func(*plan) {
	ifNotASCII := func(s string) string {
		if strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
			return s
		}
		return change(s)
	}
	return func(p *plan) {
		p.params(func(it item) item { return item{ifNotASCII(it.name), ifNotASCII(it.value)} })
		p.header = replaced(p.header, func(it item) item { return item{it.name, ifNotASCII(it.value)} })
		p.path, p.body = ifNotASCII(p.path), ifNotASCII(p.body)
	}
}

func unescapedOnce(decode func(string) (string, error)) func(item) item {
	return func(it item) item { return item{decoded(it.name, decode), decoded(it.value, decode)} }
}

// toLatin1 returns a byte for each character, or s where one has none.
func toLatin1(s string) string {
	var b []byte
	for _, r := range s {
		if r > 0xff {
			return s
		}
		b = append(b, byte(r))
	}
	return string(b)
}

// fromLatin1 takes each byte for a character.
func fromLatin1(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

// asciiOr puts what other returns in place of each character that is not ASCII.
func asciiOr(other func(rune) string) func(string) string {
	return func(s string) string {
		var b strings.Builder
		for _, r := range s {
			if r < utf8.RuneSelf {
				b.WriteRune(r)
			} else {
				b.WriteString(other(r))
			}
		}
		return b.String()
	}
}

func always(text string) func(rune) string { return func(rune) string { return text } }

func inUTF16(order binary.AppendByteOrder) func(string) string {
	return func(s string) string { return utf16Bytes(order, s) }
}

func numericEntity(r rune) string { return "&#" + strconv.Itoa(int(r)) + ";" }

func valueMap(pairs ...string) func(*plan) {
	return valuesBy(func(s string) string {
		for i := 0; i < len(pairs); i += 2 {
			if s == pairs[i] {
				return pairs[i+1]
			}
		}
		return s
	})
}

// number2 writes a number with decimals otherwise.
func number2(s string) string {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !strings.Contains(s, ".") {
		return s
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

func jsonValueSpelling(p *plan) []variant {
	isJSON := func(it item) bool {
		return strings.HasPrefix(it.value, "{") || strings.HasPrefix(it.value, "[")
	}
	if !slices.ContainsFunc(together(p.query, p.form), isJSON) {
		return nil
	}
	var all []variant
	for i := range 8 {
		all = append(all, variant{do: func(p *plan) {
			p.params(func(it item) item {
				if isJSON(it) {
					it.value = nth(spellings(it.value), i)
				}
				return it
			})
		}})
	}
	return append(all, variant{do: valuesBy(func(s string) string {
		if strings.HasPrefix(s, "[") {
			return "Array"
		}
		if strings.HasPrefix(s, "{") {
			return "[object Object]"
		}
		return s
	})})
}
