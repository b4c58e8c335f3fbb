package platform

import (
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/shopex/prism-go/internal/calls"
)

// A keptBody is the body of a request, of which it keeps the beginning.
type keptBody struct {
	io.ReadCloser

	mu    sync.Mutex // an answer may come before the body: then it is still read
	first []byte
	keep  int
	read  int64
	ended bool
}

// keepBody makes the body of r keep its first bytes.
func keepBody(r *http.Request, keep int) *keptBody {
	b := &keptBody{ReadCloser: r.Body, keep: keep}
	r.Body = b
	return b
}

func (b *keptBody) Read(to []byte) (int, error) {
	n, err := b.ReadCloser.Read(to)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.read += int64(n)
	b.ended = b.ended || err == io.EOF
	if left := b.keep - len(b.first); left > 0 {
		b.first = append(b.first, to[:min(n, left)]...)
	}
	return n, err
}

// unread reports whether more of the body may come.
func (b *keptBody) unread() bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.ended
}

// soFar returns the beginning of what was read, and how much that was.
func (b *keptBody) soFar() (first []byte, read int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.first, b.read
}

// record returns what is remembered of an answered call.
func (g *passage) record(r *http.Request, c *call, status int, code string, took time.Duration) *calls.Record {
	x := &g.exchange
	rec := &calls.Record{
		ID: c.id, At: c.began, Domain: c.app.Exchange(), App: c.key.App, Key: c.key.ID, User: c.user.ID,
		Service: g.service, API: g.api, Status: status, Code: code, Phase: g.phase,
		Caller:     calls.Side{Method: r.Method, URL: r.URL.RequestURI(), Header: r.Header, Status: status},
		Took:       took,
		Dial:       x.Dial,
		TLS:        x.TLS,
		Wait:       x.Wait,
		Sent:       c.inFlight,
		Received:   x.Received,
		RemoteAddr: c.caller.remote,
		UserAgent:  shorten(r.UserAgent(), loggedBytes),
		AnyAPI:     g.anyAPI,
		Message:    c.said,

		SecretNames: g.secrets.names,
		Secrets:     g.secrets.values,
	}
	rec.Caller.Body, rec.Caller.AnswerHeader, rec.Caller.AnswerBody = c.formed, x.AnswerHeader, x.AnswerBody
	if g.body != nil {
		rec.Caller.Body, rec.Sent = g.body.soFar()
	}
	rec.Cut = rec.Sent > int64(len(rec.Caller.Body)) || g.body.unread() && rec.Sent != r.ContentLength || g.body == nil && c.form == nil && !c.noBody
	markReplay(r, rec)
	if x.URL != "" {
		rec.Backend = calls.Side{
			Method: x.Method, URL: x.URL, Header: x.Header, Body: x.Body,
			Status: x.Status, AnswerHeader: x.AnswerHeader, AnswerBody: x.AnswerBody,
		}
	}
	return rec
}

// logAttrs returns what the log says of a call through the gateway.
func (g *passage) logAttrs() []slog.Attr {
	attrs := []slog.Attr{
		slog.String("service", shorten(g.service, loggedBytes)),
		slog.String("api", shorten(g.api, loggedBytes)),
	}
	if g.callerID != "" {
		attrs = append(attrs, slog.String("caller_request_id", g.callerID))
	}
	if g.phase != "" {
		attrs = append(attrs, slog.String("phase", g.phase))
	}
	if g.cause != nil {
		attrs = append(attrs, slog.String("reason", shorten(g.cause.Error(), loggedBytes)))
	}
	return attrs
}
