package gateway

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// prefixElements returns the decoded elements of the prefix of a service.
func prefixElements(prefix string) []string {
	prefix = strings.Trim(prefix, "/")
	if prefix == "" {
		return nil
	}
	elements := strings.Split(prefix, "/")
	for i, e := range elements {
		elements[i] = plain(e)
	}
	return elements
}

// split returns the decoded elements of an escaped path, appended to elements. ok is false
// if it cannot be read.
func split(elements []string, path string) (_ []string, ok bool) {
	for element := range strings.SplitSeq(path, "/") {
		decoded, err := url.PathUnescape(element)
		if err != nil {
			return nil, false
		}
		elements = append(elements, decoded)
	}
	return elements, true
}

// rewrites are what servers, and servers behind them, do to a path before they look what it
// is for. Each does some of it.
var rewrites = [...]func(string) string{decoded, decoded, decoded, narrowed, slashed, shortened, withoutParams, merged}

// maxReadings bounds in how many ways a path may be read. Of one that is meant as it is
// written, there are few.
const maxReadings = 32

// readings returns all that some server could read in an escaped path, of which the path
// itself is the first. ok is false if that is an element . or .. or a control character, or if
// the path is escaped so often that nobody can mean it.
func readings(path string) (all []string, ok bool) {
	if isPlain(path) {
		all = []string{path} // nearly every call
	} else if all, ok = rewritten(path); !ok {
		return nil, false
	}
	for _, reading := range all {
		if hasDots(reading) || strings.ContainsFunc(reading, isControl) {
			return nil, false
		}
	}
	return all, true
}

// isPlain reports whether each rewrite leaves a path as it is.
func isPlain(path string) bool {
	slash := true // before it
	for i := range len(path) {
		switch c := path[i]; c {
		case '%', '\\', '?', '#', ';':
			return false
		case '/':
			if slash {
				return false
			}
			slash = true
		default:
			if c >= 0x80 {
				return false
			}
			slash = false
		}
	}
	return !slash
}

// rewritten returns a path and what the rewrites make of it. ok is false if there is no end
// of that.
func rewritten(path string) (all []string, ok bool) {
	if most := decoded(decoded(decoded(path))); decoded(most) != most {
		return nil, false
	}
	all = []string{path}
	for _, rewrite := range rewrites {
		for _, reading := range all {
			if other := rewrite(reading); !slices.Contains(all, other) {
				all = append(all, other)
			}
		}
		if len(all) > maxReadings {
			return nil, false
		}
	}
	return all, true
}

func hasDots(path string) bool {
	for element := range strings.SplitSeq(path, "/") {
		if element == "." || element == ".." {
			return true
		}
	}
	return false
}

func isControl(c rune) bool { return c < ' ' || c == 0x7f }

// decoded returns a path with its escapes decoded; what is none is left.
func decoded(path string) string {
	at := strings.IndexByte(path, '%')
	if at < 0 {
		return path
	}
	text := []byte(path[:at])
	for ; at < len(path); at++ {
		if path[at] == '%' {
			if c, err := url.PathUnescape(path[at:min(at+3, len(path))]); err == nil {
				text = append(text, c...)
				at += 2
				continue
			}
		}
		text = append(text, path[at])
	}
	return string(text)
}

// narrowed returns a path in which ASCII is written in one byte each. UTF-8 has only that,
// but some servers read it in more bytes, too.
func narrowed(path string) string {
	if isASCII(path) {
		return path
	}
	var text []byte
	for at := 0; at < len(path); {
		c, n := wide(path[at:])
		text = append(text, c)
		at += n
	}
	return string(text)
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

// wide returns the first byte of a text, or the ASCII that stands there in n bytes.
func wide(s string) (c byte, n int) {
	var b [4]byte
	copy(b[:], s)
	switch {
	case b[0]&0xfe == 0xc0 && continues(b[1]):
		return b[0]<<6 | b[1]&0x3f, 2
	case b[0] == 0xe0 && b[1]&0xfe == 0x80 && continues(b[2]):
		return b[1]<<6 | b[2]&0x3f, 3
	case b[0] == 0xf0 && b[1] == 0x80 && b[2]&0xfe == 0x80 && continues(b[3]):
		return b[2]<<6 | b[3]&0x3f, 4
	}
	return b[0], 1
}

func continues(c byte) bool { return c&0xc0 == 0x80 }

func slashed(path string) string { return strings.ReplaceAll(path, "\\", "/") }

// shortened returns a path up to what would be the query or the fragment if it were not
// escaped.
func shortened(path string) string {
	if at := strings.IndexAny(path, "?#"); at >= 0 {
		return path[:at]
	}
	return path
}

// withoutParams returns a path whose elements end at a semicolon.
func withoutParams(path string) string {
	if !strings.Contains(path, ";") {
		return path
	}
	elements := strings.Split(path, "/")
	for i, e := range elements {
		elements[i], _, _ = strings.Cut(e, ";")
	}
	return strings.Join(elements, "/")
}

// merged returns a path without empty elements.
func merged(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return strings.Trim(path, "/")
}

// asWritten returns an escaped path in which also those bytes are escaped that callers send
// as they are, such as quotes. net/http would write all of a path anew for the sake of one.
func asWritten(path string) string {
	var text []byte
	for i := range len(path) {
		c := path[i]
		if c > ' ' && c < 0x7f && !strings.ContainsRune("\"<>?#\\^`{|}", rune(c)) {
			text = append(text, c)
			continue
		}
		text = fmt.Appendf(text, "%%%02X", c)
	}
	return string(text)
}

// joined returns decoded elements as one path, in which a slash within an element is
// escaped, as it is not the same path.
func joined(elements []string) string {
	for _, e := range elements {
		if strings.Contains(e, "/") {
			escaped := make([]string, len(elements))
			for i, e := range elements {
				escaped[i] = strings.ReplaceAll(e, "/", "%2F")
			}
			return strings.Join(escaped, "/")
		}
	}
	return strings.Join(elements, "/")
}

// behind returns what of an escaped path follows its first n elements, with the slash
// before it.
func behind(path string, n int) string {
	at := 0
	for range n {
		next := strings.IndexByte(path[at:], '/')
		if next < 0 {
			return ""
		}
		at += next + 1
	}
	return path[at-1:]
}
