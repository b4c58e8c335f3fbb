// Package mock is a backend that answers each API of an api.json with the sample that
// stands there.
package mock

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/internal/gateway"
)

// ErrorHeader is the header by which a caller asks for a documented error, by its code.
const ErrorHeader = "X-Mock-Error"

// maxForm is how many bytes of a form are read to find the API.
const maxForm = 1 << 20

// A backend is the handler of one service.
type backend struct {
	file  *apijson.Service
	table *gateway.Table
}

// Handler returns a backend for the APIs of file. It must be the backend's address itself,
// without a path, that calls are sent to.
func Handler(file *apijson.Service) (http.Handler, error) {
	plain := *file
	plain.ConfigValues, plain.GlobalParams = nil, nil // it verifies nothing
	s, err := gateway.Compile(&plain, gateway.Backend{ID: "mock", URL: "http://127.0.0.1", Sandbox: "http://127.0.0.1", Online: true, Trusted: true})
	if err != nil {
		return nil, err
	}
	return &backend{&plain, gateway.NewTable([]*gateway.Service{s})}, nil
}

// ServeHTTP answers with the sample of the API.
func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target, err := b.table.Find(b.request(w, r))
	if err != nil || target.API == nil {
		answer(w, http.StatusNotFound, "", `{"error":{"code":"unknown_api","message":"the api.json has no such API"},"result":null}`)
		return
	}
	if code := r.Header.Get(ErrorHeader); code != "" {
		b.fail(w, target.API, code)
		return
	}
	answer(w, http.StatusOK, b.file.ResourceContentTypes, sample(target.API))
}

// request is the call as the platform found it.
func (b *backend) request(w http.ResponseWriter, r *http.Request) gateway.Request {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	form := url.Values(nil)
	switch kind {
	case "application/x-www-form-urlencoded":
		if r.ParseForm() == nil {
			form = r.PostForm
		}
	case "multipart/form-data":
		if r.ParseMultipartForm(maxForm) == nil {
			form = r.PostForm
			defer func() { _ = r.MultipartForm.RemoveAll() }()
		}
	}
	path := strings.Trim(b.file.Prefix+"/"+strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	return gateway.Request{Method: r.Method, Path: path, Query: r.URL.Query(), Form: form}
}

// fail answers with a documented error.
func (b *backend) fail(w http.ResponseWriter, api *apijson.API, code string) {
	for _, e := range api.Exceptions {
		if e.Code != code {
			continue
		}
		text, err := json.Marshal(map[string]any{"error": map[string]string{"code": e.Code, "message": e.Message}, "result": nil})
		if err != nil {
			text = nil
		}
		status := e.Status
		if status < 200 || status > 599 {
			status = http.StatusOK // where failures are in the body
		}
		answer(w, status, "", string(text))
		return
	}
	answer(w, http.StatusBadRequest, "", `{"error":{"code":"no_such_error","message":"the api.json has no error with this code"},"result":null}`)
}

// sample is the response of an API, or an empty object.
func sample(api *apijson.API) string {
	if strings.TrimSpace(api.Response) == "" {
		return "{}"
	}
	return api.Response
}

// answer writes an answer of a type that is given, or that its body has.
func answer(w http.ResponseWriter, status int, kind, body string) {
	if _, _, err := mime.ParseMediaType(kind); err != nil {
		kind = "text/plain; charset=utf-8"
		if json.Valid([]byte(body)) {
			kind = "application/json"
		}
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}
