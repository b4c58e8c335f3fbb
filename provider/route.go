package provider

import (
	"fmt"
	"mime/multipart"
	"net/http"
	"path"
	"strings"

	"github.com/shopex/prism-go/apijson"
)

// An Option says more about a function. Any func may be one: it changes what the api.json
// says of it.
type Option = func(*apijson.API)

// A route is a function with how it is found.
type route struct {
	p       *Provider
	handler http.Handler
	api     apijson.API
	name    string // for Call.Function
	path    string // of a route of Handle, with the base path
}

// Handle registers the handler of the requests that match a pattern of [http.ServeMux]
// below the base path, such as "GET orders/{tid}": handler is one that [Func] returns, or
// any other. Handle panics if the pattern is wrong, or conflicts with another.
func (p *Provider) Handle(pattern string, handler http.Handler, options ...Option) {
	method, rest := split(pattern)
	rest = strings.TrimPrefix(rest, "/")
	at := &route{p: p, handler: handler, name: pattern, path: path.Join(p.cfg.BasePath, "/") + "/" + rest}
	at.path = strings.Replace(at.path, "//", "/", 1)
	at.api = apijson.API{ID: idOf(method, rest), Path: rest}
	p.add(at, method, options)
	p.paths = append(p.paths, at)
	p.mux.Handle(strings.TrimSpace(method+" "+at.path), at)
}

// Method registers the handler of the calls whose method parameter is id, such as
// "item.get". id may begin with an HTTP method, as in "POST item.update", if no other is
// allowed. If the Provider has functions of Handle, too, those of Method are called at the
// base path only, else at any path. Method panics if there is another with the same ID.
func (p *Provider) Method(id string, handler http.Handler, options ...Option) {
	method, id := split(id)
	if id == "" || p.methods[id] != nil {
		panic(fmt.Sprintf("provider: the method ID %q is empty or there already", id))
	}
	at := &route{p: p, handler: handler, name: id, api: apijson.API{ID: id}}
	p.add(at, method, options)
	p.methods[id] = at
}

func (p *Provider) add(at *route, method string, options []Option) {
	if method != "" {
		at.api.Methods = []string{method}
	}
	if f, ok := at.handler.(function); ok {
		at.api.Params = f.params(at.path)
	}
	for _, option := range options {
		option(&at.api)
	}
	if p.ids[at.api.ID] {
		panic(fmt.Sprintf("provider: two functions have the ID %q: give one of them another with the option ID", at.api.ID))
	}
	p.ids[at.api.ID] = true
	p.order = append(p.order, at)
}

// split returns the HTTP method at the beginning of a pattern, if there is one.
func split(pattern string) (method, rest string) {
	if method, rest, ok := strings.Cut(pattern, " "); ok {
		return method, strings.TrimSpace(rest)
	}
	return "", pattern
}

func idOf(method, pattern string) string {
	words := strings.FieldsFunc(strings.ToLower(method)+"/"+pattern, func(c rune) bool { return strings.ContainsRune("/{}$", c) })
	return strings.Join(words, "_")
}

func (at *route) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := CallFrom(r.Context())
	c.Function = at.name
	if at.api.RequireOAuth {
		if err := c.User.Required(); err != nil {
			at.p.fail(w, r, err)
			return
		}
	}
	at.handler.ServeHTTP(w, r)
}

// route calls the function that a verified request is for.
func (p *Provider) route(w http.ResponseWriter, r *http.Request) {
	base := strings.TrimSuffix(p.cfg.BasePath, "/")
	if len(p.methods) > 0 && (len(p.paths) == 0 || strings.TrimSuffix(r.URL.Path, "/") == base) {
		p.routeMethod(w, r)
		return
	}
	// A mux redirects paths that it finds untidy, but the platform does not follow.
	found, _ := p.mux.Handler(r)
	if _, ok := found.(*route); ok && tidy(r.URL.Path) {
		p.mux.ServeHTTP(w, r)
		return
	}
	answer := &headerOnly{header: http.Header{}}
	found.ServeHTTP(answer, r)
	if answer.status == http.StatusMethodNotAllowed {
		p.notAllowed(w, r, answer.header.Get("Allow"))
		return
	}
	p.fail(w, r, &Error{Code: MethodNotFound, Data: "there is no function at this path"})
}

func tidy(sent string) bool {
	return sent == "/" || path.Clean(sent) == strings.TrimSuffix(sent, "/")
}

// headerOnly takes the header of an answer.
type headerOnly struct {
	header http.Header
	status int
}

func (w *headerOnly) Header() http.Header         { return w.header }
func (w *headerOnly) WriteHeader(status int)      { w.status = status }
func (w *headerOnly) Write(b []byte) (int, error) { return len(b), nil }

func (p *Provider) routeMethod(w http.ResponseWriter, r *http.Request) {
	c := CallFrom(r.Context())
	ids := c.Params[p.cfg.MethodParam]
	if len(ids) == 0 {
		form, err := multipartForm(r)
		if err != nil {
			p.fail(w, r, err)
			return
		}
		if form != nil {
			ids = form.Value[p.cfg.MethodParam]
		}
	}
	delete(c.Params, p.cfg.MethodParam)
	if len(ids) == 0 {
		p.fail(w, r, &Error{Code: MethodNotFound, Data: fmt.Sprintf("the parameter %s is missing: it names the function", p.cfg.MethodParam)})
		return
	}
	at := p.methods[ids[len(ids)-1]]
	switch {
	case at == nil:
		p.fail(w, r, &Error{Code: MethodNotFound, Data: "there is no function with this method ID"})
	case !allows(at.api.Methods, r.Method):
		p.notAllowed(w, r, strings.Join(at.api.Methods, ", "))
	default:
		at.ServeHTTP(w, r)
	}
}

func allows(methods []string, method string) bool {
	for _, m := range methods {
		if strings.EqualFold(m, method) || m == http.MethodGet && method == http.MethodHead {
			return true
		}
	}
	return len(methods) == 0
}

func (p *Provider) notAllowed(w http.ResponseWriter, r *http.Request, allow string) {
	w.Header().Set("Allow", allow)
	p.fail(w, r, &Error{Code: MethodNotFound, Data: "this function is called with " + allow, Status: http.StatusMethodNotAllowed})
}

// inMemory is how much of a multipart body is kept in memory; the rest is in files.
const inMemory = 1 << 20

// multipartForm reads the body if it is a multipart one, and returns nil if it is not.
func multipartForm(r *http.Request) (*multipart.Form, error) {
	if kind, _ := contentType(r); kind != multipartType {
		return nil, nil
	}
	if err := r.ParseMultipartForm(inMemory); err != nil {
		if e := shown(err); e.Code != InternalError {
			return nil, e
		}
		return nil, &Error{Code: InvalidRequest, Data: "the multipart body is not encoded right"}
	}
	return r.MultipartForm, nil
}
