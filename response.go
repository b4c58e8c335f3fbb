package prism

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/shopex/prism-go/internal/code"
)

// Response is the answer to a call, read to its end.
type Response struct {
	// Status is the HTTP status; a failure may come with 200.
	Status int

	// Header is that of the answer.
	Header http.Header

	// RequestID names the request to the operators of the platform. It may be
	// empty.
	RequestID string

	// Body is the whole body as received, the envelope included.
	Body []byte

	failure *Error
	value   []byte // the result inside Body, or all of it

	mask mask // for what is shown of Body
}

// Decode stores the result that is inside the envelope of the answer in the
// value v points to, as [json.Unmarshal] would; a body without an envelope is
// decoded as it is. The package comment lists the envelopes.
//
// Numbers keep their digits: in an any they are a [json.Number], not a float64.
// A *[]byte or *[json.RawMessage] gets a copy of the undecoded result. A *string
// gets the content of a JSON string, and any other JSON as it is. For a struct or
// a map, [] is an object without members, as PHP writes it so. With nil Decode
// only reports whether the call failed. Answers of Prism itself are better read by
// [Response.Result], which accepts nothing else.
//
// If the call failed, the error is the [*Error] that Do returned.
func (r *Response) Decode(v any) error {
	if r.failure != nil {
		return r.failure
	}
	value := r.value
	if value == nil {
		value = r.Body
	}
	return r.decode(value, v)
}

// decodesObject reports whether v points to a struct or a map that has no
// UnmarshalJSON of its own.
func decodesObject(v any) bool {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return false
	}
	if _, own := v.(json.Unmarshaler); own {
		return false
	}
	kind := p.Elem().Kind()
	return kind == reflect.Struct || kind == reflect.Map
}

func (r *Response) decode(value []byte, v any) error {
	switch v := v.(type) {
	case nil:
		return nil
	case *[]byte:
		*v = bytes.Clone(value)
		return nil
	case *json.RawMessage:
		*v = bytes.Clone(value)
		return nil
	case *string:
		*v = text(value)
		return nil
	}
	return r.decodeJSON(value, v)
}

func (r *Response) decodeJSON(value []byte, v any) error {
	if string(bytes.TrimSpace(value)) == "[]" && decodesObject(v) {
		value = []byte("{}")
	}
	if len(bytes.TrimSpace(value)) == 0 {
		return fmt.Errorf("prism: nothing to decode: the answer (HTTP %d) has no body", r.Status)
	}
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	err := d.Decode(v)
	if err == nil {
		if _, end := d.Token(); end != io.EOF {
			err = errors.New("more follows the first JSON value")
		}
	}
	if err != nil {
		return fmt.Errorf("prism: the answer (HTTP %d, %q, %d bytes) cannot be decoded into a %T: %w",
			r.Status, r.Header.Get("Content-Type"), len(value), v, err)
	}
	return nil
}

// readResponse reads an answer to its end, so that the connection can be used
// again, and judges it.
func readResponse(resp *http.Response, limit int64, m mask) (*Response, error) {
	defer resp.Body.Close()
	r := &Response{Status: resp.StatusCode, Header: resp.Header, RequestID: resp.Header.Get("X-Request-Id"), mask: m}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		r.failure = r.failed(verdict{message: "the server switched protocols unasked"})
		return r, nil
	}
	body, err := readBody(resp, limit)
	if err != nil {
		return nil, err
	}
	r.Body = body
	r.judge()
	return r, nil
}

func readBody(resp *http.Response, limit int64) ([]byte, error) {
	if resp.ContentLength > limit {
		return nil, &BodyTooLargeError{Limit: limit}
	}
	// One byte more than the length lets Read find the end before the buffer
	// has to grow. A length may be wrong, so at most 1 MiB is allocated for it.
	size := resp.ContentLength + 1
	if size <= 0 {
		size = 512
	}
	body := make([]byte, 0, min(size, 1<<20))
	for {
		n, err := resp.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > limit:
			return nil, &BodyTooLargeError{Limit: limit}
		case err == io.EOF:
			return body, nil
		case err != nil:
			return nil, err
		case len(body) == cap(body):
			body = append(body, 0)[:len(body)]
		}
	}
}

// judge opens the envelope and finds out whether the call failed.
func (r *Response) judge() {
	v := open(withoutBOM(r.Body))
	r.value = v.value
	if r.RequestID == "" {
		r.RequestID = v.id
	}
	switch {
	case r.Status == http.StatusNotModified:
		r.failure = r.failed(verdict{message: "the server says that nothing has changed, and sends no answer: a header such as If-None-Match asks for that"})
	case r.Status >= 300 && r.Status < 400:
		r.failure = r.failed(verdict{message: redirect(r.Header.Get("Location"))})
	case v.failed:
		r.failure = r.failed(v)
	case r.Status >= 400:
		r.failure = r.failed(r.guess())
	}
}

// failed returns the error for a failed call.
func (r *Response) failed(v verdict) *Error {
	s := r.mask.secrets()
	if _, known := code.Named(v.code); !known {
		v.code = s.clean(v.code)
	}
	return &Error{
		Method: r.mask.call.method, Path: s.clean(r.mask.call.name),
		Code: v.code, Message: s.clean(v.message), inEnvelope: v.own,
		Status: r.Status, RequestID: s.clean(r.RequestID),
		Data: s.cleanJSON(v.data), Exception: s.clean(text(v.exception)),
	}
}

// redirect says where an answer points to, without the query, which may hold
// the signature.
func redirect(location string) string {
	to := "nowhere"
	if u, err := url.Parse(location); err == nil && location != "" {
		u.User, u.RawQuery, u.Fragment, u.ForceQuery = nil, "", "", false
		to = u.String()
	}
	return "the server redirects to " + to + ", which is not followed, as the signature would not fit: set Config.Server to the final address"
}

// guess finds a message in an error page without an envelope.
func (r *Response) guess() verdict {
	if v, ok := guessJSON(r.Body); ok {
		return v
	}
	if r.Status == http.StatusProxyAuthRequired {
		return verdict{message: loginOfProxy}
	}
	if !utf8.Valid(r.Body) {
		return verdict{message: fmt.Sprintf("the answer is not UTF-8 (Content-Type %q): is it a page of a proxy?", r.Header.Get("Content-Type")) +
			inASCII(r.mask.secrets().clean(asciiOf(r.Body)))}
	}
	const longest = 200
	page := strings.TrimSpace(string(r.Body[:min(len(r.Body), 4*longest)]))
	if page == "" || len(page) > longest || page[0] == '<' || page[0] == '{' {
		return verdict{}
	}
	return verdict{message: page}
}

func inASCII(text string) string {
	const longest = 200
	switch {
	case text == "":
		return ""
	case len(text) > longest:
		text = text[:longest] + "..."
	}
	return fmt.Sprintf(" In ASCII it has %q", text)
}

// asciiOf returns the words of a page that are ASCII, without its tags. What is not
// ASCII counts as GBK, where the second byte of a character may look like a letter.
func asciiOf(page []byte) string {
	var b strings.Builder
	for i, inTag := 0, false; i < len(page); i++ {
		switch c := page[i]; {
		case c >= utf8.RuneSelf:
			if i+1 < len(page) && page[i+1] >= 0x40 {
				i++
			}
			b.WriteByte(' ')
		case c == '<' || c == '>':
			inTag = c == '<'
			b.WriteByte(' ')
		case !inTag:
			b.WriteByte(c)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
