package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/shopex/prism-go/platform"
)

// A request is one of a person who is logged in.
type request struct {
	*http.Request
	c      *Console
	w      http.ResponseWriter
	s      *session
	person platform.Person

	before, after any // for the audit log: what a change has changed, without secrets
}

// A callError is the platform's refusal of a call.
type callError struct {
	Status  int            `json:"-"`
	Code    string         `json:"code"`
	Message string         `json:"message"`
	Data    map[string]any `json:"data,omitempty"`
	Login   string         `json:"-"` // where to log in, if that is what is missing
}

// Error implements error.
func (e *callError) Error() string { return e.Code + ": " + e.Message }

// value returns a field of a form or query, without space around it.
func (r *request) value(name string) string { return strings.TrimSpace(r.FormValue(name)) }

// confirmed returns an error unless the form repeats the name of what is about to be
// destroyed.
func (r *request) confirmed(name string) error {
	if r.value("confirm") == name {
		return nil
	}
	return &callError{Status: http.StatusBadRequest, Code: "not_confirmed", Message: "nothing was done: to confirm, type the name " + name}
}

// hasCode reports whether err is a refusal by the platform with this code.
func hasCode(err error, code string) bool {
	var refused *callError
	return errors.As(err, &refused) && refused.Code == code
}

// get makes a call that changes nothing, in the name of the person, and decodes its result.
func (r *request) get(api string, params url.Values, result any) error {
	return r.call(r.Context(), http.MethodGet, api, params, result)
}

// post makes a call that changes something.
func (r *request) post(api string, params url.Values, result any) error {
	return r.call(r.Context(), http.MethodPost, api, params, result)
}

func (r *request) call(ctx context.Context, method, api string, params url.Values, result any) error {
	answer := &recorder{header: make(http.Header)}
	r.serve(ctx, answer, method, api, params)
	return decode(answer, api, result)
}

// serve lets the platform answer a call of the person.
func (r *request) serve(ctx context.Context, w http.ResponseWriter, method, api string, params url.Values) {
	r.c.cfg.Platform.ServeHTTP(w, r.newCall(platform.WithPerson(ctx, r.person), method, api, params))
}

// newCall returns a request to the platform, as from the browser's address.
func (r *request) newCall(ctx context.Context, method, api string, params url.Values) *http.Request {
	path, form := r.c.api+"/"+api, ""
	if method == http.MethodGet && len(params) > 0 {
		path += "?" + params.Encode()
	} else {
		form = params.Encode()
	}
	call, err := http.NewRequestWithContext(ctx, method, path, strings.NewReader(form))
	if err != nil { // the path is ours
		panic(err)
	}
	call.Host = r.Host
	if method != http.MethodGet {
		call.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	call.RemoteAddr, call.RequestURI = callerOf(r.Request).RemoteAddr, path
	call.Header.Set("User-Agent", "prism-console")
	return call
}

// decode decodes the result of an answer of the platform.
func decode(answer *recorder, api string, result any) error {
	var doc struct {
		Result json.RawMessage `json:"result"`
		Error  *callError      `json:"error"`
	}
	if err := json.Unmarshal(answer.body.Bytes(), &doc); err != nil {
		return fmt.Errorf("console: %s answered with %d and no JSON: %w", api, answer.status, err)
	}
	if doc.Error != nil {
		doc.Error.Status = answer.status
		return doc.Error
	}
	if result == nil || bytes.Equal(doc.Result, []byte("null")) {
		return nil
	}
	if err := json.Unmarshal(doc.Result, result); err != nil {
		return fmt.Errorf("console: the result of %s cannot be read: %w", api, err)
	}
	return nil
}

// A recorder keeps an answer of the platform.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *recorder) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *recorder) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *recorder) Write(text []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(text)
}
