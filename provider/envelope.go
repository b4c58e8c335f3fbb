package provider

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

type rpcAnswer struct {
	Version string `json:"jsonrpc"`
	Result  any    `json:"result"`
	ID      string `json:"id"`
}

type rpcFailure struct {
	Version string  `json:"jsonrpc"`
	Error   failure `json:"error"`
	ID      string  `json:"id"`
}

type resultAnswer struct {
	Error  *failure `json:"error"`
	Result any      `json:"result"`
}

type rspAnswer struct {
	Rsp     string `json:"rsp"`
	Res     string `json:"res"`
	Message string `json:"err_msg,omitzero"`
	Data    any    `json:"data"`
}

type failure struct {
	Code    any    `json:"code"` // a string or a json.Number
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

// success returns a result in its envelope.
func (p *Provider) success(id string, result any) any {
	switch p.cfg.Envelope {
	case Result:
		return resultAnswer{Result: result}
	case Rsp:
		return rspAnswer{Rsp: "succ", Data: result}
	case Plain:
		return result
	}
	return rpcAnswer{"2.0", result, id}
}

// failed returns an error in its envelope.
func (p *Provider) failed(id string, e Error) any {
	f := failure{p.code(e.Code), e.Message, e.Data}
	switch p.cfg.Envelope {
	case Result:
		return resultAnswer{Error: &f}
	case Rsp:
		return rspAnswer{"fail", rspCode(e.Code), e.Message, e.Data}
	case Plain:
		return struct {
			Error failure `json:"error"`
		}{f}
	}
	return rpcFailure{"2.0", f, id}
}

func (p *Provider) code(code string) any {
	if n, err := strconv.ParseInt(code, 10, 64); err == nil && !p.cfg.StringCodes && strconv.FormatInt(n, 10) == code {
		return json.Number(code)
	}
	return code
}

// rspCode returns the code that providers with this envelope have for one of JSON-RPC.
func rspCode(code string) string {
	switch code {
	case MethodNotFound:
		return "4001"
	case InvalidRequest:
		return "4003"
	case ServerError, InvalidParams, InternalError, ParseError:
		return "4007"
	}
	return code
}

// writeResult answers with a result. A result that cannot be JSON is an internal error.
func (p *Provider) writeResult(w http.ResponseWriter, r *http.Request, result any) {
	text, err := json.Marshal(p.success(CallFrom(r.Context()).RequestID, result))
	if err != nil {
		p.fail(w, r, err)
		return
	}
	write(w, http.StatusOK, text)
}

// fail answers with an error, and logs one that the caller does not learn.
func (p *Provider) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := shown(err).filled()
	if e.Code == InternalError {
		p.log(r, "provider: a function failed", "error", err.Error())
	}
	p.writeError(w, r, e)
}

func (p *Provider) writeError(w http.ResponseWriter, r *http.Request, e Error) {
	id := CallFrom(r.Context()).RequestID
	text, err := json.Marshal(p.failed(id, e))
	if err != nil {
		p.log(r, "provider: the data of an error cannot be JSON", "error", err.Error())
		e.Data = nil
		text, _ = json.Marshal(p.failed(id, e))
	}
	status := e.Status
	if p.cfg.AlwaysOK && p.cfg.Envelope != Plain {
		status = http.StatusOK
	}
	write(w, status, text)
}

func write(w http.ResponseWriter, status int, text []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	w.Write(text)
}

// log writes a record about a call; its path is that of the request, without parameters.
func (p *Provider) log(r *http.Request, message string, more ...any) {
	c := CallFrom(r.Context())
	p.cfg.Logger.Warn(message, append([]any{
		"request_id", c.RequestID, "method", r.Method, "path", printable(r.URL.Path), "function", c.Function, "peer", r.RemoteAddr,
	}, more...)...)
}

func printable(s string) string {
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + "…"
	}
	return s
}
