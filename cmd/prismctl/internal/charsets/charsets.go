// Package charsets has the character sets in which clients sign by mistake. Package sign
// has none of them, as their tables are large.
package charsets

import (
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/traditionalchinese"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/unicode/norm"

	"github.com/shopex/prism-go/sign"
)

// Rewrites returns a text in these character sets, a text in them as UTF-8, and the forms
// in which Unicode writes one character.
func Rewrites() []sign.Rewrite {
	const fix = "Escape and sign the bytes of UTF-8, and send the same."
	var all []sign.Rewrite
	for _, set := range []struct {
		cause, name string
		encoding    encoding.Encoding
	}{
		{"charset-gbk", "GBK", simplifiedchinese.GBK},
		{"charset-big5", "Big5", traditionalchinese.Big5},
		{"charset-shift-jis", "Shift JIS", japanese.ShiftJIS},
	} {
		all = append(all,
			sign.Rewrite{Cause: set.cause, What: "signs " + set.name + " and sends UTF-8", Fix: fix, Text: encoded(set.encoding)},
			sign.Rewrite{Cause: set.cause, What: "signs UTF-8 and sends " + set.name, Fix: fix, Text: decoded(set.encoding)},
			sign.Rewrite{Cause: set.cause, What: "takes UTF-8 for " + set.name + " where it signs", Fix: fix, Text: mistaken(set.encoding)})
	}
	for _, form := range []norm.Form{norm.NFC, norm.NFD, norm.NFKC, norm.NFKD} {
		all = append(all, sign.Rewrite{
			Cause: "unicode-normalized", What: "signs characters in another form of Unicode than it sends: composed or decomposed", Fix: "Sign the text that is sent, byte for byte.",
			Text: func(s string) (string, bool) { return form.String(s), utf8.ValidString(s) },
		})
	}
	return all
}

func encoded(e encoding.Encoding) func(string) (string, bool) {
	return func(s string) (string, bool) {
		text, err := e.NewEncoder().String(s)
		return text, err == nil
	}
}

func decoded(e encoding.Encoding) func(string) (string, bool) {
	return func(s string) (string, bool) {
		if utf8.ValidString(s) {
			return "", false
		}
		text, err := e.NewDecoder().String(s)
		return text, err == nil
	}
}

func mistaken(e encoding.Encoding) func(string) (string, bool) {
	return func(s string) (string, bool) {
		if !utf8.ValidString(s) {
			return "", false
		}
		text, err := e.NewDecoder().String(s)
		return text, err == nil
	}
}
