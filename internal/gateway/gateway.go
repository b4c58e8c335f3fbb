// Package gateway finds the backend of a call by the descriptions of services, and sends
// the call there: rewritten, with what the platform adds, signed.
//
// It decides nothing about callers: the platform has verified them, and permits the
// target that [Table.Find] returns or not.
package gateway

import (
	"net/http"
	"net/url"
	"time"
)

// A Backend is what the operator of a platform has set for a service, beside its api.json.
type Backend struct {
	ID      string // of the service, as in permissions
	URL     string // replaces the one of the api.json; none if empty
	Sandbox string // likewise
	Config  map[string]string
	Nodes   map[string]map[string]string // by node_id: they replace values of Config, and "@url" replaces the URL
	Online  bool
	Trusted bool // its addresses may be in private networks and on this machine
}

// A Request is the part of a call by which its API is found.
type Request struct {
	Method      string
	Path        string     // below the base path, escaped as it was sent, without the slash before it
	Sandbox     bool       // below the sandbox base
	Query, Form url.Values // without the reserved parameters; Form is that of PeekMultipart, too
}

// A Refusal is why a call cannot be sent, or has not been answered by its backend. It
// shows nothing of the backend's address.
type Refusal struct {
	Status     int
	Code       string // of internal/code
	Message    string
	RetryAfter time.Duration
	Allow      []string // the methods of the API, for status 405
	Phase      string   // of a call that failed on its way: dial, tls, send, wait or answer
	Paused     bool     // the backend gets no calls for a while
	Cause      error    // for the log
}

func (r *Refusal) Error() string { return r.Message }

// A Config is how calls are sent. The zero Config is ready to use.
type Config struct {
	Private, Loopback bool          // addresses of services that are not Trusted may be such
	Timeout           time.Duration // to the header of the answer, where the API has none; the default is 10 s
	IdleTimeout       time.Duration // for which a body may stand still; the default is 60 s
	FormBytes         int           // of the fields of a multipart form that are signed; the default is 1 MiB
	Breaker           int           // after how many failures in a row a backend gets no calls for 10 s; 0 is never
	Now               func() time.Time
}

// A Caller is who makes a call, as the backend learns it.
type Caller struct {
	RequestID string // X-Request-Id
	IP        string // X-Caller-Ip
	Key, App  string // X-Api-Arg
	User      string // X-Api-Oauth, encoded; none if empty
}

// An Exchange is what happened between platform and backend.
type Exchange struct {
	Method, URL string      // of the backend, with the query as it was sent
	Header      http.Header // as sent
	Status      int         // 0 without an answer
	Sent        int64       // bytes of the body
	Received    int64
	Dial, TLS   time.Duration // 0 on a connection that was there
	Wait        time.Duration // from the end of the request to the header of the answer
	Took        time.Duration
	Cut         error // why the answer ended before it was complete
	// The first bytes of bodies and the header of the answer are kept only if Keep is set
	// before Forward.
	Keep             int // bytes
	Body, AnswerBody []byte
	AnswerHeader     http.Header
}
