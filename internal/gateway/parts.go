package gateway

import (
	"io"
	"net/url"

	"github.com/shopex/prism-go/apijson"
)

// A multipartForm is the body of a call that has fields and files, with what is known of it.
type multipartForm struct {
	c      *call
	bound  string
	parts  *parts
	fields url.Values // without those that are added
	seen   url.Values // names of all parts
}

// meetMultipart finds out whether the body is a multipart form.
func (c *call) meetMultipart() error {
	bound, err := boundary(c.in.Header)
	if bound == "" || err != nil {
		return err
	}
	m := &multipartForm{c: c, bound: bound, fields: url.Values{}, seen: url.Values{}, parts: newParts(nil, bound, c.f.cfg.FormBytes)}
	m.parts.begin, m.parts.field, m.parts.end = m.begin, m.field, m.end
	c.parts = m
	return nil
}

// begin decides about a part.
func (m *multipartForm) begin(p part) (keep, collect bool, err error) {
	file := m.c.target.Service.File
	if Reserved(p.name) || m.c.target.Service.adds(p.name) {
		return false, false, nil
	}
	m.seen.Add(p.name, "")
	if file.Mode == apijson.Param && phpName(p.name) == phpName(file.ParamName) {
		if p.name != file.ParamName || p.file {
			return false, false, twoAPIs(file.ParamName)
		}
		return true, true, nil
	}
	return true, !p.file && m.c.target.Service.signsFields(), nil
}

func (m *multipartForm) field(name, value string) error {
	file := m.c.target.Service.File
	if file.Mode == apijson.Param && name == file.ParamName && value != m.c.target.ID {
		return twoAPIs(name)
	}
	m.fields.Add(name, value)
	return nil
}

// end returns the parts that are added, of which the signature is the last.
func (m *multipartForm) end() ([]byte, error) {
	c := m.c
	if missing := c.target.Missing(c.out.query, m.seen); missing != "" {
		return nil, missingParameter(missing)
	}
	c.signParts()
	var added []byte
	for _, name := range c.out.order {
		added = append(added, m.parts.encodePart(name, c.out.form.Get(name))...)
	}
	return added, nil
}

// signsFields reports whether a signature covers the fields of a multipart form.
func (s *Service) signsFields() bool {
	for _, p := range s.File.GlobalParams {
		if p.ValueType == apijson.Sign && p.Place != apijson.None && apijson.Scheme(p.Format) != apijson.Prism {
			return true
		}
	}
	return false
}

// wantsFields reports whether a signature that covers the fields goes into the query, so
// that they must be known before anything is sent.
func (c *call) wantsFields() bool {
	for _, p := range c.target.Service.File.GlobalParams {
		if p.ValueType == apijson.Sign && p.Place != apijson.None && !c.goesIntoForm(p.Place) && apijson.Scheme(p.Format) != apijson.Prism {
			return true
		}
	}
	return false
}

// readMultipart reads a multipart form that is small, so that its length is known, or whose
// fields must be known for the signature. Others are rewritten while they are sent.
func (c *call) readMultipart() error {
	if c.parts == nil {
		return nil
	}
	most := int64(peekedBytes)
	if c.wantsFields() {
		most = int64(c.f.cfg.FormBytes)
	}
	switch {
	case c.in.ContentLength > 0 && c.in.ContentLength <= most:
	case c.wantsFields() && c.in.ContentLength <= most:
	case c.wantsFields():
		return tooLarge()
	default:
		return nil
	}
	c.body = &requestBody{c: c, from: c.in.Body}
	from := &io.LimitedReader{R: c.body, N: most + 1}
	c.parts.parts.src.Reset(from)
	var err error
	c.whole, err = io.ReadAll(c.parts.parts)
	if from.N <= 0 {
		err = tooLarge()
	}
	c.clock.enter(dialing)
	return err
}

// moving tells the clock of a call what comes of its body, also of parts that are taken out.
type moving struct {
	io.Reader
	c *call
}

func (r moving) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.c.clock.enter(reading)
	return n, err
}

// body returns the rewritten body, whose length is not known.
func (m *multipartForm) body(from io.ReadCloser) io.ReadCloser {
	m.parts.src.Reset(moving{from, m.c})
	return struct {
		io.Reader
		io.Closer
	}{m.parts, from}
}
