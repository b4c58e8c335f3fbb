package provider

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// A source has the parameters of a request.
type source struct {
	r      *http.Request
	params url.Values // of query and form
	fields url.Values // of a multipart body
	files  map[string][]*multipart.FileHeader
	object map[string]json.RawMessage // a JSON object that is the body
}

func decode(r *http.Request, fields []field, in reflect.Value) error {
	if len(fields) == 0 {
		return nil
	}
	s := &source{r: r, params: CallFrom(r.Context()).Params}
	if err := s.readBody(); err != nil {
		return err
	}
	for i := range fields {
		if err := s.set(&fields[i], in.FieldByIndex(fields[i].index)); err != nil {
			return err
		}
	}
	return nil
}

func (s *source) readBody() error {
	form, err := multipartForm(s.r)
	if err != nil {
		return err
	}
	if form != nil {
		s.fields, s.files = form.Value, form.File
		return nil
	}
	kind, _ := contentType(s.r)
	if s.r.Body == nil || kind != "application/json" && kind != "text/json" && !strings.HasSuffix(kind, "+json") {
		return nil
	}
	body, err := io.ReadAll(s.r.Body)
	if err != nil {
		if e := shown(err); e.Code != InternalError {
			return e
		}
		return &Error{Code: InvalidRequest, Data: "the body did not arrive"}
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if !json.Valid(body) {
		return &Error{Code: ParseError, Data: "the body is no JSON"}
	}
	if json.Unmarshal(body, &s.object) != nil {
		return invalid("the body is JSON, but no object: its members are the parameters")
	}
	return nil
}

func invalid(format string, args ...any) error {
	return &Error{Code: InvalidParams, Data: fmt.Sprintf(format, args...)}
}

// set decodes one parameter.
func (s *source) set(f *field, v reflect.Value) error {
	if f.isFile() {
		return s.setFile(f, v)
	}
	var err error
	found := true
	if value := s.r.PathValue(f.name); value != "" {
		err = setValue(f, v, []string{value})
	} else if raw, ok := s.object[f.name]; ok && string(raw) != "null" {
		found, err = setMember(f, v, raw)
	} else {
		values := s.values(f)
		if found = hasValue(f, values); found {
			err = setValue(f, v, values)
		}
	}
	var wanted *wantedError
	switch {
	case errors.As(err, &wanted):
		return invalid("the parameter %s is wrong: want %s", f.name, wanted.want)
	case err != nil:
		return invalid("the parameter %s is wrong: %v", f.name, err)
	case !found && f.required:
		return invalid("the parameter %s is missing", f.name)
	}
	return nil
}

// values returns the texts that a parameter has.
func (s *source) values(f *field) []string {
	names := []string{f.name}
	if f.isList() {
		names = append(names, f.name+"[]")
	}
	for _, from := range []url.Values{s.fields, s.params} {
		for _, name := range names {
			if values, ok := from[name]; ok {
				return values
			}
		}
	}
	return nil
}

func hasValue(f *field, values []string) bool {
	if len(values) == 0 {
		return false
	}
	return f.isList() || values[len(values)-1] != "" || isString(f.typ)
}

func isString(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.String && !reflect.PointerTo(t).Implements(textType)
}

func (s *source) setFile(f *field, v reflect.Value) error {
	files := s.files[f.name]
	switch {
	case len(files) == 0 && f.required:
		return invalid("the file %s is missing", f.name)
	case len(files) == 0:
	case f.typ == filesType:
		v.Set(reflect.ValueOf(files))
	default:
		v.Set(reflect.ValueOf(files[len(files)-1]))
	}
	return nil
}

// setMember decodes a member of a JSON object. A scalar may be a string there, as it is in
// PHP often enough.
func setMember(f *field, v reflect.Value, raw json.RawMessage) (found bool, err error) {
	var text string
	isString := raw[0] == '"' && json.Unmarshal(raw, &text) == nil
	switch {
	case isText(f.typ) && isString:
		return hasValue(f, []string{text}), ifValue(f, v, text)
	case isText(f.typ) && raw[0] != '{' && raw[0] != '[':
		return true, setText(v, string(raw))
	case f.isList() && raw[0] == '[':
		return true, setList(v, raw)
	case isString && v.Kind() != reflect.Interface && f.typ != rawType:
		return hasValue(f, []string{text}), ifValue(f, v, text) // JSON in a string
	}
	return true, setJSON(v, raw)
}

func ifValue(f *field, v reflect.Value, text string) error {
	if !hasValue(f, []string{text}) {
		return nil
	}
	return setValue(f, v, []string{text})
}

func setList(v reflect.Value, raw json.RawMessage) error {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return &wantedError{"a JSON array"}
	}
	list := reflect.MakeSlice(v.Type(), len(items), len(items))
	item := field{typ: v.Type().Elem()}
	for i, raw := range items {
		if string(raw) == "null" {
			continue
		}
		if _, err := setMember(&item, list.Index(i), raw); err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}

func setValue(f *field, v reflect.Value, values []string) error {
	last := values[len(values)-1]
	switch {
	case isText(f.typ):
		return setText(v, last)
	case !f.isList():
		return setJSON(v, []byte(last))
	case len(values) == 1 && strings.HasPrefix(strings.TrimSpace(last), "["):
		return setList(v, []byte(last))
	}
	list := reflect.MakeSlice(f.typ, len(values), len(values))
	for i, value := range values {
		if err := setText(list.Index(i), value); err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}

// A wantedError says what a parameter should have been. It does not show the value, which
// may be a secret.
type wantedError struct{ want string }

func (e *wantedError) Error() string { return "want " + e.want }

func setJSON(v reflect.Value, raw []byte) error {
	if err := json.Unmarshal(raw, v.Addr().Interface()); err != nil {
		return &wantedError{"JSON that fits the type of the parameter"}
	}
	return nil
}

// setText decodes one text.
func setText(v reflect.Value, text string) error {
	if v.Kind() == reflect.Pointer {
		fresh := reflect.New(v.Type().Elem())
		v.Set(fresh)
		return setText(fresh.Elem(), text)
	}
	if v.Type() == timeType {
		t, ok := parseTime(text)
		if !ok {
			return &wantedError{"a time, such as 2006-01-02 15:04:05"}
		}
		v.Set(reflect.ValueOf(t))
		return nil
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if u.UnmarshalText([]byte(text)) != nil {
			return &wantedError{"another text"}
		}
		return nil
	}
	return setScalar(v, text)
}

func setScalar(v reflect.Value, text string) error {
	bits := 0
	if v.Kind() != reflect.String && v.Kind() != reflect.Bool {
		bits = v.Type().Bits()
		text = strings.TrimSpace(text)
	}
	var err error
	want := fmt.Sprintf("a whole number of %d bits", bits)
	switch k := v.Kind(); {
	case k == reflect.String:
		v.SetString(text)
	case k == reflect.Bool:
		b, ok := parseBool(text)
		if !ok {
			return &wantedError{"true or false"}
		}
		v.SetBool(b)
	case isSigned(k):
		var n int64
		n, err = strconv.ParseInt(text, 10, bits)
		v.SetInt(n)
	case isUnsigned(k):
		var n uint64
		n, err = strconv.ParseUint(text, 10, bits)
		want += ", not below 0"
		v.SetUint(n)
	default:
		var f float64
		f, err = strconv.ParseFloat(text, bits)
		want = "a number"
		if strings.Trim(text, "0123456789+-.eE") != "" {
			err = strconv.ErrSyntax // what ParseFloat also takes: 0x1p4, 1_000, inf
		}
		v.SetFloat(f)
	}
	if err != nil {
		return &wantedError{want}
	}
	return nil
}

func parseBool(text string) (b, ok bool) {
	switch strings.ToLower(text) {
	case "1", "true", "on", "yes":
		return true, true
	case "0", "false", "off", "no":
		return false, true
	}
	return false, false
}

func parseTime(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, true
		}
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && seconds >= 0 && seconds < 1<<40 {
		return time.Unix(seconds, 0), true
	}
	return time.Time{}, false
}
