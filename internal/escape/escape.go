// Package escape writes text as %XX.
package escape

import (
	"slices"
	"strings"
)

// HexDigits are the digits in everything that this module escapes and signs.
const HexDigits = "0123456789ABCDEF"

// unreserved has the bytes that need no escape by RFC 3986, section 2.3.
var unreserved = func() (table [256]bool) {
	for c := range table {
		table[c] = Alphanumeric(byte(c)) || strings.IndexByte("-._~", byte(c)) >= 0
	}
	return table
}()

// Append appends s with every byte but the unreserved as %XX.
func Append(dst []byte, s string) []byte {
	dst = slices.Grow(dst, 3*len(s))
	return dst[:To(dst[:cap(dst)], len(dst), s)]
}

// To writes s, escaped as by Append, to buffer[n:], which must have at least 3*len(s)
// bytes, and returns the index of its end. It is small enough to be inlined.
func To(buffer []byte, n int, s string) int {
	for i := 0; i < len(s); i++ {
		c := s[i]
		buffer[n] = c
		n++
		if !unreserved[c] {
			buffer[n-1], buffer[n], buffer[n+1] = '%', HexDigits[c>>4], HexDigits[c&15]
			n += 2
		}
	}
	return n
}

// AllBut returns s with every byte as %XX but letters, digits and those in plain.
func AllBut(s, plain string) string {
	var b []byte
	done := 0
	for i := 0; i < len(s); i++ {
		if c := s[i]; !Alphanumeric(c) && strings.IndexByte(plain, c) < 0 {
			b = append(append(b, s[done:i]...), '%', HexDigits[c>>4], HexDigits[c&15])
			done = i + 1
		}
	}
	if done == 0 {
		return s
	}
	return string(append(b, s[done:]...))
}

// Alphanumeric reports whether c is a letter or a digit of ASCII.
func Alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
