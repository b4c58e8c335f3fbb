// Package calls remembers calls through a gateway: the last ones with both of their sides,
// and how many there were of each kind.
package calls

import (
	"net/http"
	"time"
)

// A Record is one call through the gateway. Headers, queries and bodies are as they were
// sent; what is secret in them is taken out when a record is shown.
type Record struct {
	ID             string // of the request
	At             time.Time
	Domain         string
	App, Key, User string
	Service, API   string // prefix and method ID; empty if none was found
	Status         int
	Code           string // of the refusal; empty for the answer of a backend
	Phase          string // in which a call to the backend failed
	Caller         Side
	Backend        Side // zero if the call was not sent
	Took           time.Duration
	Dial, TLS      time.Duration
	Wait           time.Duration // from the end of the request to the header of the backend's answer
	Sent, Received int64         // bytes of the bodies, from and to the caller
	RemoteAddr     string
	UserAgent      string

	// SecretNames are parameters that are secret beside those whose names say it, such as
	// the one that carries the signature to the backend, and Secrets are values that are
	// secret wherever they stand, such as config values of the service.
	SecretNames []string
	Secrets     []string

	// AnyAPI says that the service lists no APIs, so that API is a path that the caller
	// chose.
	AnyAPI bool
}

// A Side is a request with its answer. The bodies are the first bytes of them.
type Side struct {
	Method, URL  string
	Header       http.Header
	Body         []byte
	Status       int
	AnswerHeader http.Header
	AnswerBody   []byte
}
