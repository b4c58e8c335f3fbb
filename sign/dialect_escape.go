package sign

import (
	"strings"

	"github.com/shopex/prism-go/internal/escape"
)

// percent returns the escape that leaves letters, digits and plain as they are.
func percent(plain string) func(string) string {
	return func(s string) string { return escape.AllBut(s, plain) }
}

// spaced is percent, but that a space becomes +.
func spaced(plain string) func(string) string {
	return func(s string) string { return strings.ReplaceAll(escape.AllBut(s, plain), "%20", "+") }
}

// escapeForm is for Java, whose URLEncoder escapes for a form.
func escapeForm(s string) string { return spaced("-._*")(s) }

// escapeASCII is for C#: each UTF-16 code unit that is not ASCII is a question mark.
func escapeASCII(s string) string {
	var b strings.Builder
	for _, unit := range codeUnits(s) {
		if unit > 0x7f {
			unit = '?'
		}
		b.WriteByte(byte(unit))
	}
	return percent("-._")(b.String())
}

// escapeSlashes is for Python, which escapes only slashes of the path.
func escapeSlashes(s string) string { return strings.ReplaceAll(s, "/", "%2F") }
