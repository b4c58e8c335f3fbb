// Package printable makes text of other systems safe to print on a terminal or into
// a log.
package printable

import (
	"strconv"
	"strings"
	"unicode"
)

// Text returns s with every invisible character escaped: control characters, line
// breaks, changes of the direction of writing, bytes that are not UTF-8. Everything
// else stays as it is.
func Text(s string) string {
	if !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		appendRune(&b, s[i:], r)
	}
	return b.String()
}

// Lines is Text for text of several lines: line breaks and tabs stay.
func Lines(s string) string {
	if !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		if r == '\n' || r == '\t' || strings.HasPrefix(s[i:], "\r\n") {
			b.WriteRune(r)
			continue
		}
		appendRune(&b, s[i:], r)
	}
	return b.String()
}

// appendRune appends r, with which rest begins.
func appendRune(b *strings.Builder, rest string, r rune) {
	switch {
	case r == unicode.ReplacementChar && !strings.HasPrefix(rest, string(r)):
		b.WriteString(escaped(rest[:1]))
	case !unicode.IsGraphic(r):
		b.WriteString(escaped(string(r)))
	default:
		b.WriteRune(r)
	}
}

// hidden reports whether r is invisible. A byte that is not UTF-8 is read as U+FFFD.
func hidden(r rune) bool { return !unicode.IsGraphic(r) || r == unicode.ReplacementChar }

func escaped(s string) string {
	quoted := strconv.QuoteToASCII(s)
	return quoted[1 : len(quoted)-1]
}
