package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/shopex/prism-go/cmd/prismctl/internal/exit"
	"github.com/shopex/prism-go/sign"
)

// signRequest is one line of "prismctl sign -". Members that it does not
// know are ignored, so that whole test vectors can be given.
type signRequest struct {
	Method  *string `json:"method"`
	Path    *string `json:"path"`
	Headers values  `json:"headers"`
	Query   values  `json:"query"`
	Form    values  `json:"form"`
	Secret  *string `json:"secret"`
}

type signature struct {
	StringToSign string `json:"string_to_sign"`
	Sign         string `json:"sign"`
}

// values are strings, or arrays of strings, by name.
type values map[string]texts

type texts []string

// UnmarshalJSON takes one string for an array of one.
func (s *texts) UnmarshalJSON(b []byte) error {
	var one string
	if err := json.Unmarshal(b, &one); err == nil && string(b) != "null" {
		*s = texts{one}
		return nil
	}
	var many []*string
	if err := json.Unmarshal(b, &many); err != nil || many == nil {
		return errors.New("a value must be a string or an array of strings")
	}
	for _, one := range many {
		if one == nil {
			return errors.New("a value must be a string or an array of strings")
		}
		*s = append(*s, *one)
	}
	return nil
}

func (v values) params() url.Values {
	params := make(url.Values, len(v))
	for name, texts := range v {
		params[name] = texts
	}
	return params
}

// signLines signs one request a line, and stops at the first that is wrong.
func signLines(ctx context.Context, t *tool) error {
	for l := range lines(ctx, t.in) {
		if l.err != nil {
			return l.err
		}
		if len(bytes.TrimSpace(l.text)) == 0 {
			continue
		}
		result, err := signLine(l.text)
		if err != nil {
			return exit.Usagef("line %d of standard input: %w", l.number, err)
		}
		if err := t.printJSON(result); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// jsonError says what is wrong without the names of Go types.
func jsonError(err error) error {
	var wrong *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrong) && wrong.Field == "":
		return errors.New("it is no JSON object but a JSON " + wrong.Value)
	case errors.As(err, &wrong):
		return fmt.Errorf("the member %s cannot be a JSON %s", wrong.Field, wrong.Value)
	case errors.As(err, &syntax):
		return fmt.Errorf("it is no JSON object: %w", err)
	}
	return err
}

func signLine(text []byte) (signature, error) {
	var r signRequest
	if !utf8.Valid(text) {
		return signature{}, errors.New("it is not UTF-8")
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return signature{}, jsonError(err)
	}
	for _, must := range []struct {
		name  string
		value *string
	}{{"method", r.Method}, {"path", r.Path}, {"secret", r.Secret}} {
		if must.value == nil {
			return signature{}, errors.New("the member " + must.name + " is missing")
		}
	}
	request := sign.Request{
		Method: *r.Method, Path: *r.Path,
		Header: http.Header(r.Headers.params()), Query: r.Query.params(), Form: r.Form.params(),
	}
	return signature{sign.StringToSign(*r.Secret, request), sign.Sign(*r.Secret, request)}, nil
}
