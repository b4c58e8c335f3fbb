package sign

import (
	"slices"
	"strings"
)

const hexDigits = "0123456789ABCDEF"

// unreserved tells which bytes RFC 3986, section 2.3, lets stand as they are.
var unreserved = func() (table [256]bool) {
	for c := range table {
		table[c] = isAlphanumeric(byte(c)) || strings.IndexByte("-._~", byte(c)) >= 0
	}
	return table
}()

// appendEscaped appends s with every byte but the unreserved as %XX.
func appendEscaped(dst []byte, s string) []byte {
	dst = slices.Grow(dst, 3*len(s))
	return dst[:escapeTo(dst[:cap(dst)], len(dst), s)]
}

// escapeTo writes s, escaped, to room[n:], which has 3*len(s) bytes or more,
// and returns where it ends. It is small enough to be compiled into its caller.
func escapeTo(room []byte, n int, s string) int {
	for i := 0; i < len(s); i++ {
		c := s[i]
		room[n] = c
		n++
		if !unreserved[c] {
			room[n-1], room[n], room[n+1] = '%', hexDigits[c>>4], hexDigits[c&15]
			n += 2
		}
	}
	return n
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
