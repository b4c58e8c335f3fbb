package gateway

import (
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/shopex/prism-go/apijson"
)

// Reserved reports whether a backend could take a parameter of this name for one that is
// reserved for the platform.
func Reserved(name string) bool { return apijson.Reserved(phpName(name)) }

// phpName returns the name under which PHP keeps a parameter, without indexes: it ignores
// leading blanks, an index and what follows it, and everything from a NUL on, and reads a
// dot, a blank or an open bracket as an underscore.
func phpName(name string) string {
	name, _, _ = strings.Cut(strings.TrimLeft(name, " "), "\x00")
	if at := strings.IndexByte(name, '['); at > 0 && strings.IndexByte(name[at:], ']') > 0 {
		name = name[:at]
	}
	return strings.Map(func(c rune) rune {
		if c == ' ' || c == '.' || c == '[' {
			return '_'
		}
		return c
	}, name)
}

// outgoing are the parameters of a request to a backend.
type outgoing struct {
	query url.Values
	form  url.Values // nil if the body is no form; what is added to one that is multipart
	order []string   // names that were added to form
}

// prepare makes the parameters of a call with those that the platform adds, in the order of
// the file, but for the signature.
func (c *call) prepare(query, form url.Values) {
	c.out = &outgoing{query: maps.Clone(query), form: maps.Clone(form)}
	if c.out.query == nil {
		c.out.query = url.Values{}
	}
	if form == nil && (c.parts != nil || c.in.ContentLength == 0 && inForm(c.in.Method) && c.target.Service.needsForm()) {
		c.out.form = url.Values{}
	}
	for _, params := range []url.Values{c.out.query, c.out.form} { // a caller cannot say what the platform says
		maps.DeleteFunc(params, func(name string, _ []string) bool { return c.target.Service.adds(name) })
	}
	for _, p := range c.target.Service.File.GlobalParams {
		if p.ValueType != apijson.Sign {
			c.add(p.Place, p.Name, c.value(p))
		}
	}
	if name := c.target.dispatch; name != "" {
		c.add(apijson.Request, name, c.target.ID)
	}
}

// add adds a parameter where its place says.
func (c *call) add(place apijson.Place, name, value string) {
	switch {
	case place == apijson.None:
	case c.goesIntoForm(place):
		c.out.form[name] = []string{value}
		c.out.order = append(c.out.order, name)
	default:
		c.out.query[name] = []string{value}
	}
}

func (c *call) goesIntoForm(place apijson.Place) bool {
	return place == apijson.Request && inForm(c.in.Method) && c.out.form != nil
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

// inForm reports whether parameters of a method are in the form.
func inForm(method string) bool { return method == http.MethodPost || method == http.MethodPut }

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
