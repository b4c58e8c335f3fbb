package apijson

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Format returns the service as an api.json, in the spellings that every reader of the
// format takes, with all members. The text is the same for the same service. [Parse]
// returns a service that is equal to s, if it was one that Parse has returned.
func (s *Service) Format() []byte {
	w := newWriter()
	w.object(0, []field{
		{"url", s.URL},
		{"sandbox_url", s.SandboxURL},
		{"prefix", s.Prefix},
		{"summary", s.Summary},
		{"mode", s.Mode},
		{"param_name", s.ParamName},
		{"auto_config_url", s.AutoConfigURL},
		{"resource_content_types", textOrNull(s.ResourceContentTypes)},
		{"interface", s.Interface},
		{"config_values", listOf(s.ConfigValues)},
		{"global_params", listOf(s.GlobalParams)},
		{"apis", s.apiFields()},
		{"models", rawOr(s.Models, "{}")},
		{"notify_pubish", s.NotifyPublish}, // so it is written
		{"notify_receive", s.NotifyReceive},
	}, s.Unknown)
	w.b.WriteByte('\n')
	return w.b.Bytes()
}

// textOrNull is null for no text.
func textOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func rawOr(raw json.RawMessage, other string) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage(other)
	}
	return raw
}

func (s *Service) apiFields() (all []field) {
	for i := range s.APIs {
		all = append(all, field{s.APIs[i].ID, &s.APIs[i]})
	}
	return all
}

func (a *API) fields() []field {
	methods := a.Methods
	if methods == nil {
		methods = []string{}
	}
	return []field{
		{"path", a.Path},
		{"method", methods},
		{"summary", a.Summary},
		{"notes", a.Notes},
		{"require_oauth", a.RequireOAuth},
		{"backend_timeout_second", seconds(a.Timeout)},
		{"limit_seconds", seconds(a.Limit.Per)},
		{"limit_count", a.Limit.Count},
		{"params", listOf(a.Params)},
		{"response", a.Response},
		{"exception", listOf(a.Exceptions)},
	}
}

// seconds is a time as a number of seconds.
func seconds(d time.Duration) json.Number {
	return json.Number(strconv.FormatFloat(d.Seconds(), 'f', -1, 64))
}

// An item is an object that is written in one line.
type item interface {
	line() ([]field, map[string]json.RawMessage)
}

func (c ConfigValue) line() ([]field, map[string]json.RawMessage) {
	return []field{{"name", c.Name}, {"description", c.Description}, {"defaultvalue", c.Default}, {"issecret", c.Secret}}, c.Unknown
}

func (g GlobalParam) line() ([]field, map[string]json.RawMessage) {
	return []field{{"name", g.Name}, {"value_type", g.ValueType}, {"format", g.Format}, {"param_type", g.Place}}, g.Unknown
}

func (a Parameter) line() ([]field, map[string]json.RawMessage) {
	return []field{{"name", a.Name}, {"desc", a.Description}, {"required", a.Required}, {"type", a.Type}, {"param_type", a.ParamType}}, a.Unknown
}

func (e Exception) line() ([]field, map[string]json.RawMessage) {
	return []field{{"http_code", e.Status}, {"code", e.Code}, {"message", e.Message}}, e.Unknown
}

func listOf[T item](all []T) []item {
	items := make([]item, len(all))
	for i := range all {
		items[i] = all[i]
	}
	return items
}

// A field is a member that is written.
type field struct {
	name  string
	value any
}

// A writer writes JSON for people: objects with a member a line, but an item in one line.
type writer struct {
	b bytes.Buffer
	e *json.Encoder // to b
}

func newWriter() *writer {
	w := new(writer)
	w.e = json.NewEncoder(&w.b)
	w.e.SetEscapeHTML(false) // it is no web page
	return w
}

func (w *writer) object(depth int, fields []field, unknown map[string]json.RawMessage) {
	fields = withUnknown(fields, unknown)
	if len(fields) == 0 {
		w.b.WriteString("{}")
		return
	}
	w.b.WriteByte('{')
	for i, f := range fields {
		w.begin(i, depth+1)
		w.json(f.name)
		w.b.WriteString(": ")
		w.value(depth+1, f.value)
	}
	w.end(depth, '}')
}

func withUnknown(fields []field, unknown map[string]json.RawMessage) []field {
	for _, name := range slices.Sorted(maps.Keys(unknown)) {
		fields = append(fields, field{name, rawOr(unknown[name], "null")})
	}
	return fields
}

func (w *writer) value(depth int, v any) {
	switch v := v.(type) {
	case []field:
		w.object(depth, v, nil)
	case *API:
		w.object(depth, v.fields(), v.Unknown)
	case []item:
		w.list(depth, v)
	default:
		w.json(v)
	}
}

func (w *writer) list(depth int, items []item) {
	if len(items) == 0 {
		w.b.WriteString("[]")
		return
	}
	w.b.WriteByte('[')
	for i, one := range items {
		w.begin(i, depth+1)
		w.line(withUnknown(one.line()))
	}
	w.end(depth, ']')
}

func (w *writer) line(fields []field) {
	w.b.WriteByte('{')
	for i, f := range fields {
		if i > 0 {
			w.b.WriteString(", ")
		}
		w.json(f.name)
		w.b.WriteString(": ")
		w.json(f.value)
	}
	w.b.WriteByte('}')
}

// begin begins the line of a member or an item.
func (w *writer) begin(i, depth int) {
	if i > 0 {
		w.b.WriteByte(',')
	}
	w.b.WriteString("\n" + strings.Repeat("  ", depth))
}

func (w *writer) end(depth int, bracket byte) {
	w.b.WriteString("\n" + strings.Repeat("  ", depth))
	w.b.WriteByte(bracket)
}

// json writes a value in one line.
func (w *writer) json(v any) {
	if w.e.Encode(v) != nil {
		w.b.WriteString("null\n") // of a RawMessage that is no JSON
	}
	w.b.Truncate(w.b.Len() - 1) // the end of the line
}
