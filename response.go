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

	client    *Client // these three for what is shown of Body
	call      *request
	signature string
}

// Decode stores the result that is inside the envelope of the answer in the
// value v points to, as [json.Unmarshal] would; a body without an envelope is
// decoded as it is. The package comment tells which envelopes there are.
//
// Numbers keep their digits: in an any they are a [json.Number], not a float64.
// A *[]byte or *[json.RawMessage] gets a copy of the undecoded result. A *string
// gets a JSON string's content, and all else as it is. A struct or a map takes []
// for an object without members, as which PHP writes one. With nil Decode only
// reports whether the call failed. What Prism itself answers is better read by
// [Response.Result], which takes nothing else for an answer.
//
// If it did, the error is the [*Error] that Do returned.
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

// takesObject reports whether v points to what JSON writes as an object, and which
// does not itself judge what it takes.
func takesObject(v any) bool {
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
	if string(bytes.TrimSpace(value)) == "[]" && takesObject(v) {
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

// read reads an answer to its end, so that the connection can be used again,
// and judges it.
func (c *Client) read(r *request, resp *http.Response, signature string) (*Response, error) {
	defer resp.Body.Close()
	res := &Response{
		Status: resp.StatusCode, Header: resp.Header, RequestID: resp.Header.Get("X-Request-Id"),
		client: c, call: r, signature: signature,
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		res.failure = c.failure(r, res, signature, verdict{message: "the server switched protocols unasked"})
		return res, nil
	}
	body, err := readBody(resp, c.cfg.MaxBody)
	if err != nil {
		return nil, err
	}
	res.Body = body
	c.judge(r, res, signature)
	return res, nil
}

func readBody(resp *http.Response, limit int64) ([]byte, error) {
	if resp.ContentLength > limit {
		return nil, &BodyTooLargeError{Limit: limit}
	}
	// Room for one byte more shows the end without growing. A length is only
	// a promise, so it is believed up to a point.
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

// judge opens the envelope and settles whether the call failed.
func (c *Client) judge(r *request, res *Response, signature string) {
	v := open(withoutBOM(res.Body))
	res.value = v.value
	if res.RequestID == "" {
		res.RequestID = v.id
	}
	switch {
	case res.Status == http.StatusNotModified:
		res.failure = c.failure(r, res, signature, verdict{message: "the server says that nothing has changed, and sends no answer: a header such as If-None-Match asks for that"})
	case res.Status >= 300 && res.Status < 400:
		res.failure = c.failure(r, res, signature, verdict{message: redirect(res.Header.Get("Location"))})
	case v.failed:
		res.failure = c.failure(r, res, signature, v)
	case res.Status >= 400:
		res.failure = c.failure(r, res, signature, guess(res, c.secrets(r, signature)))
	}
}

// failure makes the error for a failed call.
func (c *Client) failure(r *request, res *Response, signature string, v verdict) *Error {
	s := c.secrets(r, signature)
	if _, known := sentinels[v.code]; !known {
		v.code = s.clean(v.code)
	}
	return &Error{
		Method: r.method, Path: s.clean(r.name),
		Code: v.code, Message: s.clean(v.message), inEnvelope: v.own,
		Status: res.Status, RequestID: s.clean(res.RequestID),
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

// guess reads what it can from an error page without an envelope.
func guess(res *Response, s secrets) verdict {
	if v, ok := guessJSON(res.Body); ok {
		return v
	}
	if res.Status == http.StatusProxyAuthRequired {
		return verdict{message: loginOfProxy}
	}
	if !utf8.Valid(res.Body) {
		return verdict{message: fmt.Sprintf("the answer is not UTF-8 (Content-Type %q): is it a page of a proxy?", res.Header.Get("Content-Type")) +
			inASCII(s.clean(asciiOf(res.Body)))}
	}
	const longest = 200
	page := strings.TrimSpace(string(res.Body[:min(len(res.Body), 4*longest)]))
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
