package gateway

import (
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/shopex/prism-go/apijson"
)

// outgoing are the parameters of a request to a backend.
type outgoing struct {
	query url.Values
	form  url.Values // nil if the body is no form
}

// prepare returns the parameters of a call with those that the platform adds, in the order
// of the file: each sees those before it, and the signature all.
func (c *call) prepare(query, form url.Values) *outgoing {
	out := &outgoing{query: maps.Clone(query), form: maps.Clone(form)}
	if out.query == nil {
		out.query = url.Values{}
	}
	if form == nil && c.in.ContentLength == 0 && inForm(c.in.Method) && c.target.Service.needsForm() {
		out.form = url.Values{}
	}
	file := c.target.Service.File
	for _, p := range file.GlobalParams {
		c.dropOwn(out, p)
	}
	for _, p := range file.GlobalParams {
		if p.ValueType != apijson.Sign {
			set(c.place(out, p.Place), p.Name, c.value(p))
		}
	}
	if name := c.target.dispatch; name != "" {
		set(c.place(out, apijson.Request), name, c.target.ID)
	}
	return out
}

// needsForm reports whether the service adds parameters to forms.
func (s *Service) needsForm() bool {
	for _, p := range s.File.GlobalParams {
		if p.Place == apijson.Request {
			return true
		}
	}
	return s.File.Mode == apijson.Param
}

// dropOwn removes what the caller has sent under the name of a global parameter.
func (c *call) dropOwn(out *outgoing, p apijson.GlobalParam) {
	if p.Place != apijson.None {
		delete(out.query, p.Name)
		delete(out.form, p.Name)
	}
}

// place returns the parameters to which those of a place are added, nil for none.
func (c *call) place(out *outgoing, p apijson.Place) url.Values {
	switch {
	case p == apijson.None:
		return nil
	case p == apijson.Request && inForm(c.in.Method) && out.form != nil:
		return out.form
	}
	return out.query
}

// inForm reports whether parameters of a method are in the form.
func inForm(method string) bool { return method == http.MethodPost || method == http.MethodPut }

func set(place url.Values, name, value string) {
	if place != nil {
		place[name] = []string{value}
	}
}

// value makes the value of a global parameter that is no signature.
func (c *call) value(p apijson.GlobalParam) string {
	switch p.ValueType {
	case apijson.Time:
		return date(p.Format, c.f.now())
	case apijson.Config:
		return c.target.at.config[p.Format]
	}
	return p.Format
}

// date writes a time as PHP's date does. The format "timestamp" is Unix seconds.
func date(format string, t time.Time) string {
	if format == "timestamp" || format == "" {
		return strconv.FormatInt(t.Unix(), 10)
	}
	var text []byte
	escaped := false
	for _, c := range []byte(format) {
		switch {
		case escaped:
			text, escaped = append(text, c), false
		case c == '\\':
			escaped = true
		default:
			text = appendDate(text, c, t)
		}
	}
	return string(text)
}
