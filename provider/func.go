package provider

import (
	"context"
	"net/http"
	"reflect"

	"github.com/shopex/prism-go/apijson"
)

// Func returns the handler of a function: it decodes the parameters of the call into an In,
// which is a struct, calls f, and answers with what f returns, in the envelope of the
// Provider that it is registered at.
//
// Each exported field of In is a parameter. Its name is that of the tag param, else that of
// the tag json, else the name of the field; "-" excludes it. The tag may go on with
// ",required", and the tag desc describes the parameter in the api.json:
//
//	type getOrder struct {
//		TID    string `param:"tid" desc:"the number of the order"`
//		Fields string `param:"fields,required"`
//		Limit  int    `param:"limit"`
//	}
//
// A parameter is taken from a {name} of the pattern, else from the form, the fields of a
// multipart body or the members of a JSON object that is the body, else from the query. Of a
// name with several values the last one counts, as in PHP. A field may be
//
//   - a string, a bool (also 1, 0, on and off), a number, a [time.Time] (RFC 3339, Unix seconds, or a date as
//     2006-01-02, with or without 15:04:05, in local time), or any [encoding.TextUnmarshaler];
//   - a pointer to one, which is nil without the parameter;
//   - a slice of such, for names with several values, also as name[], or a JSON array;
//   - a [mime/multipart.FileHeader] pointer, or a slice of them, for files;
//   - any other type, which is decoded as JSON.
//
// Parameters that no field has are ignored. A parameter that is missing or has no value of
// its type is an [*Error] with the code InvalidParams whose data names it. An empty value is
// as if it was missing, except for strings.
//
// Func panics if In is no struct or has a field that cannot be decoded.
func Func[In, Out any](f func(context.Context, In) (Out, error)) http.Handler {
	fields, err := fieldsOf(reflect.TypeFor[In]())
	if err != nil {
		panic(err)
	}
	return &typed[In, Out]{f, fields}
}

// A function is what Func returns.
type function interface {
	http.Handler
	params(pattern string) []apijson.Parameter
}

type typed[In, Out any] struct {
	call   func(context.Context, In) (Out, error)
	fields []field
}

func (f *typed[In, Out]) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p, ok := r.Context().Value(providerKey{}).(*Provider)
	if !ok {
		panic("provider: a Func is called without its Provider: register it there, or use Middleware")
	}
	defer func() { removeFiles(r) }()
	var in In
	if err := decode(r, f.fields, reflect.ValueOf(&in).Elem()); err != nil {
		p.fail(w, r, err)
		return
	}
	out, err := f.call(r.Context(), in)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.writeResult(w, r, out)
}

func removeFiles(r *http.Request) {
	if r.MultipartForm != nil {
		r.MultipartForm.RemoveAll()
	}
}

// params returns the parameters that are not in the path.
func (f *typed[In, Out]) params(pattern string) []apijson.Parameter {
	var params []apijson.Parameter
	for _, field := range f.fields {
		if !hasWildcard(pattern, field.name) {
			params = append(params, apijson.Parameter{
				Name: field.name, Description: field.description, Required: field.required, Type: field.kind(), ParamType: "param",
			})
		}
	}
	return params
}
