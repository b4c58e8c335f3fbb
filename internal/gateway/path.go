package gateway

import (
	"net/url"
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
// if the path has an element that some server takes for . or .., or cannot be read.
func split(elements []string, path string) (_ []string, ok bool) {
	for element := range strings.SplitSeq(path, "/") {
		decoded, err := url.PathUnescape(element)
		if err != nil || dots(element) {
			return nil, false
		}
		elements = append(elements, decoded)
	}
	return elements, true
}

// decodings is how often a server behind a server may decode a path.
const decodings = 3

// dots reports whether some server takes an escaped element, or a part of it, for . or ..:
// escaped once or more, behind an escaped slash, behind a backslash, before a semicolon.
func dots(element string) bool {
	if !strings.ContainsAny(element, ".%") {
		return false
	}
	for range decodings {
		for part := range strings.FieldsFuncSeq(element, isSlash) {
			part, _, _ = strings.Cut(part, ";")
			if part == "." || part == ".." {
				return true
			}
		}
		decoded, err := url.PathUnescape(element)
		if err != nil || decoded == element {
			return false
		}
		element = decoded
	}
	return strings.Contains(element, "%") // still escaped: nobody means that
}

func isSlash(c rune) bool { return c == '/' || c == '\\' }

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
