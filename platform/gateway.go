package platform

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/internal/gateway"
)

// A passage is a call on its way through the gateway.
type passage struct {
	service, api string          // the prefix and the method ID; empty if none was found
	anyAPI       bool            // the service has no such API, so api is what the caller chose
	target       *gateway.Target // nil if none was found
	provider     string          // the app that imported the service; empty if the operator did
	secrets      serviceSecrets
	callerID     string // the X-Request-Id of the caller, if the backend gets that
	body         *keptBody
	exchange     gateway.Exchange
	phase        string // in which it failed
	paused       bool   // the backend gets no calls for a while
	cause        error
}

// methodID names the API without what the caller chose.
func (g *passage) methodID() string {
	if g.anyAPI {
		return everyAPI
	}
	return g.api
}

// throughGateway passes a verified call to the backend of the service that it names, or to
// [Config].Backend if no service has its path.
func (p *Platform) throughGateway(w *answer, r *http.Request, c *call) error {
	query, form := withoutReserved(c.query), withoutReserved(c.form)
	asked := gateway.Request{Method: r.Method, Path: p.pathOf(r, c), Sandbox: c.sandbox, Query: query, Form: form}
	services, target, err := p.findAPI(r, c, &asked)
	switch {
	case services == nil:
		return err
	case target == nil && err == nil && p.cfg.Backend != nil && !c.sandbox:
		return p.forward(p.cfg.Backend, w, r, c)
	}
	c.passage = &passage{}
	if target == nil && err == nil {
		return services.hint(c, asked, p.unknownAPI(c))
	}
	if target == nil {
		return refusal(c, services, asked, err)
	}
	known := services.known[target.Service.ID]
	c.passage.service, c.passage.api, c.passage.target = target.Service.Prefix, target.ID, target
	c.passage.anyAPI, c.passage.provider, c.passage.secrets = target.API == nil, known.stored.App, known.secrets
	if err != nil && !isBound(c.app, target.Service.ID) {
		return forbiddenAPI(c, target)
	}
	if err == nil {
		err = p.admit(c, target, query, form)
	}
	if err == nil {
		err = p.send(w, r, c, target, query, form)
	}
	return refusal(c, services, asked, err)
}

// findAPI finds what a call is for, in the services of the caller's domain. What it does
// not find, or finds off line, it looks for again in the services as they are now. target
// is nil if no service has the path, and services if the store cannot tell. The request gets
// the fields of a multipart form if they have to be known for that.
func (p *Platform) findAPI(r *http.Request, c *call, request *gateway.Request) (services *domainServices, target *gateway.Target, err error) {
	domain := c.app.Exchange()
	if services, err = p.services.current(r.Context(), domain); err != nil {
		return nil, nil, err
	}
	target, err = services.find(*request)
	if peeked, failed := peek(r, c, target, request); failed != nil {
		return services, target, failed
	} else if peeked {
		target, err = services.find(*request)
	}
	if target != nil && err == nil && target.Service.Online {
		return services, target, nil
	}
	fresh, failed := p.services.now(r.Context(), domain)
	if failed != nil || fresh == services {
		return services, target, err
	}
	target, err = fresh.find(*request)
	return fresh, target, err
}

// peek puts the first fields of a multipart form into a request to find what it is for, if
// the name of the API may be among them. It reads nothing for an app that may not call the
// service.
func peek(r *http.Request, c *call, t *gateway.Target, to *gateway.Request) (peeked bool, err error) {
	if t == nil || c.form != nil || c.noBody || t.Service.File.Mode != apijson.Param || to.Query.Has(t.Service.File.ParamName) || !isBound(c.app, t.Service.ID) {
		return false, nil
	}
	fields, _, err := gateway.PeekMultipart(r)
	if err != nil && !isRefusal(err) {
		return false, bodyFailure(err)
	}
	to.Form = fields
	return fields != nil, err
}

func isRefusal(err error) bool {
	var refused *gateway.Refusal
	return errors.As(err, &refused)
}

// find returns what a call is for; target is nil if no service has the path, and err if that
// is all there is to say.
func (s *domainServices) find(r gateway.Request) (target *gateway.Target, err error) {
	target, err = s.table.Find(r)
	var refused *gateway.Refusal
	if target == nil && errors.As(err, &refused) && refused.Code == code.UnknownAPI {
		return nil, nil
	}
	return target, err
}

// pathOf returns the path of a call below the base path, escaped as it was sent.
func (p *Platform) pathOf(r *http.Request, c *call) string {
	if c.sandbox {
		return below(wirePath(r.URL), p.sandboxBase)
	}
	return below(wirePath(r.URL), p.apiBase)
}

// admit refuses a call that its app may not make, or not so often, or that lacks something.
func (p *Platform) admit(c *call, t *gateway.Target, query, form url.Values) error {
	binding := bindingFor(c.app, t)
	switch {
	case binding == nil:
		return forbiddenAPI(c, t)
	case !t.Service.Online:
		return &failure{status: http.StatusServiceUnavailable, code: code.APIOffline,
			message: "the service " + t.Service.Prefix + " is off line; its provider brings it on line"}
	}
	name, limit := limitOf(t, binding)
	if wait, ok := p.allowCall(c.key.ID, t.Service.ID, name, limit); !ok {
		return overLimit(limit, wait)
	}
	if t.API != nil && t.API.RequireOAuth && c.user.ID == "" {
		return &failure{status: http.StatusForbidden, code: code.UserRequired,
			message: "this API needs a user: send a valid access token as Authorization: Bearer TOKEN"}
	}
	if form == nil && c.noBody {
		form = url.Values{}
	}
	if name := t.Missing(query, form); name != "" {
		return badRequest(code.MissingParameter, "the parameter "+shorten(name, 48)+" is missing, which this API requires")
	}
	return nil
}

// everyAPI is the path of a binding to all APIs of a service, and stands for them where they
// are counted together.
const everyAPI = "*"

// bindingFor returns the binding that lets an app call an API, or nil. One to the API
// itself counts before one to all.
func bindingFor(app *App, t *gateway.Target) (all *APIBinding) {
	for i := range app.APIs {
		b := &app.APIs[i]
		switch {
		case b.Service != t.Service.ID:
		case b.Path == everyAPI:
			all = b
		case b.Path == t.ID || t.API != nil && b.isPath(t.API):
			return b
		}
	}
	return all
}

// isPath reports whether a binding names the path of an API.
func (b *APIBinding) isPath(api *apijson.API) bool {
	return api.Path != "" && strings.Trim(b.Path, "/") == strings.Trim(api.Path, "/")
}

// isBound reports whether an app may call any API of a service.
func isBound(app *App, service string) bool {
	for i := range app.APIs {
		if app.APIs[i].Service == service {
			return true
		}
	}
	return false
}

// limitOf returns the limit of an API for a binding, and under which name it is counted. A
// service that lists no APIs has one for all of its paths, or callers would choose names.
func limitOf(t *gateway.Target, b *APIBinding) (name string, limit apijson.Limit) {
	name = everyAPI
	if t.API != nil {
		name, limit = t.ID, t.API.Limit
	}
	if b.Limit != (apijson.Limit{}) {
		limit = b.Limit
	}
	return name, limit
}

// send lets the backend answer.
func (p *Platform) send(w *answer, r *http.Request, c *call, t *gateway.Target, query, form url.Values) error {
	c.passage.exchange.Keep = p.cfg.Gateway.keep()
	caller := gateway.Caller{RequestID: c.id, IP: c.caller.ip(), Key: c.key.ID, App: c.key.App}
	if id := r.Header.Get("X-Request-Id"); isGatewayID(id) {
		caller.RequestID, c.passage.callerID = id, id
	}
	if c.user.ID != "" {
		caller.User = userQuery(c.user)
	}
	if form == nil && !c.noBody {
		http.NewResponseController(w).SetReadDeadline(time.Time{}) // from now on the gateway bounds how long the body stands still
		c.passage.body = keepBody(r, p.cfg.Gateway.keep())
	}
	err := p.gateway.Forward(w, r, t, caller, query, form, &c.passage.exchange)
	if c.passage.body.unread() {
		endBody(w, c.passage.body, err)
	}
	return err
}

// endBody reads what is left of a body that no backend has taken, for a moment. Left to
// net/http, it would be read without a deadline, and its rest be the next request.
func endBody(w *answer, body *keptBody, failed error) {
	conn := http.NewResponseController(w)
	if failed != nil {
		w.Header().Set("Connection", "close")
	} else {
		conn.Flush()
	}
	conn.SetReadDeadline(time.Now().Add(restGrace))
	body.Close()
}

// restGrace is how long the rest of a body may take that no backend has taken.
const restGrace = time.Second

// isGatewayID reports whether a request ID has the form of those of the original gateway.
// Only such a one of a caller reaches the backend.
func isGatewayID(id string) bool {
	return len(id) == 16 && !strings.ContainsFunc(id, func(r rune) bool { return !('a' <= r && r <= 'z' || '2' <= r && r <= '7') })
}

// refusal returns the failure for why a call was not answered.
func refusal(c *call, services *domainServices, asked gateway.Request, err error) error {
	var refused *gateway.Refusal
	if !errors.As(err, &refused) {
		return err
	}
	c.passage.phase, c.passage.paused, c.passage.cause = refused.Phase, refused.Paused, refused.Cause
	f := &failure{status: refused.Status, code: refused.Code, message: refused.Message, retryAfter: refused.RetryAfter}
	if len(refused.Allow) > 0 {
		f.header = http.Header{"Allow": {strings.Join(refused.Allow, ", ")}}
	}
	if f.code == code.UnknownAPI {
		return services.hint(c, asked, f)
	}
	return f
}

// hint adds to the failure of a call whose API is not known which one may be meant, of those
// that the app may call.
func (s *domainServices) hint(c *call, asked gateway.Request, f *failure) *failure {
	near := s.table.Nearest(asked, func(service *gateway.Service, api *apijson.API) bool {
		if api == nil {
			return isBound(c.app, service.ID)
		}
		return bindingFor(c.app, &gateway.Target{Service: service, API: api, ID: api.ID}) != nil
	})
	if near != "" {
		f.message += "; " + near
	}
	return f
}

func forbiddenAPI(c *call, t *gateway.Target) *failure {
	return &failure{status: http.StatusForbidden, code: code.ForbiddenAPI,
		message: "the app " + c.key.App + " is not bound to this API of the service " + t.Service.Prefix + "; an admin key can bind it"}
}

func overLimit(l apijson.Limit, wait time.Duration) *failure {
	f := &failure{status: http.StatusTooManyRequests, code: code.OverLimit, retryAfter: max(wait, time.Second)}
	f.message = fmt.Sprintf("this key may call the API at most %d times in %v; wait for the seconds of Retry-After", l.Count, l.Per)
	f.data = map[string]any{"limit_count": l.Count, "limit_seconds": int64(l.Per / time.Second)}
	return f
}
