// Package sent reads HTTP requests in the forms in which people have them: a URL, a
// command of curl, a HAR file, the bytes of a request, or JSON.
package sent

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
)

// A Request is one that was sent, or was to be sent.
type Request struct {
	Method string
	URL    string // or what stands in the request line
	Header http.Header
	Body   []byte
	Entry  int // its number in a HAR, from 1; otherwise 0
}

// MaxSize is how large anything but a HAR may be, in bytes. A HAR may have any size, as
// it is read request by request, but no entry of it may have more than MaxEntry.
const (
	MaxSize  = 16 << 20
	MaxEntry = 64 << 20
)

// Each calls do with each request in r. It ends with the first error of do or of reading.
func Each(r io.Reader, do func(Request) error) error {
	b := bufio.NewReaderSize(r, 64<<10)
	if err := skipBlanks(b); err != nil {
		return err
	}
	if start, _ := b.Peek(1); len(start) == 1 && start[0] == '{' {
		return eachOfJSON(b, do)
	}
	text, err := io.ReadAll(io.LimitReader(b, MaxSize+1))
	if err != nil {
		return fmt.Errorf("the request cannot be read: %w", err)
	}
	if len(text) > MaxSize {
		return fmt.Errorf("this has more than %d MiB, which only a HAR may have", MaxSize>>20)
	}
	request, err := Read(text)
	if err != nil {
		return err
	}
	return do(request)
}

// skipBlanks goes to the first character that is neither a blank nor a byte order mark.
func skipBlanks(b *bufio.Reader) error {
	if mark, _ := b.Peek(3); bytes.Equal(mark, []byte("\ufeff")) {
		b.Discard(3)
	}
	for {
		c, err := b.ReadByte()
		switch {
		case err == io.EOF:
			return errors.New("there is no request: give a URL, a command of curl, a HAR, the bytes of a request, or JSON")
		case err != nil:
			return fmt.Errorf("the request cannot be read: %w", err)
		case strings.IndexByte(" \t\r\n", c) < 0:
			return b.UnreadByte()
		}
	}
}

var (
	requestLine = regexp.MustCompile(`^[A-Z]{2,20} +\S`)
	wholeURL    = regexp.MustCompile(`^(?i)(https?|wss?)://[^\s/]`)
	curl        = regexp.MustCompile(`^(?i)(\$ +)?(\S*/)?curl(\.exe)?[\s^\\` + "`]")
)

// Read reads the only request of a text.
func Read(text []byte) (Request, error) {
	text = bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\ufeff")), " \t\r\n")
	line, _, _ := bytes.Cut(text, []byte("\n"))
	switch {
	case len(text) == 0:
		return Request{}, errors.New("there is no request: give a URL, a command of curl, a HAR, the bytes of a request, or JSON")
	case text[0] == '{':
		return readObject(text)
	case curl.Match(text):
		return readCurl(string(text))
	case wholeURL.Match(text), text[0] == '/':
		return readURL(string(text))
	case requestLine.Match(line):
		return readRaw(text)
	case bytes.IndexByte(text, 0) >= 0:
		return Request{}, errors.New("this is binary: give a URL, a command of curl, a HAR, the bytes of a request, or JSON")
	}
	return Request{}, errors.New("this is no URL (with http:// or https://), no command of curl, no HAR, no request with its request line, and no JSON object")
}

func readURL(text string) (Request, error) {
	text = strings.TrimSpace(text)
	if i := strings.IndexAny(text, "\r\n\x00"); i >= 0 {
		return Request{}, errors.New("there is a line break or a NUL in the URL: give it in one line")
	}
	return Request{Method: http.MethodGet, URL: text, Header: http.Header{}}, nil
}

// readRaw reads a request as it is on the wire, with line ends of either kind. Its body is
// what follows the empty line: as much as Content-Length says if that is less.
func readRaw(text []byte) (Request, error) {
	head, body, separated := cutHead(text)
	lines := strings.Split(strings.ReplaceAll(string(head), "\r\n", "\n"), "\n")
	words := strings.Fields(lines[0])
	r := Request{Method: words[0], Header: http.Header{}, Body: body}
	// A target may hold blanks that nobody escaped.
	if last := words[len(words)-1]; len(words) > 2 && strings.HasPrefix(last, "HTTP/") {
		words = words[:len(words)-1]
	}
	r.URL = strings.Join(words[1:], " ")
	for i, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		if strings.TrimSpace(line) == "" {
			continue
		}
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			return r, fmt.Errorf("line %d of the request is no header: write NAME: VALUE, and an empty line before the body", i+2)
		}
		r.Header[name] = append(r.Header[name], strings.TrimSpace(value))
	}
	if !separated {
		return r, nil
	}
	r.Body = cutBody(r)
	return r, nil
}

func cutHead(text []byte) (head, body []byte, ok bool) {
	windows, unix := bytes.Index(text, []byte("\r\n\r\n")), bytes.Index(text, []byte("\n\n"))
	switch {
	case windows >= 0 && (unix < 0 || windows < unix):
		return text[:windows], text[windows+4:], true
	case unix >= 0:
		return text[:unix], text[unix+2:], true
	}
	return text, nil, false
}

// cutBody takes away what an editor has added.
func cutBody(r Request) []byte {
	var length int
	if _, err := fmt.Sscanf(first(r.Header, "Content-Length"), "%d", &length); err == nil && 0 <= length && length <= len(r.Body) {
		return r.Body[:length]
	}
	if len(r.Header) == 0 || isForm(r.Header) {
		return bytes.TrimRight(r.Body, "\r\n")
	}
	return r.Body
}

func isForm(h http.Header) bool {
	return strings.HasPrefix(strings.ToLower(first(h, "Content-Type")), "application/x-www-form-urlencoded")
}

// first finds a header of any case.
func first(h http.Header, name string) string {
	for key, values := range h {
		if strings.EqualFold(key, name) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}
