package provider

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

func bodyTooLarge(limit int64) *Error {
	return &Error{Code: InvalidRequest, Status: http.StatusRequestEntityTooLarge,
		Data: fmt.Sprintf("the body has more than %d bytes", limit)}
}

const (
	formType      = "application/x-www-form-urlencoded"
	multipartType = "multipart/form-data"
)

func contentType(r *http.Request) (kind string, params map[string]string) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return "", nil
	}
	return kind, params
}

// readForm returns the parameters in the body, nil if it is no form, and leaves the body as
// it was. Fields of multipart bodies are parameters only where asked for.
func (p *Provider) readForm(w http.ResponseWriter, r *http.Request, fields bool) (url.Values, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	if r.ContentLength > p.cfg.MaxBody {
		return nil, bodyTooLarge(p.cfg.MaxBody)
	}
	r.Body = http.MaxBytesReader(w, r.Body, p.cfg.MaxBody)
	kind, params := contentType(r)
	if kind != formType && !(kind == multipartType && fields) {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, bodyTooLarge(tooLarge.Limit)
		}
		return nil, &Error{Code: InvalidRequest, Data: "the body did not arrive"}
	}
	r.Body.Close()
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	if kind == multipartType {
		return readFields(body, params["boundary"])
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, &Error{Code: InvalidRequest, Data: "the form is not encoded right"}
	}
	return form, nil
}

const mostFields = 10_000

// readFields returns the fields of a multipart body that are no files.
func readFields(body []byte, boundary string) (url.Values, error) {
	form := url.Values{}
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for range mostFields {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return form, nil
		}
		if err != nil {
			break
		}
		name := part.FormName()
		if name == "" || isFile(part) {
			continue
		}
		var value strings.Builder
		if _, err := io.Copy(&value, part); err != nil {
			break
		}
		form.Add(name, value.String())
	}
	return nil, &Error{Code: InvalidRequest, Data: "the multipart body is not encoded right"}
}

// isFile reports whether a part has a file name, be it empty.
func isFile(part *multipart.Part) bool {
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil {
		return true
	}
	_, ok := params["filename"]
	return ok
}

// overlay returns the parameters of the query with those of the form in the place of those
// that have the same name, as PHP sees them.
func overlay(query, form url.Values) url.Values {
	params := make(url.Values, len(query)+len(form))
	for name, values := range query {
		params[name] = values
	}
	for name, values := range form {
		params[name] = values
	}
	return params
}
