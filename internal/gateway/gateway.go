// Package gateway finds the backend of a call by the descriptions of services, and sends
// the call there: rewritten, with what the platform adds, signed.
//
// It decides nothing about callers: the platform has verified them, and permits the
// target that [Table.Find] returns or not.
package gateway

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/shopex/prism-go/apijson"
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

// A Service is a service with its APIs prepared for Find and Forward. It does not change.
type Service struct {
	ID, Prefix string
	Online     bool
	File       *apijson.Service
}

// Compile prepares a service. The error says what of it no call could be sent by, such as
// an address that is no URL.
func Compile(file *apijson.Service, b Backend) (*Service, error) { return nil, errors.ErrUnsupported }

// A Table has the services of one domain. It does not change.
type Table struct{}

// NewTable returns a table of these services. If two have the same prefix, the one that is
// first counts.
func NewTable(services []*Service) *Table { return &Table{} }

// A Request is the part of a call by which its API is found.
type Request struct {
	Method      string
	Path        string // below the base path, escaped as it was sent, without the slash before it
	Sandbox     bool   // below the sandbox base
	Query, Form url.Values
}

// A Target is what a call is for.
type Target struct {
	Service *Service
	API     *apijson.API // nil if the service lists no APIs
	ID      string       // the method ID; without an API the path below the prefix
	// Further fields, for Forward, are of this package.
}

// Find returns the API that a call is for. The error is a [*Refusal].
func (t *Table) Find(r Request) (*Target, error) { return nil, errors.ErrUnsupported }

// Missing returns the name of a parameter that the API requires and the call does not
// have, or "". Parameters in bodies that are not forms are not looked for.
func (t *Target) Missing(query, form url.Values) string { return "" }

// A Refusal is why a call cannot be sent, or has not been answered by its backend. It
// shows nothing of the backend's address.
type Refusal struct {
	Status     int
	Code       string // of internal/code
	Message    string
	RetryAfter time.Duration
	Allow      []string // the methods of the API, for status 405
	Phase      string   // of a call that failed on its way: dial, tls, send, wait or answer
	Cause      error    // for the log
}

func (r *Refusal) Error() string { return r.Message }

// A Config is how calls are sent. The zero Config is ready to use.
type Config struct {
	Private, Loopback bool          // addresses of services that are not Trusted may be such
	Timeout           time.Duration // to the header of the answer, where the API has none; the default is 10 s
	IdleTimeout       time.Duration // for which a body may stand still; the default is 60 s
	Breaker           int           // after how many failures in a row a backend gets no calls for 10 s; 0 is never
	Now               func() time.Time
	Logger            *slog.Logger
}

// A Forwarder sends calls to backends. Its methods may be called from any number of
// goroutines.
type Forwarder struct{}

// New returns a Forwarder.
func New(cfg Config) *Forwarder { return &Forwarder{} }

// Close closes the connections to backends that no call is using.
func (f *Forwarder) Close() {}

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
	// The first bytes of bodies and the header of the answer are kept only if Keep is set
	// before Forward.
	Keep             int // bytes
	Body, AnswerBody []byte
	AnswerHeader     http.Header
}

// Forward sends a call to the backend of its target and writes the answer to w. query and
// form are the parameters of the call without the reserved ones; form is nil if the body is
// no form, and r.Body is sent then. If Forward returns a [*Refusal], it has written nothing.
// When the answer has begun and cannot be completed, Forward panics with
// http.ErrAbortHandler, as net/http's handlers do; x is complete then, too.
func (f *Forwarder) Forward(w http.ResponseWriter, r *http.Request, t *Target, c Caller, query, form url.Values, x *Exchange) error {
	return errors.ErrUnsupported
}
