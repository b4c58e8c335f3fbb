package prism

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/shopex/prism-go/internal/code"
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
	// about, such as a topic or an app. Error.Code says which.
	ErrNotFound = errors.New("prism: not found")

	// ErrRateLimited: too many calls; the call was not processed.
	ErrRateLimited = errors.New("prism: rate limited")
)

// Error is the answer of the platform, or of an API behind it, to a call that
// failed. Get it by errors.As. No field holds the secret, a signature or a
// token: where the answer repeats one, it reads ***.
type Error struct {
	// Method and Path are those of the call; Path is without a query.
	Method, Path string

	// Code names the failure for programs. JSON-RPC numbers are written in
	// decimal. It is empty if the answer has none.
	Code string

	// Message says what went wrong, for people. It may be empty.
	Message string

	// Status is the HTTP status; it may be 200.
	Status int

	// RequestID names the request to the operators of the platform.
	RequestID string

	// Data and Exception are added by some APIs: any JSON, and what the server
	// says about an exception. The method Error does not show them.
	Data      json.RawMessage
	Exception string

	inEnvelope bool   // Prism's own
	advice     string // in place of that of the code
}

// longestText bounds what Error shows of a message, in bytes.
const longestText = 2000

// Error returns the call, code, message, HTTP status and request id in one line.
// Characters that a terminal would not show are escaped.
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
// else that of e's status, or else that of another code: unknown_key with status
// 404 is about a key that the call asks for.
func (e *Error) Is(target error) bool {
	meaning, numbered := code.Numbered(e.Code)
	if !numbered {
		meaning = meaningOfStatus(e.Status)
	}
	if !numbered && meaning == code.Unclear {
		meaning, _ = code.Named(e.Code)
	}
	return target != nil && target == sentinels[meaning]
}

// Final reports whether Prism itself, in its own envelope and by a code, refused
// the key, the signature or what was asked for, so that the same call will be
// refused again. A mere status, a page of a proxy, and a refused time are not
// final, since a proxy or a clock can be repaired.
func (e *Error) Final() bool {
	meaning, numbered := code.Numbered(e.Code)
	if !numbered {
		meaning, _ = code.Named(e.Code)
	}
	return e.inEnvelope && meaning != code.Unclear && meaning != code.RateLimited && !code.IsSignTime(e.Code)
}

func meaningOfStatus(status int) code.Meaning {
	switch status {
	case http.StatusUnauthorized:
		return code.Unauthorized
	case http.StatusForbidden:
		return code.Forbidden
	case http.StatusNotFound:
		return code.NotFound
	case http.StatusTooManyRequests:
		return code.RateLimited
	}
	return code.Unclear
}

var sentinels = map[code.Meaning]error{
	code.Unauthorized: ErrUnauthorized, code.Forbidden: ErrForbidden, code.NotFound: ErrNotFound, code.RateLimited: ErrRateLimited,
}

// advices say what to check first, for codes that do not name the mistake.
var advices = map[string]string{
	code.UnknownKey:              adviceKey,
	code.NumberedUnknownKey:      adviceKey,
	code.InvalidSign:             adviceSecret,
	code.NumberedInvalidSign:     adviceSecret,
	code.SignTimeExpired:         adviceClock,
	code.NumberedSignTimeExpired: adviceClock,
}

const (
	adviceKey    = "check that Config.Key belongs to this server"
	adviceSecret = "check that Config.Secret belongs to this key"
	adviceClock  = "check the clock of this machine"
)

// BodyTooLargeError means that an answer was longer than Config.MaxBody. The
// call may have been processed.
type BodyTooLargeError struct {
	// Limit is the bound, in bytes.
	Limit int64
}

func (e *BodyTooLargeError) Error() string {
	return fmt.Sprintf("prism: the answer is longer than %d bytes: raise Config.MaxBody, or ask for less", e.Limit)
}

// ParamError means that a parameter cannot be sent.
type ParamError struct {
	Name string // of the parameter
	Err  error  // what is wrong with it
}

func (e *ParamError) Error() string { return fmt.Sprintf("prism: parameter %q: %v", e.Name, e.Err) }

// Unwrap returns what is wrong.
func (e *ParamError) Unwrap() error { return e.Err }

// reason unwraps the errors of net/http and net/url: their text shows the URL, and
// with it the signature.
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
