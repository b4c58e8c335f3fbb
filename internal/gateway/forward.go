package gateway

import (
	"context"
	"errors"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

// Forward sends a call to the backend of its target and writes the answer to w. query and
// form are the parameters of the call without the reserved ones; form is nil if the body is
// no form, and r.Body is sent then. If Forward returns a [*Refusal], it has written nothing.
// When the answer has begun and cannot be completed, Forward panics with
// http.ErrAbortHandler, as net/http's handlers do; x is complete then, too.
func (f *Forwarder) Forward(w http.ResponseWriter, r *http.Request, t *Target, caller Caller, query, form url.Values, x *Exchange) error {
	if wait := t.at.breaker.wait(f.cfg.Breaker, time.Now()); wait > 0 {
		return broken(wait)
	}
	c := &call{f: f, w: w, in: r, target: t, Caller: caller, x: x, began: time.Now()}
	for _, secret := range t.at.secrets {
		c.longest = max(c.longest, len(url.QueryEscape(secret)))
	}
	return c.forward(query, form)
}

// A call is on its way to a backend and back.
type call struct {
	Caller
	f       *Forwarder
	w       http.ResponseWriter
	in      *http.Request
	target  *Target
	x       *Exchange
	out     *outgoing
	longest int         // bytes of a secret
	preset  http.Header // of the answer
	header  http.Header
	url     url.URL
	parts   *multipartForm // nil if the body is none

	began  time.Time
	clock  clock
	trace  tracing
	cancel context.CancelCauseFunc
	form   string       // the body, if it is a form or whole
	whole  []byte       // the body, if it was read and goes on as it is
	body   *requestBody // nil if it is a form, or there is none
	answer *answerBody  // nil before there is one
	err    error        // for which there is no answer
}

func (c *call) forward(query, form url.Values) error {
	ctx, cancel := context.WithCancelCause(c.in.Context())
	defer cancel(nil)
	c.cancel = cancel
	c.preset = maps.Clone(c.w.Header())
	c.clock.start(c)
	defer c.finish()
	if err := c.rewriteAll(query, form); err != nil {
		return c.refuse(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:        c.rewrite,
		Transport:      c,
		ModifyResponse: c.receive,
		ErrorHandler:   func(_ http.ResponseWriter, _ *http.Request, err error) { c.err = err },
		BufferPool:     &c.f.buffers,
		ErrorLog:       silence,
	}
	in := c.in.WithContext(c.follow(ctx))
	in.Header = c.header
	proxy.ServeHTTP(c.w, in)
	if c.err != nil {
		return c.refuse(c.err)
	}
	if c.answer.failed != nil { // outside of a server, ReverseProxy returns then
		panic(http.ErrAbortHandler)
	}
	return nil
}

var silence = log.New(io.Discard, "", 0)

// rewriteAll makes the parts of the request to the backend. The signature is the last, as it
// covers the others.
func (c *call) rewriteAll(query, form url.Values) error {
	form, err := c.meetBody(form)
	if err != nil {
		return err
	}
	c.rewriteHeader()
	c.rewriteURL()
	c.prepare(query, form)
	if err := c.readMultipart(); err != nil {
		return err
	}
	c.sign()
	c.url.RawQuery = c.encodedQuery()
	return nil
}

// rewrite gives ReverseProxy the request to the backend.
func (c *call) rewrite(pr *httputil.ProxyRequest) {
	pr.Out.Header, pr.Out.Trailer, pr.Out.URL, pr.Out.Host = c.header, nil, &c.url, ""
	c.setBody(pr.Out)
}

// rewriteURL sets the address but for the query.
func (c *call) rewriteURL() { c.url = c.target.address() }

// address returns the address to which a call goes, with the query of the service alone.
func (t *Target) address() url.URL {
	u := *t.at.url
	if t.rest != "" {
		u.RawPath = t.at.base + asWritten(t.rest)
		u.Path, _ = url.PathUnescape(u.RawPath) // both parts have been decoded before
	}
	if u.Path == "" {
		u.Path = "/"
	}
	u.ForceQuery = false
	return u
}

func (c *call) encodedQuery() string {
	return joinQuery(c.target.at.url.RawQuery, c.out.query.Encode())
}

func joinQuery(own, added string) string {
	if own != "" && added != "" {
		return own + "&" + added
	}
	return own + added
}

// receive looks at the header of an answer before it is copied.
func (c *call) receive(answer *http.Response) error {
	c.answered()
	c.x.Status = answer.StatusCode
	if answer.StatusCode == http.StatusSwitchingProtocols {
		answer.Body.Close()
		return errSwitched
	}
	c.target.at.breaker.succeeded(c.f.cfg.Breaker)
	if c.x.Keep > 0 {
		c.x.AnswerHeader = answer.Header.Clone()
	}
	own := c.w.Header()
	delete(answer.Header, "Date") // clients learn the clock of the platform by it
	for name := range answer.Header {
		delete(own, name)
	}
	if c.body.unread() {
		answer.Header["Connection"] = []string{"close"}
	}
	if answer.Header["Content-Type"] == nil {
		own["Content-Type"] = nil // or net/http guesses one
	}
	c.answer = &answerBody{ReadCloser: answer.Body, c: c}
	answer.Body = c.answer
	return nil
}

var errSwitched = errors.New("the backend switched protocols, which was not asked for")

// finish completes the Exchange.
func (c *call) finish() {
	c.clock.stop()
	c.x.Took = time.Since(c.began)
	c.x.Method, c.x.Header, c.x.URL = c.in.Method, c.header, c.hide(c.url.String())
	written := c.trace.fill(c.x)
	c.finishBody(written)
	if c.answer != nil {
		c.x.Received, c.x.Cut = c.answer.n, c.answer.failed
		c.x.AnswerBody = c.shown(c.answer.kept)
	}
}

func (c *call) finishBody(written bool) {
	switch {
	case c.body != nil:
		c.body.mu.Lock()
		defer c.body.mu.Unlock()
		c.x.Sent, c.x.Body = c.body.n, c.shown(c.body.kept)
	case written:
		c.x.Sent, c.x.Body = int64(len(c.form)), c.shown(c.keep(nil, []byte(c.form)))
	}
}

// hide replaces secrets that are parameters.
func (c *call) hide(text string) string { return c.target.at.hide(text) }

func (e *endpoint) hide(text string) string {
	for _, secret := range e.secrets {
		text = strings.ReplaceAll(text, url.QueryEscape(secret), hidden)
		text = strings.ReplaceAll(text, secret, hidden)
	}
	return text
}

const hidden = "***"

// shown returns what is kept of a body, without secrets.
func (c *call) shown(kept []byte) []byte {
	if kept == nil {
		return nil
	}
	text := c.hide(string(kept))
	return []byte(text[:min(len(text), c.x.Keep)])
}
