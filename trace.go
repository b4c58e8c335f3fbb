package prism

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"
)

// Trace is a set of functions that a [Client] calls at the stages of a call, as
// [net/http/httptrace] has them for a request. Any of them may be nil. Config.Trace
// sets it.
//
// They are called synchronously, by the goroutine that called the client, and a call
// goes on when they return. Those of different calls run at the same time. They
// must not panic. A context that one of them returns must be derived from the one it
// got. Nothing that they are given shows the secret, a signature or a token.
type Trace struct {
	// CallStart is called when a call was checked and is about to begin. The
	// context that it returns is used for all of the call.
	CallStart func(ctx context.Context, info CallStartInfo) context.Context

	// CallDone is called when the call is about to return, with the context of
	// CallStart.
	CallDone func(ctx context.Context, info CallDoneInfo)

	// TryStart is called before each try, and before each handshake of
	// [Client.Upgrade], which is no call. The wait for Config.Limiter is over by
	// then. The context that it returns is that of the request, so a
	// RoundTripper finds it.
	TryStart func(ctx context.Context, info TryStartInfo) context.Context

	// TryDone is called when the try has ended: its answer was read, or there is
	// none. It gets the context of TryStart.
	TryDone func(ctx context.Context, info TryDoneInfo)

	// Repeat is called after a TryDone when another try will be made after a wait.
	// It gets the context of CallStart. The one more try after a refused time is
	// made at once, and is none of these.
	Repeat func(ctx context.Context, info RepeatInfo)
}

// CallStartInfo is what Trace.CallStart gets.
type CallStartInfo struct {
	// Server is that of the Config, Method that of the call. Path is that of the
	// call, without a slash in front and without a query.
	Server, Method, Path string
}

// CallDoneInfo is what Trace.CallDone gets.
type CallDoneInfo struct {
	Status    int    // of HTTP, of the last answer; 0 if there was none
	RequestID string // of the platform; it may be empty
	Err       error  // or nil; as Do returns it
}

// TryStartInfo is what Trace.TryStart gets.
type TryStartInfo struct {
	CallStartInfo

	// Number counts the tries of a call from 1, all that are sent.
	Number int

	// Upgrade means that it is a handshake.
	Upgrade bool

	// Header is empty. What is set in it is sent with this try. A name that
	// the call has already, and what Call.Header would refuse, is left out. X-Api-*
	// headers are signed.
	Header http.Header
}

// TryDoneInfo is what Trace.TryDone gets.
type TryDoneInfo struct {
	Number    int
	Status    int    // of HTTP; 0 if there was no answer
	Proto     string // such as HTTP/1.1; empty if there was no answer
	RequestID string // of the platform; it may be empty
	Err       error  // or nil
}

// RepeatInfo is what Trace.Repeat gets.
type RepeatInfo struct {
	Number int           // of the try that failed
	Wait   time.Duration // before the next
	Err    error
}

// do makes the tries of r, and calls the functions around all of them.
func (c *Client) do(ctx context.Context, r *request) (*Response, error) {
	t := c.cfg.Trace
	if t == nil {
		return c.repeat(ctx, r)
	}
	if t.CallStart != nil {
		ctx = t.CallStart(ctx, c.startInfo(r))
	}
	res, err := c.repeat(ctx, r)
	if t.CallDone != nil {
		info := CallDoneInfo{Err: err}
		if res != nil {
			info.Status, info.RequestID = res.Status, res.mask.secrets().clean(res.RequestID)
		}
		t.CallDone(ctx, info)
	}
	return res, err
}

func (c *Client) startInfo(r *request) CallStartInfo {
	hidden := mask{client: c, call: r}
	return CallStartInfo{Server: c.cfg.Server, Method: r.method, Path: hidden.secrets().clean(r.name)}
}

// startTry calls TryStart, and returns the context and the request of the try.
func (c *Client) startTry(ctx context.Context, r *request, number int) (context.Context, *request) {
	t := c.cfg.Trace
	if t == nil || t.TryStart == nil {
		return ctx, r
	}
	header := make(http.Header)
	ctx = t.TryStart(ctx, TryStartInfo{c.startInfo(r), number, r.upgrade, header})
	if len(header) == 0 {
		return ctx, r
	}
	traced := *r
	traced.header = r.headerWith(header)
	return ctx, &traced
}

// headerWith returns the header of r and what may be added to it of more.
func (r *request) headerWith(more http.Header) http.Header {
	h := maps.Clone(r.header)
	for name, values := range more {
		name = http.CanonicalHeaderKey(name)
		if _, has := h[name]; has || r.checkHeader(name) != nil {
			continue
		}
		for _, v := range values {
			if v, ok := headerValue(v); ok {
				h[name] = append(h[name], v)
			}
		}
	}
	return h
}

func (c *Client) endTry(ctx context.Context, o *outcome, number int) {
	t := c.cfg.Trace
	if t == nil || t.TryDone == nil {
		return
	}
	info := TryDoneInfo{Number: number, Proto: o.proto, Err: o.err}
	if o.response != nil {
		info.Status, info.RequestID = o.response.Status, o.mask.secrets().clean(o.response.RequestID)
	}
	t.TryDone(ctx, info)
}

func (c *Client) traceRepeat(ctx context.Context, o *outcome, number int, wait time.Duration) {
	if t := c.cfg.Trace; t != nil && t.Repeat != nil {
		t.Repeat(ctx, RepeatInfo{number, wait, o.err})
	}
}

// discreet returns ctx with the functions of its httptrace.ClientTrace, if there is one,
// but that over HTTP/2 they are not told the query, which may have the signature, and
// never the token.
func discreet(ctx context.Context) context.Context {
	told := httptrace.ContextClientTrace(ctx)
	if told == nil || told.WroteHeaderField == nil {
		return ctx
	}
	masked := *told
	masked.WroteHeaderField = func(name string, values []string) {
		switch {
		case name == ":path" && len(values) == 1:
			path, _, _ := strings.Cut(values[0], "?")
			values = []string{path}
		case strings.EqualFold(name, "Authorization"):
			values = []string{"***"}
		}
		told.WroteHeaderField(name, values)
	}
	return httptrace.WithClientTrace(untraced{ctx}, &masked)
}

// untraced is a context without its httptrace.ClientTrace.
type untraced struct{ context.Context }

func (c untraced) Value(key any) any {
	v := c.Context.Value(key)
	if _, is := v.(*httptrace.ClientTrace); is {
		return nil
	}
	return v
}
