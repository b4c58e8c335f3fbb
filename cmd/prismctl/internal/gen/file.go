package gen

import (
	"regexp"
	"slices"
	"strings"

	"github.com/shopex/prism-go/apijson"
)

// A file is what the template writes.
type file struct {
	Package string
	Service *apijson.Service
	Methods []*method
	Left    []string

	JSON, Path, Choice bool // whether a method needs these helpers
}

// A method is one API.
type method struct {
	*apijson.API
	Name   string   // of the method; that of its parameters has Params behind it
	HTTP   []string // the methods of HTTP; the first is used unless the caller says otherwise
	Path   []piece
	Fields []field

	Dispatch, Value string // the parameter by which the API is found, or ""

	More, Choice string // names of fields that every method has, and that some have
}

// A piece of a path is a text, or a field in its place.
type piece struct {
	Text, Field string
}

// A field is one parameter.
type field struct {
	*apijson.Parameter
	Name     string // of the field
	Type     string // in Go
	InPath   bool
	Listed   bool // in the api.json, so that it is sent as a parameter
	Required bool
}

// Value is how the field is sent.
func (f field) Value() string {
	switch {
	case f.Type == "any":
		return "jsonOf(p." + f.Name + ")"
	case f.Type == "string" && !f.Required:
		return "text(p." + f.Name + ")"
	}
	return "p." + f.Name
}

// Called is the type as the api.json has it.
func (f field) Called() string { return strings.TrimSpace(f.Parameter.Type) }

func newFile(name string, s *apijson.Service) *file {
	f := &file{Package: name, Service: s}
	ids := make([]string, len(s.APIs))
	for i := range s.APIs {
		ids[i] = s.APIs[i].ID
	}
	names := identifiers(ids, "WithToken")
	for i := range s.APIs {
		m := newMethod(s, &s.APIs[i], names[i])
		if len(m.HTTP) == 0 {
			f.Left = append(f.Left, oneLine(m.ID)+" has no method: it is called by "+strings.Join(m.Methods, ", ")+" only, and a prism.Client calls by GET, POST, PUT and DELETE")
			continue
		}
		f.Methods = append(f.Methods, m)
		f.Choice = f.Choice || m.Choice != ""
		f.Path = f.Path || len(m.Path) > 1
		f.JSON = f.JSON || slices.ContainsFunc(m.Fields, func(f field) bool { return f.Type == "any" })
	}
	return f
}

// Methods of HTTP by which a prism.Client calls.
var callable = []string{"GET", "POST", "PUT", "DELETE"}

func newMethod(s *apijson.Service, api *apijson.API, name string) *method {
	m := &method{API: api, Name: name}
	for _, verb := range api.Methods {
		if slices.Contains(callable, verb) && !slices.Contains(m.HTTP, verb) {
			m.HTTP = append(m.HTTP, verb)
		}
	}
	if len(api.Methods) == 0 {
		m.HTTP = []string{"POST", "GET", "PUT", "DELETE"}
	}
	inPath := m.setPath(s)
	m.setFields(inPath)
	return m
}

var placeholder = regexp.MustCompile(`\{([^{}/]+)\}`)

// setPath sets the path below the base path of the platform, and returns the names in it.
func (m *method) setPath(s *apijson.Service) (names []string) {
	path := strings.Trim(s.Prefix, "/")
	if s.Mode == apijson.Param {
		m.Path = []piece{{Text: inURL(path)}}
		m.Dispatch, m.Value = s.ParamName, m.ID
		return nil
	}
	own := strings.Trim(m.API.Path, "/")
	if own == "" {
		own = m.ID
	}
	path = strings.Trim(path+"/"+own, "/")
	for _, at := range placeholder.FindAllStringSubmatchIndex(path, -1) {
		names = append(names, path[at[2]:at[3]])
	}
	texts := placeholder.Split(path, -1)
	for i, text := range texts {
		m.Path = append(m.Path, piece{Text: inURL(text)})
		if i < len(names) {
			m.Path = append(m.Path, piece{Field: names[i]}) // setFields gives it the name of the field
		}
	}
	return names
}

// inURL escapes what has a meaning in the path of a call.
func inURL(path string) string {
	return strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23").Replace(path)
}

// isReserved reports whether a parameter has no name, or one that a prism.Client sets itself
// or the platform takes away.
func isReserved(name string) bool { return name == "" || apijson.Reserved(name) }

// setFields sets the fields: those in the path, then the required ones, each in the order
// of the file.
func (m *method) setFields(inPath []string) {
	var first, required, optional []field
	seen := map[string]bool{m.Dispatch: m.Dispatch != ""}
	for _, name := range inPath {
		if !seen[name] {
			seen[name] = true
			first = append(first, field{Parameter: m.parameter(name), Type: "string", InPath: true, Listed: m.lists(name), Required: true})
		}
	}
	for i := range m.Params {
		p := &m.Params[i]
		switch {
		case seen[p.Name] || isReserved(p.Name):
		case p.Required:
			required = append(required, field{Parameter: p, Type: goType(p.Type), Listed: true, Required: true})
		default:
			optional = append(optional, field{Parameter: p, Type: optionalType(p.Type), Listed: true})
		}
		seen[p.Name] = true
	}
	m.Fields = slices.Concat(first, required, optional)
	m.nameFields()
}

// parameter returns the one with this name, or one that has only a name.
func (m *method) parameter(name string) *apijson.Parameter {
	for i := range m.Params {
		if m.Params[i].Name == name {
			return &m.Params[i]
		}
	}
	return &apijson.Parameter{Name: name}
}

func (m *method) lists(name string) bool {
	return slices.ContainsFunc(m.Params, func(p apijson.Parameter) bool { return p.Name == name }) && !isReserved(name)
}

func (m *method) nameFields() {
	m.More = "More"
	taken := []string{m.More}
	if len(m.HTTP) > 1 {
		m.Choice = "HTTPMethod"
		taken = append(taken, m.Choice)
	}
	names := make([]string, len(m.Fields))
	for i := range m.Fields {
		names[i] = m.Fields[i].Parameter.Name
	}
	of := map[string]string{}
	for i, name := range identifiers(names, taken...) {
		m.Fields[i].Name = name
		of[names[i]] = name
	}
	for i := range m.Path {
		m.Path[i].Field = of[m.Path[i].Field]
	}
}

// The types of parameters that are more than a text, in lower case. Types are free text
// in an api.json: every other one is a string, and so are money, which has no place in a
// float64, and dates, of which no format is agreed upon.
var goTypes = map[string]string{
	"int": "int64", "integer": "int64", "long": "int64", "bigint": "int64",
	"float": "float64", "double": "float64", "number": "float64", "numeric": "float64",
	"bool": "bool", "boolean": "bool",
	"json": "any", "jsonarray": "any", "jsonobject": "any", "json_encode": "any",
}

func goType(called string) string {
	if t := goTypes[strings.ToLower(strings.TrimSpace(called))]; t != "" {
		return t
	}
	return "string"
}

// optionalType is a type with a value that is left out.
func optionalType(called string) string {
	switch t := goType(called); t {
	case "string", "any":
		return t
	default:
		return "*" + t
	}
}
