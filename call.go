package prism

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Call is one call of an API.
//
// A call is repeated, as far as [Retry] allows, when it was certainly not
// processed: no connection could be made, the request did not leave this machine,
// or the platform answered that there are too many calls (429). In every other
// case it is repeated only if Repeatable is set.
type Call struct {
	// Method is GET, POST, PUT or DELETE; empty means GET. GET and DELETE
	// carry Params in the query, POST and PUT in a form body.
	Method string

	// Path is relative to Config.Server, with or without a slash in front. It
	// may hold percent-escapes, and a query, which stays in the query.
	Path string

	// Params are the parameters beside those in Path.
	Params Params

	// Header is added to the request. X-Api-* headers are signed. Headers that
	// the client or net/http set themselves are refused.
	Header http.Header

	// Token is the access token of the user for whom the call is made. If
	// empty, it is the client's.
	Token string

	// Repeatable declares that the platform may process the call twice without
	// harm. Then it is also repeated when the connection breaks, when a try
	// takes too long, and on HTTP 502, 503 and 504. platform/notify/read
	// removes messages, so it cannot be repeatable.
	Repeatable bool
}

// Get calls path by GET, with params in the query. See [Client.Do].
func (c *Client) Get(ctx context.Context, path string, params Params) (*Response, error) {
	return c.Do(ctx, Call{Method: http.MethodGet, Path: path, Params: params})
}

// Post calls path by POST, with params in a form body. See [Client.Do].
func (c *Client) Post(ctx context.Context, path string, params Params) (*Response, error) {
	return c.Do(ctx, Call{Method: http.MethodPost, Path: path, Params: params})
}

// Put calls path by PUT, with params in a form body. See [Client.Do].
func (c *Client) Put(ctx context.Context, path string, params Params) (*Response, error) {
	return c.Do(ctx, Call{Method: http.MethodPut, Path: path, Params: params})
}

// Delete calls path by DELETE, with params in the query. See [Client.Do].
func (c *Client) Delete(ctx context.Context, path string, params Params) (*Response, error) {
	return c.Do(ctx, Call{Method: http.MethodDelete, Path: path, Params: params})
}

// Do makes a call and returns the answer. It blocks until the whole answer is
// read, until no further try is allowed, or until ctx ends.
//
// If the server answered with a failure, the error is an [*Error], and the
// Response is returned with it. A failure is a failure envelope with any HTTP
// status, an HTTP status of 400 and above, or a redirect, which is never
// followed. Other errors come without a Response: a [*ParamError] or another
// refusal before anything was sent, a [*BodyTooLargeError], an error of net/http
// about the connection, or an error that matches ctx.Err(). No error shows the
// secret, a signature or a token.
func (c *Client) Do(ctx context.Context, call Call) (*Response, error) {
	if err := c.usable(ctx); err != nil {
		return nil, err
	}
	r, err := c.prepare(call, false)
	if err != nil {
		return nil, err
	}
	return c.do(ctx, r)
}

// A request is a checked call. Any number of tries read it, and none changes it.
type request struct {
	method      string
	name        string // the path for people: as given, without its query
	url         url.URL
	query, form url.Values // without the parameters of the system
	header      http.Header
	token       string
	repeatable  bool
	upgrade     bool

	encoded []byte // query or form, whichever the system's parameters go to
	buffer  [128]byte
}

// prepare checks a call and returns the request for it.
func (c *Client) prepare(call Call, upgrade bool) (*request, error) {
	r := &request{
		method: cmp.Or(call.Method, http.MethodGet), token: cmp.Or(call.Token, c.token),
		repeatable: call.Repeatable, upgrade: upgrade,
	}
	if err := r.setPath(&c.base, call.Path); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	if err := r.setHeader(call.Header, c.standard()); err != nil {
		return nil, err
	}
	return r, r.setParams(call.Params)
}

func (r *request) check() error {
	switch r.method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete:
	default:
		return fmt.Errorf("prism: method %q is not known to the platform: use GET, POST, PUT or DELETE", r.method)
	}
	if r.repeatable && strings.HasSuffix(r.url.Path, "/platform/notify/read") {
		return errors.New("prism: platform/notify/read removes messages, so a second try could lose them: do not set Repeatable")
	}
	return nil
}

// inForm reports whether the parameters of the call, and with them those of the
// system, go into a form body; else they go into the query.
func (r *request) inForm() bool {
	return r.method == http.MethodPost || r.method == http.MethodPut
}
