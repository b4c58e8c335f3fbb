package sign

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

func byBytes(a, b string) int { return strings.Compare(a, b) }

// byUTF16 is the order of Java and JavaScript, which puts characters beyond
// U+FFFF before those from U+E000 on.
func byUTF16(a, b string) int { return slices.Compare(codeUnits(a), codeUnits(b)) }

func codeUnits(s string) []uint16 { return utf16.Encode([]rune(s)) }

// byNumber is the order of PHP 8: names that are both numbers in decimal are
// compared as such.
func byNumber(a, b string) int {
	x, aIsNumber := number(a)
	y, bIsNumber := number(b)
	if aIsNumber && bIsNumber {
		return cmp.Compare(x, y)
	}
	return byBytes(a, b)
}

func number(s string) (float64, bool) {
	s = strings.Trim(s, " \t\n\r\v\f")
	if strings.Trim(s, "0123456789+-.eE") != "" {
		return 0, false // what ParseFloat also takes: 0x1p4, 1_000, inf
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// byCulture approximates the order of .NET on Windows for names in ASCII: symbols,
// then digits, then letters of either case, with hyphens and apostrophes ignored.
// Other characters follow in UTF-16 order, which is right for Chinese but not for
// accented letters.
func byCulture(a, b string) int {
	if order := slices.Compare(weights(a), weights(b)); order != 0 {
		return order
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), byBytes(a, b))
}

func weights(s string) []int {
	const alphabet = " _,;:!?.\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz"
	var w []int
	for _, unit := range codeUnits(strings.ToLower(s)) {
		switch i := strings.IndexRune(alphabet, rune(unit)); {
		case unit == '-' || unit == '\'':
		case i >= 0:
			w = append(w, i)
		default:
			w = append(w, len(alphabet)+int(unit))
		}
	}
	return w
}
