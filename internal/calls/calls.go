// Package calls remembers calls through a gateway: the last ones with both of their sides,
// and how many there were of each kind. Of calls that were refused before the gateway it
// remembers the last ones, too.
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

	Message   string     // of the refusal
	Unproved  bool       // the caller has not proved that it has the key, as it may not
	Diagnosis *Diagnosis // of a wrong signature, if it was looked at; not changed any more
	Cut       bool       // the body of the caller's request is not here, or only its beginning
	Replays   string     // the ID of the call that this one repeats
	ReplayBy  string     // who has repeated it

	// Number counts the records of a Log, which sets it. Masked names what is masked in
	// the caller's request, such as "query token" or "header Cookie"; Find sets it.
	Number uint64
	Masked []string

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

// A Diagnosis says why a signature is wrong, as package sign does.
type Diagnosis struct {
	Causes []string
	Text   string
}
