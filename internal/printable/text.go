// Package printable makes the words of somebody else harmless to a terminal and to a
// log.
package printable

import (
	"strconv"
	"strings"
	"unicode"
)

// Text returns s with everything escaped that is not to be seen: control
// characters, line breaks, what changes the direction of writing, bytes that are
// not UTF-8. All else stays as it is.
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

// Lines is Text for what has lines of its own: their ends and tabs stay.
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

// hidden holds for U+FFFD, too, as which strings' functions see a byte that is not UTF-8.
func hidden(r rune) bool { return !unicode.IsGraphic(r) || r == unicode.ReplacementChar }

func escaped(s string) string {
	quoted := strconv.QuoteToASCII(s)
	return quoted[1 : len(quoted)-1]
}
