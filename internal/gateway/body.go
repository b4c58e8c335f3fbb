package gateway

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// setBody gives the request its body, and none that net/http could send twice.
func (c *call) setBody(out *http.Request) {
	out.GetBody = nil
	switch {
	case c.whole != nil:
		out.Body, out.ContentLength, out.TransferEncoding = io.NopCloser(bytes.NewReader(c.whole)), int64(len(c.whole)), nil
		c.form, c.body = string(c.whole), nil
	case c.parts != nil:
		c.stream(out)
	case c.out.form != nil:
		c.setForm(out)
	case out.Body == nil || out.Body == http.NoBody:
		c.setNone(out)
	default:
		c.stream(out)
	}
}

func (c *call) setForm(out *http.Request) {
	form := c.out.form.Encode()
	if out.Header.Get("Content-Type") == "" {
		out.Header["Content-Type"] = formType
	}
	c.form = form
	out.Body, out.ContentLength, out.TransferEncoding = io.NopCloser(strings.NewReader(form)), int64(len(form)), nil
	if form == "" {
		c.setNone(out)
	}
}

// setNone prevents net/http from sending a request a second time when a connection that it
// has used before is lost. It does so with these, if it can get the body again: even an
// empty one. With the encoding given as identity, that leaves no trace.
func (c *call) setNone(out *http.Request) {
	out.Body, out.ContentLength, out.TransferEncoding = http.NoBody, 0, nil
	switch out.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		out.Body, out.TransferEncoding = emptyBody{}, identity
	}
	if out.Header["Idempotency-Key"] != nil || out.Header["X-Idempotency-Key"] != nil {
		out.Body, out.TransferEncoding = emptyBody{}, identity
	}
}

var identity = []string{"identity"}

// An emptyBody is one that net/http does not know to be empty.
type emptyBody struct{}

func (emptyBody) Read([]byte) (int, error)         { return 0, io.EOF }
func (emptyBody) WriteTo(io.Writer) (int64, error) { return 0, nil }
func (emptyBody) Close() error                     { return nil }

// stream passes the body of the call on while it comes. The answer may begin before it has
// come, and ends it.
func (c *call) stream(out *http.Request) {
	rc := http.NewResponseController(c.w)
	_ = rc.EnableFullDuplex()
	_ = rc.SetReadDeadline(time.Time{}) // the clock sees to it
	c.body = &requestBody{c: c, from: out.Body}
	if c.parts != nil {
		c.body.from, out.ContentLength, out.TransferEncoding = c.parts.body(out.Body), -1, nil
	}
	out.Body = c.body
}

// A requestBody is the body of a call as the backend gets it.
type requestBody struct {
	c    *call
	from io.ReadCloser

	mu   sync.Mutex
	n    int64
	kept []byte
	err  error // of the caller
	done bool
}

func (b *requestBody) Read(p []byte) (int, error) {
	b.c.clock.enter(reading)
	n, err := b.from.Read(p)
	b.c.clock.enter(sending)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n += int64(n)
	b.kept = b.c.keep(b.kept, p[:n])
	switch err {
	case nil:
	case io.EOF:
		b.done = true
	default:
		b.err = err
	}
	return n, err
}

func (b *requestBody) Close() error { return b.from.Close() }

// failure returns why the caller's body could not be read, if it could not.
func (b *requestBody) failure() error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// unread reports whether more of the body may come. Then the connection must be closed behind
// the answer: net/http may take the rest of a body that it has not waited for as the next
// request.
func (b *requestBody) unread() bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.done
}

// keep appends to the beginning of a body that is kept: somewhat more than is asked for,
// so that a secret at its end is found.
func (c *call) keep(kept, more []byte) []byte {
	if c.x.Keep <= 0 {
		return nil
	}
	return append(kept, more[:min(len(more), max(0, c.x.Keep+c.longest-len(kept)))]...)
}

// An answerBody is the body of an answer.
type answerBody struct {
	io.ReadCloser
	c      *call
	n      int64
	kept   []byte
	failed error
}

func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.c.clock.enter(answering)
	b.n += int64(n)
	b.kept = b.c.keep(b.kept, p[:n])
	switch {
	case errors.Is(err, io.EOF):
		b.c.ignoreRest()
	case err != nil:
		b.failed = err
	}
	return n, err
}

// unread is how long a caller may go on sending the body of a call that is answered.
const unread = time.Second

// ignoreRest ends a body that the backend has answered without waiting for it.
func (c *call) ignoreRest() {
	if c.body.unread() {
		_ = http.NewResponseController(c.w).SetReadDeadline(time.Now().Add(unread))
	}
}
