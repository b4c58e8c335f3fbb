package provider

import (
	"encoding"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"reflect"
	"slices"
	"strings"
	"time"
)

// A field of a struct is one parameter.
type field struct {
	index       []int
	typ         reflect.Type
	name        string
	description string
	required    bool
}

var (
	timeType   = reflect.TypeFor[time.Time]()
	fileType   = reflect.TypeFor[*multipart.FileHeader]()
	filesType  = reflect.TypeFor[[]*multipart.FileHeader]()
	rawType    = reflect.TypeFor[json.RawMessage]()
	textType   = reflect.TypeFor[encoding.TextUnmarshaler]()
	decodeType = reflect.TypeFor[json.Unmarshaler]()
)

// fieldsOf returns the parameters that a struct has.
func fieldsOf(t reflect.Type) ([]field, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("provider: the parameters of a function are a struct, not %v", t)
	}
	var fields []field
	seen := map[string]bool{}
	for _, f := range reflect.VisibleFields(t) {
		name, rest := nameOf(f)
		if !f.IsExported() || name == "-" || f.Anonymous && f.Type.Kind() == reflect.Struct {
			continue
		}
		if len(f.Index) > 1 && throughPointer(t, f.Index) {
			return nil, fmt.Errorf("provider: the field %s of %v is in an embedded pointer: embed the struct", f.Name, t)
		}
		if rest != "" && rest != "required" && f.Tag.Get("param") != "" {
			return nil, fmt.Errorf("provider: the tag of the field %s of %v has %q: want required", f.Name, t, rest)
		}
		if !decodable(f.Type) {
			return nil, fmt.Errorf("provider: the field %s of %v is a %v, which no parameter can be", f.Name, t, f.Type)
		}
		if seen[name] {
			return nil, fmt.Errorf("provider: two fields of %v are the parameter %q", t, name)
		}
		seen[name] = true
		required := f.Tag.Get("param") != "" && rest == "required"
		fields = append(fields, field{f.Index, f.Type, name, f.Tag.Get("desc"), required})
	}
	return fields, nil
}

func nameOf(f reflect.StructField) (name, rest string) {
	for _, tag := range []string{"param", "json"} {
		said, more, _ := strings.Cut(f.Tag.Get(tag), ",")
		if tag == "param" {
			rest = more
		}
		if name == "" {
			name = said
		}
	}
	if name == "" {
		name = f.Name
	}
	return name, rest
}

func throughPointer(t reflect.Type, index []int) bool {
	for _, i := range index[:len(index)-1] {
		if t = t.Field(i).Type; t.Kind() == reflect.Pointer {
			return true
		}
	}
	return false
}

func decodable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer, reflect.Uintptr:
		return false
	}
	return true
}

// isText reports whether a value of the type is read from text, and not from JSON.
func isText(t reflect.Type) bool {
	if t == timeType || reflect.PointerTo(t).Implements(textType) {
		return true
	}
	if reflect.PointerTo(t).Implements(decodeType) {
		return false
	}
	switch t.Kind() {
	case reflect.Pointer:
		return isText(t.Elem())
	case reflect.String, reflect.Bool, reflect.Float32, reflect.Float64:
		return true
	}
	return isWhole(t.Kind())
}

func isWhole(k reflect.Kind) bool { return isSigned(k) || isUnsigned(k) }

func isSigned(k reflect.Kind) bool { return reflect.Int <= k && k <= reflect.Int64 }

func isUnsigned(k reflect.Kind) bool { return reflect.Uint <= k && k <= reflect.Uint64 }

// isList reports whether the parameter may have several values.
func (f *field) isList() bool {
	return f.typ.Kind() == reflect.Slice && f.typ != rawType && !isText(f.typ) &&
		!reflect.PointerTo(f.typ).Implements(decodeType) && isText(f.typ.Elem()) && f.typ.Elem().Kind() != reflect.Uint8
}

func (f *field) isFile() bool { return f.typ == fileType || f.typ == filesType }

// kind returns the type of the parameter as api.json files name types.
func (f *field) kind() string {
	t := f.typ
	if f.isFile() {
		return "file"
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == timeType:
		return "time"
	case t == rawType || t.Kind() == reflect.Interface:
		return "json"
	case isWhole(t.Kind()):
		return "int"
	case t.Kind() == reflect.Float32 || t.Kind() == reflect.Float64:
		return "number"
	case t.Kind() == reflect.Bool:
		return "bool"
	case isText(t):
		return "string"
	case t.Kind() == reflect.Slice || t.Kind() == reflect.Array:
		return "jsonArray"
	}
	return "jsonObject"
}

// hasWildcard reports whether a pattern takes this name from the path.
func hasWildcard(pattern, name string) bool {
	return slices.ContainsFunc(strings.Split(pattern, "/"), func(element string) bool {
		inner, ok := strings.CutPrefix(element, "{")
		return ok && strings.TrimSuffix(strings.TrimSuffix(inner, "}"), "...") == name
	})
}
