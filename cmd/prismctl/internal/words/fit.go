package words

import (
	"strings"
	"unicode"
)

// Fitting returns s as Shown does, in at most so many columns of a terminal: what is
// longer ends with an ellipsis. Of a long s no more is looked at than could have room.
func Fitting(s string, columns int) string {
	runes := 0
	for i := range s {
		if runes > columns { // each takes a column or more
			s = s[:i]
			break
		}
		runes++
	}
	shown := Shown(s)
	if Width(shown) <= columns {
		return shown
	}
	width := 1 // of the ellipsis
	for i, r := range shown {
		if width += runeWidth(r); width > columns {
			return shown[:i] + "…"
		}
	}
	return shown
}

// Padded returns s with spaces behind it, up to so many columns.
func Padded(s string, columns int) string {
	return s + strings.Repeat(" ", max(0, columns-Width(s)))
}

// Width returns how many columns of a terminal s takes: two for a Chinese character.
func Width(s string) (columns int) {
	for _, r := range s {
		columns += runeWidth(r)
	}
	return columns
}

func runeWidth(r rune) int {
	if unicode.Is(wide, r) {
		return 2
	}
	return 1
}

// wide is what takes two columns, roughly as in Unicode's East Asian Width.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, {Lo: 0x2e80, Hi: 0x303e, Stride: 1}, {Lo: 0x3041, Hi: 0xa4cf, Stride: 1},
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, {Lo: 0xf900, Hi: 0xfaff, Stride: 1}, {Lo: 0xfe30, Hi: 0xfe6f, Stride: 1},
		{Lo: 0xff00, Hi: 0xff60, Stride: 1}, {Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x1f300, Hi: 0x1f64f, Stride: 1}, {Lo: 0x1f900, Hi: 0x1f9ff, Stride: 1}, {Lo: 0x20000, Hi: 0x3fffd, Stride: 1},
	},
}
