package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// Members calls each with the name and the raw value of every member of a JSON
// object, and reports whether text is one. It only finds the ends of values and does
// not check them: most are decoded elsewhere, or not at all.
func Members(text []byte, each func(name, value []byte)) bool {
	s := scanner{b: text, lax: true}
	for more := s.open(); more; more = s.more() {
		name := s.name()
		if value := s.skip(); s.reason == "" {
			each(name, value)
		}
	}
	return s.reason == ""
}

// scanner reads one JSON object. After the first failure it is at the end.
type scanner struct {
	b      []byte
	i      int
	lax    bool // the contents of strings and values are not checked
	reason string
}

func (s *scanner) fail(reason string) {
	if s.reason == "" {
		s.reason = reason
	}
	s.i = len(s.b)
}

// next skips white space and returns the byte after it, 0 at the end.
func (s *scanner) next() byte {
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) expect(c byte) {
	if s.next() != c {
		s.fail("not a JSON object")
		return
	}
	s.i++
}

// open enters the object, and reports whether it has members.
func (s *scanner) open() bool {
	s.expect('{')
	if s.next() != '}' {
		return s.reason == ""
	}
	s.close()
	return false
}

// more goes past a member, and reports whether there is another.
func (s *scanner) more() bool {
	if s.next() == ',' {
		s.i++
		return true
	}
	s.close()
	return false
}

func (s *scanner) close() {
	s.expect('}')
	if s.next(); s.i < len(s.b) {
		s.fail("something follows the JSON object")
	}
}

// name consumes the name of a member and goes to its value.
func (s *scanner) name() []byte {
	s.next()
	name, _ := s.quoted()
	s.expect(':')
	s.next()
	return name
}

// quoted consumes a string and returns its text; fresh means that the text is not
// part of the frame.
func (s *scanner) quoted() (text []byte, fresh bool) {
	raw, escaped := s.span()
	if !escaped {
		return raw, false
	}
	text = make([]byte, len(raw))
	return text[:s.unescape(text, raw)], true
}

// span consumes a string and returns what is between its quotes.
func (s *scanner) span() (raw []byte, escaped bool) {
	if !s.atString() {
		s.fail("a string is missing")
		return nil, false
	}
	rest := s.b[s.i+1:]
	n := plain(rest)
	for n < len(rest) && (rest[n] == '\\' || s.lax && rest[n] != '"') {
		if rest[n] == '\\' {
			escaped = true
			n++
		}
		n = min(n+1, len(rest))
		n += plain(rest[n:])
	}
	switch {
	case n >= len(rest):
		s.fail("a string does not end")
		return nil, false
	case rest[n] != '"':
		s.fail("a string has a control character")
		return nil, false
	}
	s.i += n + 2
	return rest[:n], escaped
}

func (s *scanner) atString() bool { return s.i < len(s.b) && s.b[s.i] == '"' }

// value consumes any value and returns its JSON, part of the frame.
func (s *scanner) value() []byte {
	if from := s.i; s.atString() {
		s.quoted()
		return s.b[from:s.i]
	}
	v := s.skip()
	if !json.Valid(v) {
		s.fail("a value is not JSON")
		return nil
	}
	return v
}

// skip consumes a value without checking it, and returns it.
func (s *scanner) skip() []byte {
	from := s.i
	if s.atString() {
		s.span()
	} else if s.i += extent(s.b[from:]); s.i == from {
		s.fail("a value is not JSON")
	}
	return s.b[from:s.i]
}

// extent returns where a value that is no string ends, if it is a valid one.
func extent(b []byte) int {
	if len(b) == 0 || b[0] != '{' && b[0] != '[' {
		if n := bytes.IndexAny(b, ",]} \n\t\r"); n >= 0 {
			return n
		}
		return len(b)
	}
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ { // mostly short: faster than plain
				if b[i] == '\\' {
					i++
				}
			}
		}
	}
	return len(b)
}

// unescape writes raw without its escapes to text, which is as long, and returns how
// many bytes that are.
func (s *scanner) unescape(text, raw []byte) int {
	end := 0 // of what is written; it never overtakes what is read
	for i := 0; i < len(raw); {
		if i+8 <= len(raw) {
			v := word(raw[i:])
			binary.LittleEndian.PutUint64(text[end:], v)
			n := bits.TrailingZeros64(special(v)) / 8
			i, end = i+n, end+n
			if n == 8 {
				continue
			}
		}
		if raw[i] != '\\' {
			text[end] = raw[i]
			i, end = i+1, end+1
			continue
		}
		read, written := unescapeOne(text[end:], raw[i+1:])
		if read == 0 {
			if !s.lax {
				s.fail("a string has a wrong escape")
			}
			return 0
		}
		i, end = i+1+read, end+written
	}
	return end
}

// unescapeOne writes what the escape at the start of s stands for, without its
// backslash. It read nothing if there is no such escape.
func unescapeOne(text, s []byte) (read, written int) {
	if len(s) == 0 {
		return 0, 0
	}
	switch c := s[0]; c {
	case '"', '\\', '/':
		text[0] = c
	case 'b':
		text[0] = '\b'
	case 'f':
		text[0] = '\f'
	case 'n':
		text[0] = '\n'
	case 'r':
		text[0] = '\r'
	case 't':
		text[0] = '\t'
	case 'u':
		r, size := unicodeEscape(s[1:])
		if size == 0 {
			return 0, 0
		}
		return 1 + size, utf8.EncodeRune(text, r)
	default:
		return 0, 0
	}
	return 1, 1
}

// unicodeEscape reads what follows \u, with the second half of a pair; half a
// pair alone is U+FFFD, as in encoding/json.
func unicodeEscape(s []byte) (r rune, size int) {
	r, ok := hex4(s)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 4
	}
	if len(s) >= 10 && s[4] == '\\' && s[5] == 'u' {
		if low, ok := hex4(s[6:]); ok {
			if r := utf16.DecodeRune(r, low); r != utf8.RuneError {
				return r, 10
			}
		}
	}
	return utf8.RuneError, 4
}

func hex4(s []byte) (r rune, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for _, c := range s[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// plain returns how many bytes of s come before the first that a JSON string has to
// escape. It looks at 32 at a time, which BenchmarkPlain compares with one by one.
func plain(s []byte) int {
	i := 0
	if len(s) >= 8 { // JSON in JSON has an escape every few bytes
		if found := special(word(s)); found != 0 {
			return bits.TrailingZeros64(found) / 8
		}
		i = 8
	}
	for ; i+32 <= len(s); i += 32 {
		b := s[i : i+32]
		if special(word(b))|special(word(b[8:]))|special(word(b[16:]))|special(word(b[24:])) != 0 {
			break
		}
	}
	for ; i+8 <= len(s); i += 8 {
		if found := special(word(s[i:])); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' {
			break
		}
	}
	return i
}

func word(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// special has the high bit of each byte of v that is below 0x20, a quote or a
// backslash. Swapping bit 1 puts the quote, 0x22, right above 0x1f, so one
// subtraction finds both. A borrow makes bytes behind the first wrong, never it.
func special(v uint64) uint64 {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	low, backslash := (v^0x02*ones)-0x21*ones, (v^'\\'*ones)-ones
	return (low | backslash) &^ v & high
}
