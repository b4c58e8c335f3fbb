package platform

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopex/prism-go/internal/calls"
	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/sign"
)

// A call that went through the gateway can be made again, as it was or changed, with the
// same key and a signature of now. It goes the way of any other call; that it is a repeated
// one only the context of its request says, which nobody outside can set.

type replayKey struct{}

// A replay is of which call, and by whom.
type replay struct{ of, by string }

func replayIn(ctx context.Context) *replay {
	r, _ := ctx.Value(replayKey{}).(*replay)
	return r
}

// markReplay notes in the record of a repeated call which one it repeats.
func markReplay(r *http.Request, rec *calls.Record) {
	if of := replayIn(r.Context()); of != nil {
		rec.Replays, rec.ReplayBy = of.of, of.by
	}
}

const (
	replayTime  = 25 * time.Second // for the answer
	replayBytes = 256 << 10        // of what is changed
)

// callsReplay makes a call again, with what is given in place of what it had.
func (p *Platform) callsReplay(ctx context.Context, c *call) (any, error) {
	own := c.params()
	id, err := required(own, "id", idBytes)
	if err != nil {
		return nil, err
	}
	r := p.calls.last.Find(c.app.Exchange(), id)
	if r == nil {
		return nil, unknownCall()
	}
	again, err := newRepeated(r, own)
	if err != nil {
		return nil, err
	}
	if err := p.replayable(again.target); err != nil {
		return nil, err
	}
	h, err := p.lookUp(ctx, r.Key)
	switch {
	case err != nil:
		return nil, err
	case h.app.Exchange() != c.app.Exchange():
		return nil, unknownKey()
	case h.key.Secret == "" || h.over(p.cfg.Now()):
		return nil, badRequest(code.InvalidParameter, "the key "+r.Key+" has expired, has no secret or is of a disabled app, so nothing can be signed with it")
	}
	// Whoever repeats the call is nobody in it: the key is.
	ctx = context.WithValue(context.WithValue(ctx, personKey{}, (*Person)(nil)), replayKey{}, &replay{of: r.ID, by: c.key.ID})
	ctx, cancel := context.WithTimeout(ctx, replayTime)
	defer cancel()
	req, err := again.signed(ctx, c.caller, &h.key.Key, p.cfg.Now())
	if err != nil {
		return nil, err
	}
	if err := p.replayable(req.RequestURI); err != nil { // it is this that is served
		return nil, err
	}
	answer := &unread{header: make(http.Header)}
	p.serveAgain(answer, req)
	return map[string]any{"id": answer.header.Get("X-Request-Id"), "status": answer.status, "replays": r.ID}, nil
}

// serveAgain is ServeHTTP for an answer that may be cut, which its record tells.
func (p *Platform) serveAgain(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if v := recover(); v != nil && v != http.ErrAbortHandler {
			panic(v)
		}
	}()
	p.ServeHTTP(w, r)
}

// An unread answer is forgotten, but for its header: the record of the call has the rest.
type unread struct {
	header http.Header
	status int
}

func (a *unread) Header() http.Header { return a.header }

func (a *unread) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
}

func (a *unread) Write(text []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return len(text), nil
}

// replayable returns an error unless a target, a path with its query, is that of a service.
// The platform's own calls are not repeated so: their channels have no end, and an admin key
// may do more than who repeats its call.
func (p *Platform) replayable(target string) error {
	u, err := url.ParseRequestURI(target)
	if err != nil || !strings.HasPrefix(target, "/") || strings.Contains(target, "#") {
		return badRequest(code.InvalidParameter, "target must be a path with its query, such as /api/goods/list?page=2; a # in it is written %23")
	}
	probe := &call{}
	p.locate(probe, u.Path)
	if _, own := p.find(probe); own || probe.api == "" || probe.oauth != "" {
		return badRequest(code.InvalidParameter, "only calls to services are repeated: this one is for the platform itself, for which prismctl has commands")
	}
	return nil
}

func unknownCall() *failure {
	return &failure{status: http.StatusNotFound, code: code.UnknownCall,
		message: "this process has no call with this ID any more, or never had: it keeps the last ones; platform/calls/list names them"}
}

// A repeated call is what is sent, before it is signed.
type repeated struct {
	method, target string
	header         http.Header
	body           []byte
}

// newRepeated returns a call as it was, with what own has in place of it. What was masked
// has to be given anew.
func newRepeated(r *calls.Record, own url.Values) (again repeated, err error) {
	again = repeated{r.Caller.Method, r.Caller.URL, r.Caller.Header.Clone(), r.Caller.Body}
	given := func(name string, limit int, into *string) {
		if err == nil && own.Has(name) {
			*into, err = optional(own, name, limit)
		}
	}
	var header, body, binary string
	given("method", 32, &again.method)
	given("target", replayBytes, &again.target)
	given("header", replayBytes, &header)
	given("body", replayBytes, &body)
	given("body_base64", replayBytes, &binary)
	if err != nil {
		return again, err
	}
	if own.Has("header") {
		if again.header, err = parseHeader(header); err != nil {
			return again, err
		}
	}
	switch {
	case own.Has("body"):
		again.body = []byte(body)
	case own.Has("body_base64"):
		if again.body, err = base64.StdEncoding.DecodeString(binary); err != nil {
			return again, badRequest(code.InvalidParameter, "body_base64 is no base64")
		}
	case r.Cut:
		return again, badRequest(code.InvalidParameter, "only the beginning of the body of this call was kept: give the body")
	}
	if left := again.masked(masked(r)); len(left) > 0 {
		return again, badRequest(code.InvalidParameter, "these are masked, as they are secret: "+strings.Join(left, ", ")+"; give them anew, or leave them out")
	}
	return again, nil
}

// masked returns which of what was masked has the mask still.
func (a *repeated) masked(names []string) (left []string) {
	path, query, _ := strings.Cut(a.target, "?")
	for _, name := range names {
		part, of, _ := strings.Cut(name, " ")
		text := path + withoutProof(query)
		switch part {
		case "header":
			text = strings.Join(a.header[of], " ")
		case "form", "body":
			text = withoutProof(string(a.body))
		}
		if strings.Contains(text, calls.Masked) || strings.Contains(text, url.QueryEscape(calls.Masked)) || part == "body" && string(a.body) == calls.Compressed {
			left = append(left, name)
		}
	}
	return left
}

func parseHeader(text string) (h http.Header, err error) {
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return nil, badRequest(code.InvalidParameter, `header must be a JSON object of arrays, such as {"Accept":["text/html"]}`)
	}
	canonical := make(http.Header, len(h))
	for name, values := range h {
		for _, value := range values {
			if !isToken(name) || !isLine(value) {
				return nil, badRequest(code.InvalidParameter, fmt.Sprintf("the header %q has characters that no header may have", shorten(name, 48)))
			}
			canonical.Add(name, value)
		}
	}
	return canonical, nil
}

func isToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(c rune) bool {
		return c <= ' ' || c >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, c)
	})
}

// isProof reports whether a parameter proves who calls.
func isProof(name string) bool {
	return slices.Contains([]string{"client_id", "client_secret", "sign", "sign_method", "sign_time"}, name)
}

// withoutProof returns a query or a form, as it is written, without what proves who calls.
func withoutProof(form string) string {
	pairs := slices.DeleteFunc(strings.Split(form, "&"), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		return pair == "" || err == nil && isProof(plain)
	})
	return strings.Join(pairs, "&")
}

// onTheWay are headers that were about the connection and the way of the call.
var onTheWay = []string{"Connection", "Proxy-Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length", "Accept-Encoding", "Expect",
	"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Real-Ip", "Via", "X-Request-Id", "Traceparent", "Tracestate"}

// signed returns the request, signed with a key, as from whoever repeats the call.
func (a *repeated) signed(ctx context.Context, from caller, key *Key, now time.Time) (*http.Request, error) {
	path, query, _ := strings.Cut(a.target, "?")
	proof := url.Values{"client_id": {key.ID}, "sign_method": {"md5"}, "sign_time": {strconv.FormatInt(now.Unix(), 10)}}
	query = strings.TrimPrefix(withoutProof(query)+"&"+proof.Encode(), "&")
	req, err := http.NewRequestWithContext(ctx, a.method, "http://"+from.host+path+"?"+query, bytes.NewReader(a.body))
	if err != nil {
		return nil, badRequest(code.InvalidParameter, "there can be no such request: "+shorten(err.Error(), 256))
	}
	for name, values := range a.header {
		if !slices.Contains(onTheWay, name) {
			req.Header[name] = values
		}
	}
	signed := sign.Request{Method: req.Method, Path: req.URL.Path, RawPath: wirePath(req.URL), Header: req.Header}
	signed.Query, _ = parseParams(query, maxReplayed) // a query that cannot be read is refused as that
	if isForm(req) {
		form := withoutProof(string(a.body))
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(form)), int64(len(form))
		signed.Form, _ = parseParams(form, maxReplayed)
	}
	if req.ContentLength == 0 {
		req.Body = http.NoBody
	}
	req.URL.RawQuery += "&sign=" + sign.Sign(key.Secret, signed)
	req.RequestURI, req.RemoteAddr = req.URL.RequestURI(), from.remote
	return req, nil
}

// maxReplayed bounds the parameters that are signed.
const maxReplayed = 10_000
