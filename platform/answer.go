package platform

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopex/prism-go/internal/code"
)

// statusCanceled is the status in the log for a caller that did not wait for the
// answer, as in other servers.
const statusCanceled = 499

// An answer is a ResponseWriter that remembers how the call ended.
type answer struct {
	http.ResponseWriter
	status int
	code   string
}

func (a *answer) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap lets [http.ResponseController] reach what the server offers.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// The platform's envelope.
type envelope struct {
	Result any       `json:"result"`
	Error  *errorDoc `json:"error"`
}

// A stored is the result of a call that has stored a message. Its other members stand
// beside the result, which is true for published SDKs.
type stored struct {
	envelope
	ID     string `json:"id"`
	Queues int    `json:"queues"`
}

type errorDoc struct {
	Code      string         `json:"code"`
	PrismCode string         `json:"prism_code,omitempty"`
	Message   string         `json:"message"`
	Data      map[string]any `json:"data,omitempty"`
}

const contentJSON = "application/json; charset=utf-8"

// messageTexts are messages as JSON, megabytes of them.
type messageTexts []json.RawMessage

func (t messageTexts) size() (n int) {
	for _, text := range t {
		n += len(text)
	}
	return n
}

func (a *answer) succeed(result any) error {
	switch result := result.(type) {
	case stored:
		return a.send(http.StatusOK, result)
	case messageTexts:
		a.sendMessages(result)
		return nil
	}
	return a.send(http.StatusOK, envelope{Result: result})
}

// sendMessages writes one text after another: joined, all would be held twice until the
// caller has read them.
func (a *answer) sendMessages(texts messageTexts) {
	const begin, end = `{"result":[`, `],"error":null}` + "\n"
	a.Header().Set("Content-Type", contentJSON)
	a.Header().Set("Content-Length", strconv.Itoa(len(begin)+texts.size()+max(0, len(texts)-1)+len(end)))
	a.WriteHeader(http.StatusOK)
	a.Write([]byte(begin)) // an error means that the caller has gone, here and below
	for i, text := range texts {
		if i > 0 {
			a.Write([]byte{','})
		}
		if _, err := a.Write(text); err != nil {
			return
		}
	}
	a.Write([]byte(end))
}

func (a *answer) send(status int, doc any) error {
	body, err := encode(doc)
	if err != nil {
		return err
	}
	a.Header().Set("Content-Type", contentJSON)
	a.WriteHeader(status)
	a.Write(append(body, '\n')) // an error means that the caller has gone
	return nil
}

// encode returns the JSON of doc with its bytes as they are, where JSON permits it.
func encode(doc any) ([]byte, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	err := enc.Encode(doc)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
}

// A failure is an error that the answer shows to the caller.
type failure struct {
	status     int
	code       string
	message    string
	data       map[string]any
	header     http.Header   // of the answer, beside what each has
	retryAfter time.Duration // rounded up to a second
}

func (f *failure) Error() string { return "platform: " + f.code + ": " + f.message }

func badRequest(code, message string) *failure {
	return &failure{status: http.StatusBadRequest, code: code, message: message}
}

func unauthorized(code, message string) *failure {
	return &failure{status: http.StatusUnauthorized, code: code, message: message}
}

// unavailable reveals nothing about the cause.
func unavailable() *failure {
	return &failure{
		status: http.StatusServiceUnavailable, code: code.Unavailable, retryAfter: time.Second,
		message: "the platform cannot reach its store at the moment; try again later",
	}
}

func internalFailure(c *call) *failure {
	return &failure{
		status:  http.StatusInternalServerError,
		code:    code.InternalError,
		message: "the platform failed to serve this call; its operator finds the cause under request id " + c.id,
	}
}

// refuse answers with the envelope of an error. An error that no caller can act on
// is logged and becomes a 500 that reveals nothing about the cause.
func (p *Platform) refuse(w *answer, r *http.Request, c *call, err error) {
	f := p.failureOf(r, c, err)
	if p.ofBrowser(r, c) && f.status != statusCanceled {
		if err := p.showRefusal(w, r, c, f); err != nil {
			p.cfg.Logger.Error("page failed", slog.Any("error", err), slog.String("request_id", c.id))
		}
		return
	}
	f.setHeader(w.Header())
	w.code, c.said = f.code, cmp.Or(c.said, f.message)
	status, doc := p.errorOf(r, c, f)
	if err := w.send(status, doc); err != nil {
		p.cfg.Logger.Error("answer failed", slog.Any("error", err), slog.String("request_id", c.id))
	}
}

// failureOf returns the failure that the answer shows for err.
func (p *Platform) failureOf(r *http.Request, c *call, err error) *failure {
	f := asFailure(err)
	switch {
	case f != nil:
		return f
	case r.Context().Err() != nil:
		return &failure{status: statusCanceled, code: code.Canceled, message: "the caller has gone"}
	case errors.Is(err, ErrUnavailable):
		c.cause = err
		return unavailable()
	}
	p.cfg.Logger.Error("the platform failed", slog.Any("error", err), slog.String("request_id", c.id))
	return internalFailure(c)
}

// errorOf returns the status and the body of the answer that refuses c.
func (p *Platform) errorOf(r *http.Request, c *call, f *failure) (status int, doc any) {
	if c.oauth == "token" {
		return f.status, flatError{Code: f.code, Description: f.message, Data: f.data}
	}
	in := f.inWords
	if p.codesFor(r, c) == PrismCodes {
		in = f.inOriginal
	}
	status, e := in()
	return status, envelope{Error: e}
}

func (f *failure) setHeader(h http.Header) {
	maps.Copy(h, f.header)
	if f.retryAfter > 0 {
		seconds := (f.retryAfter + time.Second - 1) / time.Second
		h.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
}

// asFailure returns the failure in err, and translates errors of engines. It
// returns nil for an error of the platform itself.
func asFailure(err error) *failure {
	var f *failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, ErrQueueFull):
		return &failure{
			status: http.StatusTooManyRequests, code: code.QueueFull, retryAfter: time.Second,
			message: engineWords(err) + "; nothing was stored: consume or purge the queue, then try again",
		}
	case errors.Is(err, ErrUnknownTopic):
		return &failure{
			status: http.StatusNotFound, code: code.UnknownTopic,
			message: engineWords(err) + "; platform/notify/queue/create makes a topic, platform/notify/queue/list names them",
		}
	case errors.Is(err, ErrUnknownBinding):
		return &failure{
			status: http.StatusNotFound, code: code.UnknownBinding,
			message: engineWords(err) + "; platform/notify/routing/list names what it is bound to",
		}
	case errors.Is(err, ErrUnknownMessage):
		return &failure{
			status: http.StatusNotFound, code: code.UnknownMessage,
			message: engineWords(err) + ", an ID that this platform never gave; without one platform/notify/peek begins at the head of the queue",
		}
	case errors.Is(err, ErrFanOut):
		return &failure{status: http.StatusForbidden, code: code.TooManyQueues, message: engineWords(err)}
	case errors.Is(err, ErrTooManyTopics):
		return &failure{
			status: http.StatusForbidden, code: code.TooManyTopics,
			message: engineWords(err) + "; drop a topic with platform/notify/queue/drop",
		}
	case errors.Is(err, ErrTooManyBindings):
		return &failure{
			status: http.StatusForbidden, code: code.TooManyBindings,
			message: engineWords(err) + "; platform/notify/routing/unset takes one away",
		}
	}
	return nil
}

// engineWords returns the text of an error that matches one of the engine's
// sentinels. Such texts are written for callers.
func engineWords(err error) string { return strings.TrimPrefix(err.Error(), "platform: ") }

// shorten cuts s to at most n bytes, between characters.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	const mark = "..."
	n -= len(mark)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + mark
}
