// Package activity is what happens inside a platform, as it happens: short records for
// those who watch, and nothing while nobody does.
package activity

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/shopex/prism-go/internal/topic"
)

// Events that a record is about.
const (
	Begin   = "begin" // from now on the watcher gets what happens
	Call    = "call"
	Connect = "connect"
	Close   = "close" // of a connection
	Publish = "publish"
	Deliver = "deliver"
	Ack     = "ack"
	Fail    = "fail"
	Park    = "park"
	Unpark  = "unpark"
	Discard = "discard" // of what is parked
	Read    = "read"    // by a call, which takes it out
	Push    = "push"
	Missed  = "missed" // so many records the watcher has not got
)

// A Record is something that happened. What is zero is left out of its JSON. It has no
// body, parameter, signature, token or secret.
type Record struct {
	Domain string `json:"-"` // whose it is; "" if nobody's

	Event    string    `json:"event"`
	Time     time.Time `json:"time"`
	ClientID string    `json:"client_id,omitempty"` // the key that did it, or that it was done for
	App      string    `json:"app,omitempty"`
	Failed   bool      `json:"failed,omitempty"` // it was refused, or did not succeed
	Code     string    `json:"code,omitempty"`   // of the refusal
	Reason   string    `json:"reason,omitempty"`

	RemoteAddr string  `json:"remote_addr,omitempty"` // of the peer
	RequestID  string  `json:"request_id,omitempty"`
	Conn       uint64  `json:"conn,omitempty"`        // the number of the connection
	ConsumerID string  `json:"consumer_id,omitempty"` // by which its peer finds an old one
	UserAgent  string  `json:"user_agent,omitempty"`
	Method     string  `json:"method,omitempty"`
	Path       string  `json:"path,omitempty"`
	API        string  `json:"api,omitempty"`
	Gateway    bool    `json:"gateway,omitempty"` // a call to a service
	Kept       bool    `json:"kept,omitempty"`    // platform/calls/show has it, for a while
	Status     int     `json:"status,omitempty"`  // of an answer; of a close, its code
	TookMS     float64 `json:"took_ms,omitempty"`

	RoutingKey string `json:"routing_key,omitempty"`
	Topic      string `json:"topic,omitempty"`
	ID         string `json:"id,omitempty"` // of the message
	Publisher  string `json:"publisher,omitempty"`
	Bytes      int    `json:"bytes,omitempty"` // of the body
	Queues     int    `json:"queues,omitempty"`
	Tag        uint64 `json:"tag,omitempty"`
	Attempt    int    `json:"attempt,omitempty"`
	Stray      bool   `json:"stray,omitempty"` // an acknowledgement of nothing

	Missed int64 `json:"missed,omitempty"`
}

// Attrs returns what a log says of a record about a message.
func (r *Record) Attrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("key", r.ClientID)}
	text := func(name, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(name, value))
		}
	}
	number := func(name string, value int) {
		if value != 0 {
			attrs = append(attrs, slog.Int(name, value))
		}
	}
	text("remote", r.RemoteAddr)
	number("conn", int(r.Conn))
	text("consumer_id", r.ConsumerID)
	text("routing_key", r.RoutingKey)
	text("topic", r.Topic)
	text("id", r.ID)
	text("publisher", r.Publisher)
	number("bytes", r.Bytes)
	if r.Event == Publish {
		attrs = append(attrs, slog.Int("queues", r.Queues))
	}
	number("tag", int(r.Tag))
	number("attempt", r.Attempt)
	number("status", r.Status)
	text("code", r.Code)
	text("reason", r.Reason)
	if r.Stray {
		attrs = append(attrs, slog.Bool("stray", true))
	}
	return attrs
}

// A Filter says which records are meant: those that agree with each field that is not
// zero.
type Filter struct {
	Domain     string
	ClientID   string
	RoutingKey string // a pattern, as of a binding
	API        string // of a call, or the words before a slash in it
	Failed     bool
}

func (f *Filter) takes(r *Record) bool {
	switch {
	case f.Domain != "" && f.Domain != r.Domain,
		f.ClientID != "" && f.ClientID != r.ClientID,
		f.Failed && !r.Failed,
		f.API != "" && !f.isAPI(r.API):
		return false
	}
	return f.RoutingKey == "" || r.RoutingKey != "" && topic.MatchAny([]string{f.RoutingKey}, r.RoutingKey)
}

func (f *Filter) isAPI(api string) bool {
	rest, ok := strings.CutPrefix(api, f.API)
	return ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(f.API, "/"))
}

// HasFailed reports whether an answer refuses a call, or tells of a failure.
func HasFailed(status int, code string) bool { return status >= http.StatusBadRequest || code != "" }
