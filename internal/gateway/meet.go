package gateway

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/internal/code"
)

// meetBody finds out what some server may read in the body of a call, and returns the form if
// it is one. form is what the platform has read; it reads forms of POST and PUT only, and of
// the media type as it is meant to be written.
func (c *call) meetBody(form url.Values) (url.Values, error) {
	if form != nil || c.in.ContentLength == 0 || c.in.Body == nil {
		return form, nil
	}
	if isForm(c.in.Header) {
		return c.readForm()
	}
	if err := c.meetMultipart(); err != nil || c.parts != nil {
		return nil, err
	}
	if c.target.Service.File.Mode == apijson.Param {
		if isJSON(c.in.Header) {
			return nil, c.readJSON()
		}
		c.in.Body = newPairs(c.in.Body, c.target.Service.File.ParamName)
	}
	return nil, nil
}

// isForm reports whether some server takes a body for a form: PHP reads the media type up to
// a semicolon, a comma or a blank.
func isForm(h http.Header) bool {
	media := strings.TrimLeft(h.Get("Content-Type"), " \t")
	if end := strings.IndexAny(media, ";, \t"); end >= 0 {
		media = media[:end]
	}
	return strings.EqualFold(media, "application/x-www-form-urlencoded")
}

// readForm reads a form that the platform has left to the gateway.
func (c *call) readForm() (url.Values, error) {
	text, err := c.readAll()
	if err != nil {
		return nil, err
	}
	form, err := parseForm(text)
	if err != nil {
		return nil, err
	}
	if file := c.target.Service.File; file.Mode == apijson.Param {
		if id, given, err := dispatched(file.ParamName, form); err != nil || given && id != c.target.ID {
			return nil, twoAPIs(file.ParamName)
		}
	}
	c.body = nil
	return form, nil
}

// parseForm returns the parameters of a form without the reserved ones.
func parseForm(text []byte) (url.Values, error) {
	if bytes.Count(text, []byte("&")) >= maxParts {
		return nil, invalidForm("the form has too many parameters")
	}
	form, err := url.ParseQuery(strings.ReplaceAll(string(text), ";", "%3B")) // no separator here
	if err != nil {
		return nil, invalidForm("the form has a bad escape: a % must be followed by two hex digits")
	}
	maps.DeleteFunc(form, func(name string, _ []string) bool { return Reserved(name) })
	return form, nil
}

// isJSON reports whether some framework makes parameters of a body as JSON.
func isJSON(h http.Header) bool {
	media := strings.ToLower(h.Get("Content-Type"))
	return strings.Contains(media, "/json") || strings.Contains(media, "+json")
}

// readJSON reads the body of a call whose API is named by a parameter, as another could be
// named there.
func (c *call) readJSON() error {
	text, err := c.readAll()
	if err != nil {
		return err
	}
	if !json.Valid(text) {
		return &Refusal{Status: http.StatusBadRequest, Code: code.InvalidBody,
			Message: "the body is no JSON, as its Content-Type says, and could name another API of this service"}
	}
	if name := c.target.Service.File.ParamName; namesAnother(text, name, c.target.ID) {
		return twoAPIs(name)
	}
	c.whole = text
	return nil
}

// readAll reads a body that must be known before anything is sent.
func (c *call) readAll() ([]byte, error) {
	c.body = &requestBody{c: c, from: c.in.Body}
	text, err := readUpTo(c.body, int64(c.f.cfg.FormBytes))
	c.clock.enter(dialing)
	return text, err
}

// readUpTo reads all of r, which is refused if it has more than most bytes.
func readUpTo(r io.Reader, most int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(text)) > most {
		return nil, tooLarge()
	}
	return text, err
}

// namesAnother reports whether JSON has a parameter of this name with another value: as a
// member of an object, or of one in a list, or between ampersands.
func namesAnother(text []byte, name, id string) bool {
	p := newPairs(nil, name)
	if p.find(text) || p.found() {
		return true
	}
	var list []json.RawMessage
	if json.Unmarshal(text, &list) != nil {
		list = []json.RawMessage{text}
	}
	for _, object := range list {
		if memberNames(object, p.own, id) {
			return true
		}
	}
	return false
}

// memberNames reports whether an object has a member that PHP keeps under this name with
// another value. Each counts, as servers differ in which of two they take, and some ignore
// case.
func memberNames(object json.RawMessage, own, id string) bool {
	d := json.NewDecoder(bytes.NewReader(object))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return false
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return true
		}
		var value any
		if err := d.Decode(&value); err != nil || strings.EqualFold(phpName(key.(string)), own) && value != any(id) {
			return true
		}
	}
	return false
}
