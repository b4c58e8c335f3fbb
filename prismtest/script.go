package prismtest

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"github.com/shopex/prism-go/platform"
)

// A script answers calls instead of the platform.
type script struct {
	otherwise func(platform.Call) http.Handler // the user's Override, or nil

	mu     sync.Mutex // guards what follows
	once   map[string][]http.HandlerFunc
	always map[string]http.HandlerFunc
}

func newScript(otherwise func(platform.Call) http.Handler) *script {
	return &script{otherwise: otherwise, once: make(map[string][]http.HandlerFunc), always: make(map[string]http.HandlerFunc)}
}

// next returns the handler for this call, or nil for the platform itself.
func (s *script) next(c platform.Call) http.Handler {
	if h := s.pop(c.API); h != nil {
		return h
	}
	if s.otherwise != nil {
		return s.otherwise(c)
	}
	return nil
}

func (s *script) pop(api string) http.HandlerFunc {
	s.mu.Lock()
	defer s.mu.Unlock()
	if queue := s.once[api]; len(queue) > 0 {
		s.once[api] = queue[1:]
		return queue[0]
	}
	return s.always[api]
}

// Handle lets h answer all further calls of an API, such as "systrade" or
// "platform/notify/status", with or without a slash in front, whether the
// platform has that API or not. With nil the platform itself answers again.
//
// Calls whose signature is refused do not reach h. h gets a call as a backend behind the
// gateway does: without the system parameters, and with X-Request-Id, X-Caller-Ip and
// X-Api-Arg in its header. [Answer] and [Fail] make handlers for the usual answers.
func (s *Server) Handle(api string, h http.HandlerFunc) {
	s.scripted.mu.Lock()
	defer s.scripted.mu.Unlock()
	if h == nil {
		delete(s.scripted.always, apiName(api))
		return
	}
	s.scripted.always[apiName(api)] = h
}

// HandleOnce lets each of answers answer one call of an API, in this order and
// before a handler of [Server.Handle]. For a nil one the platform answers. The answers of
// a later HandleOnce come after those that are left.
func (s *Server) HandleOnce(api string, answers ...http.HandlerFunc) {
	s.scripted.mu.Lock()
	defer s.scripted.mu.Unlock()
	s.scripted.once[apiName(api)] = append(s.scripted.once[apiName(api)], answers...)
}

func apiName(api string) string { return strings.Trim(api, "/") }

// Answer returns a handler that succeeds with result, in the platform's
// envelope: {"result": ..., "error": null}.
func Answer(result any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		body, err := json.Marshal(map[string]any{"result": result, "error": nil})
		if err != nil {
			writeFailure(w, http.StatusInternalServerError, "internal_error", "prismtest: the scripted result has no JSON: "+err.Error())
			return
		}
		write(w, http.StatusOK, body)
	}
}

// Fail returns a handler that fails with an HTTP status, in the platform's
// envelope: {"result": null, "error": {"code": ..., "message": ...}}.
func Fail(status int, code, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { writeFailure(w, status, code, message) }
}

func writeFailure(w http.ResponseWriter, status int, code, message string) {
	body, _ := json.Marshal(map[string]any{"result": nil, "error": map[string]string{"code": code, "message": message}})
	write(w, status, body)
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	w.Write(body) // an error means that the caller has gone
}
