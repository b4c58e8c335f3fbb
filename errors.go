package prism

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/shopex/prism-go/internal/printable"
)

// Sentinels which errors.Is finds in an [Error], by its HTTP status or by a
// code of the platform.
var (
	// ErrUnauthorized: the key, the signature, its time or the user's token
	// was refused. Another try will not help.
	ErrUnauthorized = errors.New("prism: unauthorized")

	// ErrForbidden: the key is known and may not do this.
	ErrForbidden = errors.New("prism: forbidden")

	// ErrNotFound: the platform knows no such API, or not what the call is
	// about, such as a topic or an app. Error.Code tells which.
	ErrNotFound = errors.New("prism: not found")

	// ErrRateLimited: too many calls; the call was not processed.
	ErrRateLimited = errors.New("prism: rate limited")
)

// Error is what the platform, or an API behind it, says about a call that
// failed. Get it by errors.As. No field holds the secret, a signature or a
// token: where the answer repeats one, it reads ***.
type Error struct {
	// Method and Path are those of the call; Path is without a query.
	Method, Path string

	// Code names the failure for programs. JSON-RPC numbers are written in
	// decimal. It is empty if the answer has none.
	Code string

	// Message tells people what went wrong. It may be empty.
	Message string

	// Status is the HTTP status; it may be 200.
	Status int

	// RequestID names the request to the operators of the platform.
	RequestID string

	// Data and Exception are what some APIs add: any JSON, and the server's
	// account of an exception. Error does not show them.
	Data      json.RawMessage
	Exception string

	inEnvelope bool   // Prism's own
	advice     string // in place of that of the code
}

// longestText bounds what Error shows of a message, in bytes.
const longestText = 2000

// Error gives the call, code, message, HTTP status and request id in one line. What
// a terminal would not show is escaped.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "prism: %s %s: ", e.Method, e.Path)
	switch {
	case e.Code != "" && e.Message != "" && e.Code != e.Message:
		b.WriteString(printable.Text(e.Code + ": " + shorten(e.Message)))
	case e.Code != "" || e.Message != "":
		b.WriteString(printable.Text(shorten(e.Message + strings.TrimPrefix(e.Code, e.Message))))
	default:
		b.WriteString(cmp.Or(strings.ToLower(http.StatusText(e.Status)), "a status that HTTP does not define, probably a gateway's"))
	}
	fmt.Fprintf(&b, " (HTTP %d", e.Status)
	if e.RequestID != "" {
		b.WriteString(", request " + printable.Text(e.RequestID))
	}
	b.WriteString(")")
	if advice := cmp.Or(e.advice, advices[e.Code]); advice != "" && e.Is(ErrUnauthorized) {
		b.WriteString("; " + advice)
	}
	return b.String()
}

// Is reports whether target is the sentinel of one of Prism's numbered codes, or
// else that of e's status, or else that of another code: a key that is unknown
// with 404 is one asked for.
func (e *Error) Is(target error) bool {
	sentinel, numbered := numberedCodes[e.Code]
	if !numbered {
		sentinel = sentinelOfStatus(e.Status)
	}
	if !numbered && sentinel == nil {
		sentinel = sentinels[e.Code]
	}
	return target != nil && target == sentinel
}

// Final reports whether Prism itself has said, in its own envelope and by a code,
// that it refuses the key, the signature or what was asked for: the same call
// will be refused again. A mere status, a page of a proxy, and a refused time are
// not final, since a server on the way or a clock can be put right.
func (e *Error) Final() bool {
	sentinel := numberedCodes[e.Code]
	if sentinel == nil {
		sentinel = sentinels[e.Code]
	}
	return e.inEnvelope && sentinel != nil && sentinel != ErrRateLimited && !isTimeCode(e.Code)
}

func sentinelOfStatus(status int) error {
	switch status {
	case http.StatusUnauthorized:
		return ErrUnauthorized
	case http.StatusForbidden:
		return ErrForbidden
	case http.StatusNotFound:
		return ErrNotFound
	case http.StatusTooManyRequests:
		return ErrRateLimited
	}
	return nil
}

const (
	codeSignTime         = "sign_time_expired"
	numberedCodeSignTime = "0040308"
)

func isTimeCode(code string) bool { return code == codeSignTime || code == numberedCodeSignTime }

// numberedCodes are those of the original gateway, whose statuses say something
// else at times: 404 for an unknown key, 403 for a rate limit.
var numberedCodes = map[string]error{
	"0040005":            nil,             // a parameter is missing
	"0040301":            ErrUnauthorized, // signature
	"0040302":            ErrUnauthorized, // key
	"0040303":            ErrUnauthorized, // key expired
	"0040304":            ErrUnauthorized, // secret
	"0040305":            ErrUnauthorized, // key without an app
	"0040306":            ErrForbidden,    // app disabled
	"0040307":            ErrUnauthorized, // sign_time is no time
	numberedCodeSignTime: ErrUnauthorized,
	"0040309":            ErrForbidden,    // the app may not call this API
	"0040310":            ErrUnauthorized, // access token
	"0040311":            ErrRateLimited,
	"0040312":            ErrUnauthorized, // name and password of a user
	"0040400":            ErrNotFound,     // no such API
	"0040401":            ErrNotFound,     // no such method
}

// sentinels holds the platform's codes, which may come with HTTP 200.
var sentinels = map[string]error{
	"unknown_key":       ErrUnauthorized,
	"invalid_key":       ErrUnauthorized,
	"invalid_client":    ErrUnauthorized,
	"invalid_secret":    ErrUnauthorized,
	"invalid_sign":      ErrUnauthorized,
	"invalid_token":     ErrUnauthorized,
	"token_expired":     ErrUnauthorized,
	"unauthorized":      ErrUnauthorized,
	"key_expired":       ErrUnauthorized,
	"secret_changed":    ErrUnauthorized,
	"missing_client_id": ErrUnauthorized,
	"missing_sign":      ErrUnauthorized,
	"missing_sign_time": ErrUnauthorized,
	codeSignTime:        ErrUnauthorized,
	"forbidden":         ErrForbidden,
	"access_denied":     ErrForbidden,
	"permission_denied": ErrForbidden,
	"secret_over_http":  ErrForbidden,
	"not_found":         ErrNotFound,
	"unknown_api":       ErrNotFound,
	"-32601":            ErrNotFound, // JSON-RPC: method not found
	"rate_limited":      ErrRateLimited,
	"too_many_requests": ErrRateLimited,
}

// advices says what to look at first, for codes that name the platform's view
// and not the user's mistake.
var advices = map[string]string{
	"unknown_key":  "check that Config.Key belongs to this server",
	"0040302":      "check that Config.Key belongs to this server",
	"invalid_sign": "check that Config.Secret belongs to this key",
	"0040301":      "check that Config.Secret belongs to this key",
	codeSignTime:   "check the clock of this machine",

	numberedCodeSignTime: "check the clock of this machine",
}

// BodyTooLargeError tells that an answer was longer than Config.MaxBody. The
// call may have been processed.
type BodyTooLargeError struct {
	// Limit is the bound, in bytes.
	Limit int64
}

func (e *BodyTooLargeError) Error() string {
	return fmt.Sprintf("prism: the answer is longer than %d bytes: raise Config.MaxBody, or ask for less", e.Limit)
}

// ParamError tells that a parameter cannot be sent.
type ParamError struct {
	Name string // of the parameter
	Err  error  // what is wrong with it
}

func (e *ParamError) Error() string { return fmt.Sprintf("prism: parameter %q: %v", e.Name, e.Err) }

// Unwrap returns what is wrong.
func (e *ParamError) Unwrap() error { return e.Err }

// reason takes the wrapper off that net/http and net/url put around errors:
// its text holds the URL, and the URL the signature.
func reason(err error) error {
	for {
		var outer *url.Error
		if !errors.As(err, &outer) {
			return err
		}
		err = outer.Err
	}
}

func shorten(s string) string {
	if len(s) <= longestText {
		return s
	}
	return strings.ToValidUTF8(s[:longestText], "") + "..."
}
