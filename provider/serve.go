package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
)

// ServeHTTP verifies the request and answers it by the function that it is for.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.cfg.APIJSONPath != "" && r.URL.Path == p.cfg.APIJSONPath && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		p.serveAPIJSON(w, r)
		return
	}
	p.Middleware(http.HandlerFunc(p.route)).ServeHTTP(w, r)
}

// Middleware returns a handler that verifies requests and calls next with those that the
// platform has signed. Their bodies are as they were, and [CallFrom] knows the caller. Other
// requests get an error in the provider's envelope, and so does one for which next panics
// before it has begun an answer.
func (p *Provider) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &Call{RequestID: requestID(r.Header)}
		ctx := context.WithValue(r.Context(), callKey{}, c)
		ctx = context.WithValue(ctx, providerKey{}, p)
		r = r.WithContext(ctx)
		r.Header = maps.Clone(r.Header)
		w.Header().Set("X-Request-Id", c.RequestID)
		answer := &watched{ResponseWriter: w}
		defer p.recover(answer, r)
		if err := p.admit(answer, r, c); err != nil {
			p.refuse(answer, r, err)
			return
		}
		next.ServeHTTP(answer, r)
	})
}

type providerKey struct{}

// admit verifies the request and sets what it says about its caller.
func (p *Provider) admit(w http.ResponseWriter, r *http.Request, c *Call) error {
	dropLookalikes(r.Header)
	form, err := p.readForm(w, r, p.cfg.Scheme != Prism)
	if err != nil {
		return err
	}
	m, err := p.read(r, form)
	if err != nil {
		return err
	}
	c.Signed, err = p.verify(m)
	if err != nil {
		return err
	}
	c.Params = overlay(m.query, m.form)
	if c.Signed || len(p.cfg.Secrets) == 0 {
		c.readClaims(r.Header)
	} else {
		dropClaims(r.Header)
	}
	return nil
}

// refuse answers a request that is not let through. Why a signature is wrong is in the log,
// and in the answer only if Explain is set.
func (p *Provider) refuse(w http.ResponseWriter, r *http.Request, err error) {
	why, ok := errors.AsType[*refused](err)
	if !ok {
		p.log(r, "provider: a request cannot be read", "reason", fmt.Sprint(shown(err).Data))
		p.fail(w, r, err)
		return
	}
	p.log(r, "provider: a call is refused", "reason", why.reason)
	e := Error{Code: InvalidRequest, Data: "Sign is not valid.", Status: http.StatusForbidden}
	if p.cfg.Explain {
		e.Data = why.reason
	}
	p.writeError(w, r, e.filled())
}

// recover answers for a handler that has panicked, unless it has begun to answer.
func (p *Provider) recover(w *watched, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler {
		panic(v)
	}
	p.log(r, "provider: a function panicked", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	if w.begun {
		panic(http.ErrAbortHandler)
	}
	e := Error{Code: InternalError}
	p.writeError(w, r, e.filled())
}

// watched knows whether an answer has begun.
type watched struct {
	http.ResponseWriter
	begun bool
}

func (w *watched) WriteHeader(status int) {
	w.begun = w.begun || status >= 200
	w.ResponseWriter.WriteHeader(status)
}

func (w *watched) Write(b []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(b)
}

func (w *watched) Flush() {
	w.begun = true
	http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap is for http.ResponseController.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }
