package gateway

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/shopex/prism-go/internal/code"
)

const (
	partHeader  = 16 << 10 // bytes
	maxParts    = 10_000
	peekedBytes = 64 << 10
)

// A part is a field or a file of a multipart form.
type part struct {
	header []byte // as it came, with the empty line behind it
	name   string
	file   bool
}

// parts reads a multipart form and gives what is kept of it byte for byte. It takes a
// delimiter that servers read in different ways for a fault, as one of them would see
// parts that are not seen here.
type parts struct {
	src   *bufio.Reader
	delim []byte // "\n--" and the boundary
	begin func(part) (keep, collect bool, err error)
	field func(name, value string) error // a field that is collected
	end   func() ([]byte, error)         // parts to be added, encoded

	buffer        []byte
	pending       []byte // of buffer, to be read
	any, inside   bool   // a part was written; within the content of a part
	now           part
	keep, collect bool
	value         []byte
	room          int // for fields
	count         int
	err           error
}

func newParts(body io.Reader, boundary string, room int) *parts {
	return &parts{src: bufio.NewReaderSize(body, bufferBytes), delim: []byte("\n--" + boundary), room: room}
}

func (p *parts) Read(to []byte) (int, error) {
	for len(p.pending) == 0 {
		if p.err != nil {
			return 0, p.err
		}
		p.err = p.step()
	}
	n := copy(to, p.pending)
	p.pending = p.pending[n:]
	return n, nil
}

// step reads on until there is something to be read, or an error.
func (p *parts) step() error {
	switch {
	case p.count == 0:
		return p.open()
	case p.inside:
		return p.content()
	}
	return p.next()
}

// open reads the first delimiter, before which there may be a line break.
func (p *parts) open() error {
	if start, err := p.src.Peek(2); err == nil && string(start) == "\r\n" {
		_, _ = p.src.Discard(2)
	}
	first, err := p.src.Peek(len(p.delim) - 1)
	if err != nil || !bytes.Equal(first, p.delim[1:]) {
		return p.broken(err)
	}
	_, _ = p.src.Discard(len(first))
	p.count = 1
	return nil
}

// next reads what follows a delimiter: the header of a part, or the end.
func (p *parts) next() error {
	after, err := p.src.Peek(2)
	switch {
	case err != nil:
		return p.broken(err)
	case string(after) == "--":
		return p.close()
	case string(after) != "\r\n":
		return p.broken(nil)
	}
	_, _ = p.src.Discard(2)
	if p.count++; p.count > maxParts {
		return invalidForm("the form has too many parts")
	}
	if err := p.readHeader(); err != nil {
		return err
	}
	if p.room -= len(p.now.name); p.room < 0 { // names are remembered, of whatever part
		return tooLarge()
	}
	if p.keep, p.collect, err = p.begin(p.now); err != nil {
		return err
	}
	p.inside, p.value = true, p.value[:0]
	if p.keep {
		p.write(p.delimiter(), p.now.header)
	}
	return nil
}

// delimiter returns the line before the next part that is written.
func (p *parts) delimiter() []byte {
	line := append([]byte("\r"), p.delim...)
	if !p.any {
		line = line[2:]
	}
	p.any = true
	return append(line, "\r\n"...)
}

func (p *parts) write(texts ...[]byte) {
	p.buffer = p.buffer[:0]
	for _, text := range texts {
		p.buffer = append(p.buffer, text...)
	}
	p.pending = p.buffer
}

func (p *parts) close() error {
	var added []byte
	var err error
	if p.end != nil {
		if added, err = p.end(); err != nil {
			return err
		}
	}
	if _, err := io.Copy(io.Discard, p.src); err != nil {
		return err
	}
	last := p.delimiter()
	p.write(added, last[:len(last)-2], []byte("--\r\n"))
	return io.EOF
}

// content reads on in the content of a part.
func (p *parts) content() error {
	chunk, ended, err := p.chunk()
	if err != nil {
		return err
	}
	if p.collect {
		if p.room -= len(chunk); p.room < 0 {
			return tooLarge()
		}
		p.value = append(p.value, chunk...)
	}
	if p.keep {
		p.write(chunk)
	}
	_, _ = p.src.Discard(len(chunk))
	if !ended {
		return nil
	}
	_, _ = p.src.Discard(1 + len(p.delim))
	p.inside = false
	if p.collect {
		return p.field(p.now.name, string(p.value))
	}
	return nil
}

// chunk returns the bytes of a content that are there, and whether a delimiter follows.
func (p *parts) chunk() (chunk []byte, ended bool, err error) {
	tail := 1 + len(p.delim) + 2 // a delimiter, and what must follow it
	if _, err := p.src.Peek(tail); err != nil {
		return nil, false, p.broken(err)
	}
	have, _ := p.src.Peek(p.src.Buffered())
	at := bytes.Index(have, p.delim)
	switch {
	case at < 0:
		return have[:len(have)-tail+1], false, nil
	case at == 0 || have[at-1] != '\r':
		return nil, false, p.broken(nil)
	case at > 1: // up to the delimiter, which is at the beginning then
		return have[:at-1], len(have) >= at-1+tail, p.follows(have[at-1:], tail)
	}
	return nil, true, p.follows(have, tail)
}

// follows returns an error if a delimiter is not followed by the end of the line or by
// two hyphens. Too few bytes are looked at again.
func (p *parts) follows(have []byte, tail int) error {
	if len(have) < tail {
		return nil
	}
	if after := string(have[tail-2 : tail]); after != "\r\n" && after != "--" {
		return p.broken(nil)
	}
	return nil
}

func (p *parts) readHeader() error {
	p.now = part{}
	for len(p.now.header) <= partHeader {
		line, err := p.src.ReadSlice('\n')
		if err != nil || !bytes.HasSuffix(line, []byte("\r\n")) || bytes.HasPrefix(line, p.delim[1:]) {
			return p.broken(err)
		}
		p.now.header = append(p.now.header, line...)
		if len(line) == 2 {
			return p.now.parse()
		}
	}
	return invalidForm("the header of a part is too long")
}

// parse reads the name of a part. A name that can be read in several ways is a fault.
func (p *part) parse() error {
	header, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(p.header))).ReadMIMEHeader()
	if err != nil || len(header["Content-Disposition"]) != 1 {
		return invalidForm("a part has no single Content-Disposition")
	}
	said := header.Get("Content-Disposition")
	kind, params, err := mime.ParseMediaType(said)
	if err != nil || kind != "form-data" || params["name"] == "" || strings.ContainsAny(params["name"], "\\\"\r\n") ||
		strings.Contains(strings.ReplaceAll(strings.ToLower(said), "filename*", ""), "name*") {
		return invalidForm("the name of a part cannot be read")
	}
	_, p.file = params["filename"]
	p.name = params["name"]
	return nil
}

func (p *parts) broken(err error) error {
	if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
		return err // of the caller's connection
	}
	return invalidForm("the parts of the form cannot be read")
}

func invalidForm(message string) *Refusal {
	return &Refusal{Status: http.StatusBadRequest, Code: code.InvalidForm, Message: message}
}

func tooLarge() *Refusal {
	return &Refusal{Status: http.StatusRequestEntityTooLarge, Code: code.RequestTooLarge, Message: "the fields of the form are too large"}
}

// encodePart returns a field as a part.
func (p *parts) encodePart(name, value string) []byte {
	return fmt.Appendf(p.delimiter(), "Content-Disposition: form-data; name=\"%s\"\r\n\r\n%s", quote.Replace(name), value)
}

// quote escapes a name as browsers do.
var quote = strings.NewReplacer("\"", "%22", "\r", "%0D", "\n", "%0A")

// boundary returns the boundary of a multipart form; it is empty if a request has none.
func boundary(h http.Header) (string, error) {
	media, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	switch {
	case media == "multipart/form-data" && err == nil && isBoundary(params["boundary"]):
		return params["boundary"], nil
	case media == "multipart/form-data" || err != nil && strings.HasPrefix(strings.ToLower(strings.TrimSpace(h.Get("Content-Type"))), "multipart/form-data"):
		return "", invalidForm("the Content-Type of the form cannot be read")
	}
	return "", nil
}

// isBoundary reports whether a boundary is one by RFC 2046. Servers read others in different
// ways.
func isBoundary(text string) bool {
	return text != "" && len(text) <= 70 && text[len(text)-1] != ' ' && !strings.ContainsFunc(text, func(c rune) bool {
		return !('0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || strings.ContainsRune("'()+_,-./:=? ", c))
	})
}

// PeekMultipart returns the fields that stand at the beginning of a multipart form, without
// files, and whether that is all of the form. The body of r gives everything again. If r has
// no multipart form, fields is nil. The error is a [*Refusal], or that of the body.
func PeekMultipart(r *http.Request) (fields url.Values, whole bool, err error) {
	bound, err := boundary(r.Header)
	if bound == "" || err != nil || r.Body == nil {
		return nil, false, err
	}
	start, err := io.ReadAll(io.LimitReader(r.Body, peekedBytes+1))
	if err != nil {
		return nil, false, err
	}
	whole = len(start) <= peekedBytes
	r.Body = &peekedBody{Reader: io.MultiReader(bytes.NewReader(start), r.Body), Closer: r.Body}
	fields = url.Values{}
	p := newParts(bytes.NewReader(start), bound, len(start))
	p.begin = func(now part) (keep, collect bool, err error) { return false, !now.file, nil }
	p.field = func(name, value string) error {
		fields.Add(name, value)
		return nil
	}
	if _, err := io.Copy(io.Discard, p); err != nil && whole {
		return nil, false, err
	}
	return fields, whole, nil
}

type peekedBody struct {
	io.Reader
	io.Closer
}
