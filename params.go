package prism

import (
	"bytes"
	"database/sql/driver"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/shopex/prism-go/internal/escape"
)

// Params are the parameters of a call by name. A value is sent by its type:
//
//   - strings and byte slices as they are, numbers in decimal without an
//     exponent, true as 1 and false as 0;
//   - [time.Time] as Unix time in seconds; for another format
//     give a string. A [time.Duration] is refused, as no unit is agreed upon;
//   - a [driver.Valuer], such as [database/sql.NullString], as its value;
//   - an [encoding.TextMarshaler] and a [url.URL] as their text, any other
//     [json.Marshaler] as its JSON, also if only its pointer is one;
//   - slices and arrays of all these as the same name repeated;
//   - maps, structs and other slices as JSON, in which <, > and & are not escaped;
//   - pointers as what they point to.
//
// nil, and a nil pointer, slice or map, is left out, and so are the zero time and a
// NULL of a Valuer. So is an empty slice, except []byte{}, which is an empty
// string. Everything else, a struct without exported fields, an error, an empty name,
// and the names client_id, client_secret, sign, sign_method and sign_time,
// which the client sets itself, give a [*ParamError].
type Params map[string]any

// setParams adds params to those of the path, and encodes what is sent with
// the system's parameters.
func (r *request) setParams(params Params) error {
	values := &r.query
	if r.inForm() {
		r.url.RawQuery = string(appendPairs(nil, r.query))
		values = &r.form
	}
	if *values == nil {
		*values = make(url.Values, len(params))
	}
	if err := params.addTo(*values); err != nil {
		return err
	}
	r.encoded = appendPairs(r.buffer[:0], *values)
	return nil
}

func (p Params) addTo(values url.Values) error {
	for name, v := range p {
		if err := checkParamName(name); err != nil {
			return err
		}
		texts, err := paramTexts(v)
		if err != nil {
			return &ParamError{Name: name, Err: err}
		}
		if before := values[name]; len(before) > 0 {
			texts = append(before, texts...)
		}
		if len(texts) > 0 {
			values[name] = texts
		}
	}
	return nil
}

func checkParamName(name string) error {
	switch name {
	case "":
		return &ParamError{Name: name, Err: errors.New("the name is empty")}
	case "client_id", "client_secret", "sign", "sign_method", "sign_time":
		return &ParamError{Name: name, Err: errors.New("the client sets it itself: leave it out")}
	}
	return nil
}

// paramTexts returns the values to send for v, none if v is left out.
func paramTexts(v any) ([]string, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		return []string{v}, nil
	case []string:
		return v, nil
	case []byte:
		if v == nil {
			return nil, nil
		}
		return []string{string(v)}, nil
	}
	rv, err := valueOf(dereference(reflect.ValueOf(v)))
	if err != nil || !rv.IsValid() {
		return nil, err
	}
	if isList(rv) {
		return listTexts(rv)
	}
	text, err := paramText(rv)
	if err != nil {
		return nil, err
	}
	return []string{text}, nil
}

// listTexts returns one text for each element that is not nil, or one JSON
// array if an element can only be sent as JSON.
func listTexts(list reflect.Value) ([]string, error) {
	var texts []string
	for i := range list.Len() {
		v, err := valueOf(dereference(list.Index(i)))
		if err == nil && v.IsValid() {
			err = checkSendable(v)
		}
		switch {
		case err != nil:
			return nil, fmt.Errorf("element %d: %w", i, err)
		case !v.IsValid():
			continue
		case needsJSON(v):
			text, err := jsonText(list.Interface())
			return []string{text}, err
		}
		text, err := paramText(v)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
		texts = append(texts, text)
	}
	return texts, nil
}

// maxPointers bounds how many pointers are followed, as a pointer can point to itself.
const maxPointers = 10

// dereference follows pointers and interfaces to a value, or to a pointer that
// encodes itself. The result is invalid if that is nil.
func dereference(v reflect.Value) reflect.Value {
	for range maxPointers {
		switch v.Kind() {
		case reflect.Pointer, reflect.Interface:
			if v.IsNil() {
				return reflect.Value{}
			}
			if v.Kind() == reflect.Pointer && encodesItself(v) {
				return v
			}
			v = v.Elem()
		case reflect.Slice, reflect.Map:
			if v.IsNil() {
				return reflect.Value{}
			}
			return selfEncoder(v)
		default:
			return selfEncoder(v)
		}
	}
	return v
}

// selfEncoder returns v, or a pointer to a copy of it if only the pointer encodes
// itself.
func selfEncoder(v reflect.Value) reflect.Value {
	if !v.IsValid() || encodesItself(v) || reflect.PointerTo(v.Type()).NumMethod() == 0 {
		return v
	}
	p := reflect.New(v.Type())
	if !encodesItself(p) {
		return v
	}
	p.Elem().Set(v)
	return p
}

// encodesItself reports whether a method of v returns what to send.
func encodesItself(v reflect.Value) bool {
	switch v.Interface().(type) {
	case driver.Valuer, *url.URL:
		return true
	}
	return marshals(v)
}

// valueOf returns the value of a Valuer, and anything else as it is. The result is
// invalid if there is nothing to send.
func valueOf(v reflect.Value) (reflect.Value, error) {
	if !v.IsValid() {
		return v, nil
	}
	switch x := v.Interface().(type) {
	case driver.Valuer:
		value, err := x.Value()
		if err != nil || value == nil {
			return reflect.Value{}, err
		}
		if !marshals(v) {
			v = reflect.ValueOf(value)
		}
	}
	switch x := v.Interface().(type) {
	case time.Time:
		if x.IsZero() {
			return reflect.Value{}, nil
		}
	case *time.Time:
		if x.IsZero() {
			return reflect.Value{}, nil
		}
	}
	return v, nil
}

// checkSendable returns an error for a value that would be sent as an empty object.
func checkSendable(v reflect.Value) error {
	if encodesItself(v) {
		return nil
	}
	if _, isError := v.Interface().(error); isError || reflect.PointerTo(v.Type()).Implements(reflect.TypeFor[error]()) {
		return fmt.Errorf("a %v is an error: send its text, err.Error()", v.Type())
	}
	exported := func(f reflect.StructField) bool { return f.IsExported() && !f.Anonymous }
	if v.Kind() == reflect.Struct && !slices.ContainsFunc(reflect.VisibleFields(v.Type()), exported) {
		return fmt.Errorf("a %v has no exported fields: nothing of it can be sent", v.Type())
	}
	return nil
}

func marshals(v reflect.Value) bool {
	switch v.Interface().(type) {
	case encoding.TextMarshaler, json.Marshaler:
		return true
	}
	return false
}

func isList(v reflect.Value) bool {
	return (v.Kind() == reflect.Slice || v.Kind() == reflect.Array) && !isBytes(v) && !marshals(v)
}

func isBytes(v reflect.Value) bool {
	return (v.Kind() == reflect.Slice || v.Kind() == reflect.Array) && v.Type().Elem().Kind() == reflect.Uint8
}

func needsJSON(v reflect.Value) bool {
	return isList(v) || (v.Kind() == reflect.Map || v.Kind() == reflect.Struct) && !marshals(v)
}

// paramText returns the text of a value that is no list.
func paramText(v reflect.Value) (string, error) {
	switch x := v.Interface().(type) {
	case time.Time:
		return strconv.FormatInt(x.Unix(), 10), nil
	case *time.Time:
		return strconv.FormatInt(x.Unix(), 10), nil
	case time.Duration:
		return "", errors.New("a time.Duration has no unit here: send a number, such as int(d.Seconds())")
	case json.RawMessage:
		return string(x), nil
	case *url.URL:
		return x.String(), nil
	case encoding.TextMarshaler:
		text, err := x.MarshalText()
		return string(text), err
	case json.Marshaler:
		return jsonText(x)
	}
	return plainText(v)
}

func plainText(v reflect.Value) (string, error) {
	if err := checkSendable(v); err != nil {
		return "", err
	}
	switch v.Kind() {
	case reflect.String:
		return v.String(), nil
	case reflect.Bool:
		if v.Bool() {
			return "1", nil
		}
		return "0", nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return strconv.FormatUint(v.Uint(), 10), nil
	case reflect.Float32, reflect.Float64:
		return floatText(v)
	case reflect.Slice, reflect.Array:
		return bytesText(v), nil // isBytes: other lists have been split before
	case reflect.Map, reflect.Struct, reflect.Pointer:
		return jsonText(v.Interface())
	}
	return "", fmt.Errorf("a %v cannot be sent", v.Type())
}

func floatText(v reflect.Value) (string, error) {
	f := v.Float()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return "", fmt.Errorf("%v is not a number that can be sent", f)
	}
	return strconv.FormatFloat(f, 'f', -1, v.Type().Bits()), nil
}

func bytesText(v reflect.Value) string {
	text := make([]byte, v.Len())
	for i := range text {
		text[i] = byte(v.Index(i).Uint())
	}
	return string(text)
}

func jsonText(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", err
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// appendPairs appends values in the form of a query, sorted by name. A space
// becomes %20, which every server reads, in a form too.
func appendPairs(dst []byte, values url.Values) []byte {
	var room [16]string
	names := room[:0]
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range values[name] {
			dst = appendPair(dst, name, value)
		}
	}
	return dst
}

func appendPair(dst []byte, name, value string) []byte {
	if len(dst) > 0 {
		dst = append(dst, '&')
	}
	dst = escape.Append(dst, name)
	dst = append(dst, '=')
	return escape.Append(dst, value)
}
