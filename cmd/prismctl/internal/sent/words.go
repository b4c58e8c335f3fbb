package sent

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

var errQuote = errors.New("a quote of the command is not closed: give the whole command of curl")

// split splits a command line into words, as the shell does for which it was written.
func split(text string) ([]string, error) {
	if windows(text) {
		return splitWindows(text)
	}
	return splitPOSIX(strings.ReplaceAll(text, "`\n", " ")) // which is how PowerShell continues a line
}

// windows reports whether a command line is one for cmd.exe: it has carets at line ends,
// or before quotes.
func windows(text string) bool {
	return strings.Contains(text, "^\n") || strings.Contains(text, "^\r\n") || strings.Contains(text, `^"`)
}

func splitPOSIX(text string) ([]string, error) {
	s := shell{rest: text}
	for s.rest != "" {
		if err := s.step(); err != nil {
			return nil, err
		}
	}
	return s.end(), nil
}

// A shell reads words. A word may be empty, and consist of parts in different quotes.
type shell struct {
	rest   string
	word   strings.Builder
	inside bool
	words  []string
}

func (s *shell) end() []string {
	if s.inside {
		s.words = append(s.words, s.word.String())
		s.word.Reset()
		s.inside = false
	}
	return s.words
}

func (s *shell) add(text string) {
	s.word.WriteString(text)
	s.inside = true
}

func (s *shell) step() error {
	c := s.rest[0]
	switch {
	case strings.IndexByte(" \t\r\n", c) >= 0:
		s.end()
		s.rest = s.rest[1:]
	case c == '\'':
		text, rest, ok := strings.Cut(s.rest[1:], "'")
		if !ok {
			return errQuote
		}
		s.add(text)
		s.rest = rest
	case strings.HasPrefix(s.rest, "$'"):
		return s.ansi(s.rest[2:])
	case strings.HasPrefix(s.rest, `$"`):
		return s.double(s.rest[2:])
	case c == '"':
		return s.double(s.rest[1:])
	case c == '\\':
		return s.backslash()
	case c == ';' || c == '|' || c == '>':
		s.end()
		s.rest = "" // what follows is no argument of curl
	case c == '&' && (s.rest == "&" || s.rest[1] == '&' || s.rest[1] == ' '):
		s.end()
		s.rest = ""
	default:
		s.add(s.rest[:1])
		s.rest = s.rest[1:]
	}
	return nil
}

// backslash takes the next character as it is; a line break is no character.
func (s *shell) backslash() error {
	rest := s.rest[1:]
	switch {
	case rest == "":
	case rest[0] == '\n':
		rest = rest[1:]
	case strings.HasPrefix(rest, "\r\n"):
		rest = rest[2:]
	default:
		s.add(rest[:1])
		rest = rest[1:]
	}
	s.rest = rest
	return nil
}

func (s *shell) double(rest string) error {
	s.add("")
	for rest != "" {
		switch {
		case rest[0] == '"':
			s.rest = rest[1:]
			return nil
		case strings.HasPrefix(rest, "\\\n"):
			rest = rest[2:]
		case strings.HasPrefix(rest, "\\\r\n"):
			rest = rest[3:]
		case rest[0] == '\\' && len(rest) > 1 && strings.IndexByte("\"\\$`!", rest[1]) >= 0:
			s.add(rest[1:2])
			rest = rest[2:]
		default:
			s.add(rest[:1])
			rest = rest[1:]
		}
	}
	return errQuote
}

// ansi reads $'...', in which browsers copy what is not ASCII or has quotes.
func (s *shell) ansi(rest string) error {
	s.add("")
	for rest != "" {
		switch {
		case rest[0] == '\'':
			s.rest = rest[1:]
			return nil
		case rest[0] == '\\' && len(rest) > 1:
			text, n := escaped(rest[1:])
			s.add(text)
			rest = rest[1+n:]
		default:
			s.add(rest[:1])
			rest = rest[1:]
		}
	}
	return errQuote
}

// escaped returns what follows a backslash in $'...', and its length there.
func escaped(s string) (text string, length int) {
	const letters = "abefnrtv\\'\"?"
	if i := strings.IndexByte(letters, s[0]); i >= 0 {
		return "\a\b\x1b\f\n\r\t\v\\'\"?"[i : i+1], 1
	}
	switch s[0] {
	case 'x':
		return number(s, 1, 2, 16, func(n uint64) string { return string([]byte{byte(n)}) })
	case 'u':
		return unicode(s)
	case 'U':
		return number(s, 1, 8, 16, func(n uint64) string { return string(rune(n)) })
	case '0', '1', '2', '3', '4', '5', '6', '7':
		return number(s, 0, 3, 8, func(n uint64) string { return string([]byte{byte(n)}) })
	}
	return `\` + s[:1], 1
}

// unicode reads \uXXXX, or two of them that are one character in UTF-16.
func unicode(s string) (string, int) {
	high, n := number(s, 1, 4, 16, func(n uint64) string { return string(rune(n)) })
	if high != string(utf8.RuneError) || !strings.HasPrefix(s[n:], `\u`) || n != 5 || len(s) < 11 {
		return high, n
	}
	a, errA := strconv.ParseUint(s[1:5], 16, 16)
	b, errB := strconv.ParseUint(s[7:11], 16, 16)
	pair := utf16.DecodeRune(rune(a), rune(b))
	if errA != nil || errB != nil || pair == utf8.RuneError {
		return high, n
	}
	return string(pair), 11
}

func number(s string, from, most, base int, text func(uint64) string) (string, int) {
	end := from
	for end < len(s) && end < from+most && digit(s[end]) < base {
		end++
	}
	n, err := strconv.ParseUint(s[from:end], base, 32)
	if err != nil {
		return `\` + s[:1], 1
	}
	return text(n), end
}

func digit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return 99
}

// splitWindows first takes the carets away, as cmd.exe does, then the quotes, as the
// runtime of curl does: in them a backslash stands before a quote only.
func splitWindows(text string) ([]string, error) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '^' && i+1 < len(text) {
			i++
			if text[i] == '\r' && i+1 < len(text) && text[i+1] == '\n' {
				i++
			}
			if text[i] == '\n' {
				b.WriteByte(' ')
				continue
			}
		}
		b.WriteByte(text[i])
	}
	s := shell{rest: b.String()}
	for s.rest != "" {
		c := s.rest[0]
		switch {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			s.end()
			s.rest = s.rest[1:]
		case strings.HasPrefix(s.rest, `\"`):
			s.add(`"`)
			s.rest = s.rest[2:]
		case c == '"':
			if err := s.quoted(s.rest[1:]); err != nil {
				return nil, err
			}
		default:
			s.add(s.rest[:1])
			s.rest = s.rest[1:]
		}
	}
	return s.end(), nil
}

func (s *shell) quoted(rest string) error {
	s.add("")
	for rest != "" {
		switch {
		case strings.HasPrefix(rest, `\"`), strings.HasPrefix(rest, `""`), strings.HasPrefix(rest, `\\"`):
			s.add(rest[1:2])
			rest = rest[2:]
		case rest[0] == '"':
			s.rest = rest[1:]
			return nil
		default:
			s.add(rest[:1])
			rest = rest[1:]
		}
	}
	return errQuote
}
