package prism

import (
	"encoding/json"
	"strings"

	"github.com/shopex/prism-go/internal/escape"
	"github.com/shopex/prism-go/internal/wire"
)

// A verdict is what an envelope says about a call. Its slices are parts of
// the body.
type verdict struct {
	failed        bool
	own           bool   // it is Prism's own, not that of a system behind it
	value         []byte // the result; the whole body if there is no envelope
	code, message string
	data          []byte
	exception     []byte
	id            string // of the request
}

// open recognises the envelope of body. The package comment holds the rules.
func open(body []byte) verdict {
	m, ok := parseMembers(body)
	switch {
	case !ok:
		return verdict{value: body}
	case m.isRPC():
		return m.rpcVerdict()
	case m.isMatrix():
		return m.matrixVerdict(body)
	case m.isPlatform():
		return m.platformVerdict()
	}
	return verdict{value: body}
}

func (m *members) isRPC() bool {
	return isString(m.jsonrpc) && (m.result != nil || m.err != nil)
}

func (m *members) rpcVerdict() verdict {
	v := verdict{value: m.result, failed: !saysNothing(m.err)}
	if isString(m.id) {
		v.id = text(m.id)
	}
	if v.failed {
		v.readError(m)
	}
	return v
}

func (m *members) isMatrix() bool {
	rsp := string(m.rsp)
	return (rsp == `"succ"` || rsp == `"fail"`) && (m.res != nil || m.data != nil || m.errMsg != nil || m.msgID != nil)
}

func (m *members) matrixVerdict(body []byte) verdict {
	if string(m.rsp) == `"fail"` {
		return verdict{failed: true, code: text(m.res), message: text(m.errMsg), data: m.data}
	}
	if m.data == nil {
		return verdict{value: body}
	}
	return verdict{value: m.data}
}

func (m *members) isPlatform() bool {
	failed := !saysNothing(m.err)
	switch {
	case m.err == nil:
		return false
	case m.result == nil:
		return failed && !m.foreign && m.data == nil && (isString(m.err) || isObject(m.err))
	case failed && isNothing(m.result):
		return true
	}
	return !m.foreign
}

func (m *members) platformVerdict() verdict {
	v := verdict{value: m.result, failed: !saysNothing(m.err), own: m.result != nil && isObject(m.err)}
	if v.failed {
		v.readError(m)
	}
	return v
}

// readError takes code and message from the member error, which is an object,
// a code or a sentence, or else from its neighbours.
func (v *verdict) readError(m *members) {
	v.data, v.exception = m.data, m.exception
	if inner, ok := parseMembers(m.err); ok {
		v.code, v.message = text(inner.code), text(inner.firstMessage())
		if inner.data != nil {
			v.data = inner.data
		}
		if inner.exception != nil {
			v.exception = inner.exception
		}
		return
	}
	said := text(m.err)
	v.message = text(m.firstMessage())
	switch {
	case isWord(said):
		v.code = said
	case v.message == "":
		v.message = said
	default:
		v.message = said + ": " + v.message
	}
}

// guessJSON reads the error of an HTTP status from an object that is not an
// envelope.
func guessJSON(body []byte) (v verdict, ok bool) {
	m, ok := parseMembers(body)
	if !ok {
		return v, false
	}
	if !saysNothing(m.err) {
		v.readError(&m)
	}
	if v.code == "" {
		v.code = text(m.code)
	}
	if v.message == "" {
		v.message = text(m.firstMessage())
	}
	return v, true
}

// members are those of a JSON object that say something about a call, as raw
// JSON; nil if there is none.
type members struct {
	result, err, data, exception, code, id []byte // platform
	message, description                   []byte
	jsonrpc                                []byte
	rsp, res, errMsg, msgID                []byte // matrix
	foreign                                bool   // it has one that is not the platform's
}

func (m *members) set(name, value []byte) {
	switch string(name) {
	case "result":
		m.result = value
	case "error":
		m.err = value
	case "data":
		m.data = value
	case "exception":
		m.exception = value
	case "code":
		m.code = value
	case "id", "request_id":
		m.id = value
	case "message", "msg":
		m.message = value
	case "error_description":
		m.description = value
	case "error_uri":
	default:
		m.foreign = true
		m.setOther(string(name), value)
	}
}

func (m *members) setOther(name string, value []byte) {
	switch name {
	case "jsonrpc":
		m.jsonrpc = value
	case "rsp":
		m.rsp = value
	case "res":
		m.res = value
	case "err_msg":
		m.errMsg = value
	case "msg_id":
		m.msgID = value
	}
}

func (m *members) firstMessage() []byte {
	for _, said := range [][]byte{m.description, m.message, m.errMsg} {
		if !isNothing(said) {
			return said
		}
	}
	return nil
}

// isNothing reports whether the member is missing, or has one of the values with
// which servers say that there is no error.
func isNothing(raw []byte) bool {
	switch string(raw) {
	case "", "null", "false", `""`, "0", `"0"`, "[]", "{}":
		return true
	}
	return false
}

// saysNothing reports whether the member error stands for success: it is
// nothing, or an object all of whose members are.
func saysNothing(err []byte) bool {
	if isNothing(err) {
		return true
	}
	m, ok := parseMembers(err)
	return ok && !m.foreign && m.result == nil &&
		isNothing(m.code) && m.firstMessage() == nil && isNothing(m.data) && isNothing(m.exception) && isNothing(m.err)
}

func isString(raw []byte) bool { return len(raw) > 0 && raw[0] == '"' }

func isObject(raw []byte) bool { return len(raw) > 0 && raw[0] == '{' }

// isWord reports whether s looks like a code and not like a sentence.
func isWord(s string) bool {
	return s != "" && len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool {
		return r >= 0x80 || !escape.Alphanumeric(byte(r)) && !strings.ContainsRune("_.:-", r)
	}) < 0
}

// text returns the content of a JSON string, nothing for null, and all else as
// it is.
func text(raw []byte) string {
	var s string
	switch {
	case string(raw) == "null":
		return ""
	case isString(raw) && json.Unmarshal(raw, &s) == nil:
		return s
	}
	return string(raw)
}

// parseMembers splits a JSON object into its members. ok is false if body is no
// object.
func parseMembers(body []byte) (m members, ok bool) {
	ok = wire.Members(body, m.set)
	return m, ok
}
