package prism

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// AnswerError is an answer that is not Prism's to a call of Prism itself: a page of
// a proxy, an empty body, another system's envelope, or a result that Prism
// does not document. The call may have been processed, or not.
type AnswerError struct {
	// Method and Path are those of the call; Path is without a query.
	Method, Path string

	// Status is the HTTP status and ContentType the header Content-Type.
	Status      int
	ContentType string

	// Begin is how the body begins: at most 200 bytes, without secrets.
	Begin string

	// Err says what was expected.
	Err error
}

// Error gives the call, what was expected, and how the body begins, quoted.
func (e *AnswerError) Error() string {
	body := "is empty"
	if e.Begin != "" {
		body = fmt.Sprintf("begins with %q", e.Begin)
	}
	return fmt.Sprintf("prism: %s %s: the answer is not Prism's: %v; it %s (HTTP %d, %q): does Config.Server lead to the platform?",
		e.Method, e.Path, e.Err, body, e.Status, e.ContentType)
}

// Unwrap returns what was expected.
func (e *AnswerError) Unwrap() error { return e.Err }

// Result is [Response.Decode] for a call that Prism itself answers, and not an API
// behind it. Such a call has succeeded only if the body is Prism's own
// envelope with the documented result: {"result": ..., "error": null}. If v is nil
// the result must be true. Otherwise it is decoded into what v points to, and may
// be null only for a slice; [] is decoded as by Decode. The error is an
// [*AnswerError] for any other answer, and the [*Error] that Do returned if the
// call failed.
func (r *Response) Result(v any) error {
	if r.failure != nil {
		return r.failure
	}
	m, isObject := parseMembers(withoutBOM(r.Body))
	switch {
	case !isObject || m.result == nil || m.jsonrpc != nil || m.rsp != nil || !saysNothing(m.err):
		return r.unexpected(errors.New(`{"result": ...} was expected`))
	case v == nil && string(m.result) != "true":
		return r.unexpected(errors.New("the result true was expected"))
	case v == nil:
		return nil
	case string(m.result) == "null" && reflect.TypeOf(v).Elem().Kind() != reflect.Slice:
		return r.unexpected(errors.New("a result was expected"))
	}
	if err := r.decode(m.result, v); err != nil {
		return r.unexpected(err)
	}
	return nil
}

func (r *Response) unexpected(err error) error {
	const longest = 200
	s, call := r.mask.secrets(), r.mask.call
	begin := s.clean(strings.ToValidUTF8(string(r.Body[:min(len(r.Body), 4*longest)]), "\uFFFD"))
	return &AnswerError{
		Method: call.method, Path: s.clean(call.name), Status: r.Status, ContentType: s.clean(r.Header.Get("Content-Type")),
		Begin: strings.ToValidUTF8(strings.TrimSpace(begin[:min(len(begin), longest)]), ""), Err: err,
	}
}

func withoutBOM(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) }
