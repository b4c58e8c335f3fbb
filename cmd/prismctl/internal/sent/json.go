package sent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// An object is one request as JSON: as scripts write it, or an entry of a HAR.
type object struct {
	Method   string          `json:"method"`
	URL      string          `json:"url"`
	Headers  json.RawMessage `json:"headers"`
	Body     json.RawMessage `json:"body"`
	PostData *struct {
		MimeType string      `json:"mimeType"`
		Text     string      `json:"text"`
		Encoding string      `json:"encoding"`
		Params   []nameValue `json:"params"`
	} `json:"postData"`
}

type nameValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func readObject(text []byte) (Request, error) {
	if !utf8.Valid(text) {
		return Request{}, errors.New("the JSON is not UTF-8")
	}
	var o object
	if err := json.Unmarshal(text, &o); err != nil {
		return Request{}, jsonError(err)
	}
	return o.request()
}

func (o *object) request() (Request, error) {
	r := Request{Method: strings.ToUpper(o.Method), URL: o.URL, Header: http.Header{}}
	if o.URL == "" {
		return r, errors.New(`the JSON has no member url: write {"method":"GET","url":"http://...","headers":{},"body":""}`)
	}
	if err := o.readHeaders(r.Header); err != nil {
		return r, err
	}
	if err := o.readBody(&r); err != nil {
		return r, err
	}
	if r.Method == "" {
		r.Method = http.MethodGet
		if len(r.Body) > 0 {
			r.Method = http.MethodPost
		}
	}
	return r, nil
}

// readHeaders takes an object of texts or arrays of texts, or the array of a HAR.
func (o *object) readHeaders(h http.Header) error {
	if len(o.Headers) == 0 || string(o.Headers) == "null" {
		return nil
	}
	var pairs []nameValue
	if json.Unmarshal(o.Headers, &pairs) == nil {
		for _, p := range pairs {
			if !strings.HasPrefix(p.Name, ":") { // of HTTP/2, which are no headers
				h[p.Name] = append(h[p.Name], p.Value)
			}
		}
		return nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(o.Headers, &members) != nil {
		return errors.New("the member headers is no object of names and texts")
	}
	for name, value := range members {
		var one string
		var many []string
		switch {
		case json.Unmarshal(value, &one) == nil:
			h[name] = append(h[name], one)
		case json.Unmarshal(value, &many) == nil:
			h[name] = append(h[name], many...)
		default:
			return errors.New("a header must be a text or an array of texts")
		}
	}
	return nil
}

// readBody takes a text; any other value is the body in JSON.
func (o *object) readBody(r *Request) error {
	if p := o.PostData; p != nil {
		r.Body = []byte(p.Text)
		if p.Text == "" && len(p.Params) > 0 {
			r.Body = []byte(encoded(p.Params))
		}
		if first(r.Header, "Content-Type") == "" && p.MimeType != "" {
			r.Header.Set("Content-Type", p.MimeType)
		}
		return nil
	}
	if len(o.Body) == 0 || string(o.Body) == "null" {
		return nil
	}
	var text string
	if json.Unmarshal(o.Body, &text) == nil {
		r.Body = []byte(text)
		return nil
	}
	r.Body = o.Body
	return nil
}

func encoded(params []nameValue) string {
	pairs := make([]string, len(params))
	for i, p := range params {
		pairs[i] = url.QueryEscape(p.Name) + "=" + url.QueryEscape(p.Value)
	}
	return strings.Join(pairs, "&")
}

// eachOfJSON reads a single request, or a HAR, whose entries it reads one by one.
func eachOfJSON(r io.Reader, do func(Request) error) error {
	limited := &limitedReader{r: r, left: MaxEntry}
	d := json.NewDecoder(limited)
	if _, err := d.Token(); err != nil {
		return jsonError(err)
	}
	members := map[string]json.RawMessage{}
	for d.More() { // what is kept is bounded together
		name, err := d.Token()
		if err != nil {
			return jsonError(err)
		}
		if name == "log" {
			return eachOfLog(d, limited, do)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return jsonError(err)
		}
		members[name.(string)] = value
	}
	if _, err := d.Token(); err != nil {
		return jsonError(err)
	}
	if rest, err := io.ReadAll(io.LimitReader(io.MultiReader(d.Buffered(), r), 64)); err == nil && len(bytes.TrimSpace(rest)) > 0 {
		return errors.New("there is more than one JSON object: with --output json, - reads one a line")
	}
	text, err := json.Marshal(members)
	if err != nil {
		return jsonError(err)
	}
	request, err := readObject(text)
	if err != nil {
		return err
	}
	return do(request)
}

func eachOfLog(d *json.Decoder, limited *limitedReader, do func(Request) error) error {
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.New("the HAR is broken: its member log is no object")
	}
	for d.More() {
		limited.left = MaxEntry
		name, err := d.Token()
		if err != nil {
			return jsonError(err)
		}
		if name == "entries" {
			return eachEntry(d, limited, do)
		}
		var skipped json.RawMessage
		if err := d.Decode(&skipped); err != nil {
			return jsonError(err)
		}
	}
	return errors.New("the HAR has no member log.entries")
}

func eachEntry(d *json.Decoder, limited *limitedReader, do func(Request) error) error {
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return errors.New("the HAR is broken: its member log.entries is no array")
	}
	for number := 1; d.More(); number++ {
		limited.left = MaxEntry
		var entry struct {
			Request *object `json:"request"`
		}
		if err := d.Decode(&entry); err != nil {
			return fmt.Errorf("entry %d of the HAR: %w", number, jsonError(err))
		}
		if entry.Request == nil || entry.Request.URL == "" {
			return fmt.Errorf("entry %d of the HAR has no request with a url", number)
		}
		request, err := entry.Request.request()
		if err != nil {
			return fmt.Errorf("entry %d of the HAR: %w", number, err)
		}
		request.Entry = number
		if err := do(request); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return jsonError(err)
	}
	return nil
}

var errLarge = fmt.Errorf("a value of the JSON has more than %d MiB, or those of one request together", MaxEntry>>20)

// A limitedReader bounds what the decoder reads for a single value.
type limitedReader struct {
	r    io.Reader
	left int
}

func (l *limitedReader) Read(b []byte) (int, error) {
	if l.left <= 0 {
		return 0, errLarge
	}
	n, err := l.r.Read(b[:min(len(b), l.left)])
	l.left -= n
	return n, err
}

// jsonError says what is wrong without the names of Go types.
func jsonError(err error) error {
	var wrong *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), err != nil && err.Error() == "unexpected end of JSON input":
		return errors.New("the JSON ends too early: it was cut off")
	case errors.As(err, &wrong) && wrong.Field != "":
		return fmt.Errorf("the member %s of the JSON cannot be a %s", wrong.Field, wrong.Value)
	case errors.As(err, &wrong):
		return fmt.Errorf("the JSON is no object but a %s", wrong.Value)
	case errors.As(err, &syntax):
		return fmt.Errorf("this is no JSON: at byte %d, %w", syntax.Offset, err)
	}
	return err
}
