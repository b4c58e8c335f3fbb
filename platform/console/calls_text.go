package console

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// headerText returns headers, a line each, in the order of their names.
func headerText(h http.Header, shown func(name string) bool) string {
	var b strings.Builder
	for _, name := range headerNames(h) {
		for _, value := range h[name] {
			if shown == nil || shown(name) {
				b.WriteString(name + ": " + value + "\n")
			}
		}
	}
	return b.String()
}

func headerNames(h http.Header) (names []string) {
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// headerIn reads lines of headers, and returns them as the platform takes them.
func headerIn(text string) (string, error) {
	h := make(http.Header)
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return "", &callError{Status: http.StatusBadRequest, Code: "invalid_parameter", Message: "each line of the headers must be NAME: VALUE"}
		}
		h.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	out, err := json.Marshal(h)
	return string(out), err
}

// ofWay are headers that are made anew for each request, or by proxies.
var ofWay = regexp.MustCompile(`^(Connection|Content-Length|Accept-Encoding|Expect|Upgrade|User-Agent|Forwarded|Via|X-Forwarded-.*|X-Real-Ip|X-Request-Id|Te|Trailer|Transfer-Encoding)$`)

// isOfClient reports whether a header is one that the client has set by itself.
func isOfClient(name string) bool { return !ofWay.MatchString(name) }

func isForm(h http.Header) bool {
	media, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(media), "application/x-www-form-urlencoded")
}

// withoutProof returns an address without what proves who calls.
func withoutProof(address string) string {
	path, query, _ := strings.Cut(address, "?")
	if query = withoutProofIn(query); query == "" {
		return path
	}
	return path + "?" + query
}

// withoutProofIn is withoutProof for a query or a form.
func withoutProofIn(form string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(form, "&"), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return pair == "" || slices.Contains([]string{"client_id", "client_secret", "sign", "sign_method", "sign_time"}, name)
	}), "&")
}

// RequestText returns a request much as it went over the wire.
func (s *callSide) RequestText() string {
	return s.Method + " " + readable(s.URL) + "\n" + headerText(s.Header, nil) + bodyText(s.Body)
}

// AnswerText returns the answer likewise.
func (s *callSide) AnswerText() string {
	return strconv.Itoa(s.Status) + " " + http.StatusText(s.Status) + "\n" + headerText(s.AnswerHeader, nil) + bodyText(s.AnswerBody)
}

// readable returns an address with the letters that its path and query stand for, where they
// can be told apart from what separates them.
func readable(address string) string {
	return escapes.ReplaceAllStringFunc(address, func(escaped string) string {
		if plain, err := url.PathUnescape(escaped); err == nil && utf8.ValidString(plain) {
			return plain
		}
		return escaped
	})
}

// escapes are those of letters that are not ASCII.
var escapes = regexp.MustCompile(`(%[89A-Fa-f][0-9A-Fa-f])+`)

// bodyText returns a body for people: JSON is indented.
func bodyText(body []byte) string {
	if len(body) == 0 {
		return ""
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, body, "", "  ") == nil {
		body = pretty.Bytes()
	}
	return "\n" + strings.ToValidUTF8(string(body), "\ufffd")
}

// A marked text has a place that differs.
type marked struct{ Before, At, After string }

var place = regexp.MustCompile(`Part ([2-6]) of 7 \([a-z]+\) differs at character ([0-9]+)`)

// ToSign returns the string to sign, with the first character that the caller has signed
// otherwise, if it is known and shown.
func (d *callDiagnosis) ToSign() marked {
	found, parts := place.FindStringSubmatch(d.Explanation), strings.Split(d.StringToSign, "&")
	if found == nil || len(parts) != 7 {
		return marked{Before: d.StringToSign}
	}
	number, _ := strconv.Atoi(found[1])
	at, _ := strconv.Atoi(found[2])
	part := []rune(parts[number-1])
	if at > len(part) || at < 1 || strings.Contains(string(part[:at]), "***") {
		return marked{Before: d.StringToSign}
	}
	end := at
	if part[at-1] == '%' {
		end = min(at+2, len(part))
	}
	before := strings.Join(append(slices.Clone(parts[:number-1]), string(part[:at-1])), "&")
	after := strings.Join(append([]string{string(part[end:])}, parts[number:]...), "&")
	return marked{before, string(part[at-1 : end]), after}
}
