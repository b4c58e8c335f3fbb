package activity

import (
	"encoding/json"
	"strconv"
	"time"
)

// appendLine appends a record as a line of JSON, without what is zero. It is written by
// hand, as a line is made while a call or a message waits.
func (r *Record) appendLine(dst []byte) []byte {
	dst = append(dst, `{"event":"`...)
	dst = append(dst, r.Event...)
	dst = append(dst, `","time":"`...)
	dst = r.Time.AppendFormat(dst, time.RFC3339Nano)
	dst = append(dst, '"')
	dst = appendText(dst, "client_id", r.ClientID)
	dst = appendText(dst, "app", r.App)
	dst = appendTrue(dst, "failed", r.Failed)
	dst = appendText(dst, "code", r.Code)
	dst = appendText(dst, "reason", r.Reason)
	dst = appendText(dst, "remote_addr", r.RemoteAddr)
	dst = appendText(dst, "request_id", r.RequestID)
	dst = appendNumber(dst, "conn", r.Conn)
	dst = appendText(dst, "consumer_id", r.ConsumerID)
	dst = appendText(dst, "user_agent", r.UserAgent)
	dst = appendText(dst, "method", r.Method)
	dst = appendText(dst, "path", r.Path)
	dst = appendText(dst, "api", r.API)
	dst = appendTrue(dst, "gateway", r.Gateway)
	dst = appendTrue(dst, "kept", r.Kept)
	dst = appendNumber(dst, "status", uint64(r.Status))
	if r.TookMS != 0 {
		dst = append(dst, `,"took_ms":`...)
		dst = strconv.AppendFloat(dst, r.TookMS, 'f', -1, 64)
	}
	dst = appendText(dst, "routing_key", r.RoutingKey)
	dst = appendText(dst, "topic", r.Topic)
	dst = appendText(dst, "id", r.ID)
	dst = appendText(dst, "publisher", r.Publisher)
	dst = appendNumber(dst, "bytes", uint64(r.Bytes))
	dst = appendNumber(dst, "queues", uint64(r.Queues))
	dst = appendNumber(dst, "tag", r.Tag)
	dst = appendNumber(dst, "attempt", uint64(r.Attempt))
	dst = appendTrue(dst, "stray", r.Stray)
	dst = appendNumber(dst, "missed", uint64(r.Missed))
	return append(dst, "}\n"...)
}

func appendName(dst []byte, name string) []byte {
	dst = append(dst, `,"`...)
	dst = append(dst, name...)
	return append(dst, `":`...)
}

func appendText(dst []byte, name, text string) []byte {
	if text == "" {
		return dst
	}
	dst = appendName(dst, name)
	if isPlain(text) {
		dst = append(dst, '"')
		dst = append(dst, text...)
		return append(dst, '"')
	}
	quoted, _ := json.Marshal(text) // of a string it cannot fail
	return append(dst, quoted...)
}

// isPlain reports whether JSON has a text as it is.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func appendNumber(dst []byte, name string, n uint64) []byte {
	if n == 0 {
		return dst
	}
	return strconv.AppendUint(appendName(dst, name), n, 10)
}

func appendTrue(dst []byte, name string, is bool) []byte {
	if !is {
		return dst
	}
	return append(appendName(dst, name), "true"...)
}
