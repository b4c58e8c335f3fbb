package oauth

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/printable"
)

var (
	// ErrLoginRequired is matched when the platform refuses a code or a
	// refresh token: nothing but a new login helps. errors.As finds the
	// [*prism.Error] beside it.
	ErrLoginRequired = errors.New("oauth: the user has to log in")

	// ErrSessionEnded is matched when the platform says that a user's session
	// has ended: the user signed out, perhaps in another application, or was
	// away for too long.
	ErrSessionEnded = errors.New("oauth: the session on the platform has ended")
)

// Reason names why a login failed, for programs: the texts do not change.
type Reason string

const (
	// ReasonNoState: the browser came back without a state, so nothing tells
	// whether it was sent by this site.
	ReasonNoState Reason = "no state"
	// ReasonWrongState: the state is not known, was used already, is too old,
	// or is that of another browser.
	ReasonWrongState Reason = "wrong state"
	// ReasonDenied: the platform sent the browser back with an error.
	ReasonDenied Reason = "denied"
	// ReasonNoCode: the browser came back with neither a code nor an error.
	ReasonNoCode Reason = "no code"
	// ReasonCodeRefused: the platform refused the code.
	ReasonCodeRefused Reason = "code refused"
	// ReasonNoAnswer: the platform could not be reached, or its answer was of no
	// use.
	ReasonNoAnswer Reason = "no answer"
	// ReasonLoop: the browser was logged in several times in a row and came
	// back without a session each time, as it does when it takes no cookies.
	ReasonLoop Reason = "loop"
	// ReasonMisrouted: the browser came back to this site, but its request
	// reached Require under another path than that of Config.CallbackURL.
	ReasonMisrouted Reason = "misrouted"
	// ReasonSessionEnded: a session has ended on the platform, or its token
	// could not be refreshed any more. The user is asked to log in again.
	ReasonSessionEnded Reason = "session ended"
	// ReasonStoreFailed: the session store failed.
	ReasonStoreFailed Reason = "store failed"
)

// LoginError is a login that failed, or a session that could not be kept. Get
// it by errors.As. It shows no token, code or state.
type LoginError struct {
	Reason Reason
	Err    error // the cause, for instance a *prism.Error; may be nil
}

func (e *LoginError) Error() string {
	if e.Err == nil {
		return "oauth: login: " + string(e.Reason)
	}
	return printable.Text(fmt.Sprintf("oauth: login: %s: %v", e.Reason, e.Err))
}

// Unwrap returns the cause.
func (e *LoginError) Unwrap() error { return e.Err }

// Status returns the HTTP status that suits the answer.
func (e *LoginError) Status() int { return e.Reason.status() }

func (r Reason) status() int {
	switch r {
	case ReasonDenied:
		return http.StatusForbidden
	case ReasonNoAnswer:
		return http.StatusServiceUnavailable
	case ReasonStoreFailed, ReasonMisrouted:
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest // all others are the browser's
}

// refused reports whether the platform has answered that a code, a refresh token
// or a session is no good. All else leaves that open: no answer, a server in
// trouble, a refusal of the caller instead, a proxy in between.
func refused(err error) bool {
	var e *prism.Error
	if !errors.As(err, &e) {
		return false
	}
	switch status := e.Status; {
	case status >= 500, status >= 300 && status < 400, status == http.StatusRequestTimeout, status == http.StatusTooManyRequests:
		return false
	case e.Code == "": // a sentence of the platform, or the page of a proxy
		return e.Message != "" && (status == http.StatusOK || status == http.StatusBadRequest)
	}
	return !aboutCaller[e.Code] && !strings.HasPrefix(e.Code, "-32") // JSON-RPC's own
}

// aboutCaller are the codes that speak of the application, its call or the
// platform, and not of a user.
var aboutCaller = map[string]bool{
	"0040000": true, "0040005": true, "0040301": true, "0040302": true, "0040303": true, "0040304": true, "0040305": true, "0040306": true,
	"0040307": true, "0040308": true, "0040309": true, "0040311": true, "0040400": true, "0040401": true, "0050400": true,
	"unknown_key": true, "invalid_key": true, "missing_client_id": true, "invalid_client": true, "unauthorized_client": true,
	"invalid_secret": true, "secret_over_http": true, "unauthorized": true,
	"missing_sign": true, "invalid_sign": true, "missing_sign_time": true, "invalid_sign_time": true, "sign_time_expired": true,
	"forbidden": true, "access_denied": true, "permission_denied": true,
	"not_found": true, "unknown_api": true, "method_not_allowed": true,
	"invalid_body": true, "invalid_form": true, "invalid_query": true, "duplicate_parameter": true,
	"request_timeout": true, "request_too_large": true, "rate_limited": true, "too_many_requests": true,
	"internal_error": true, "server_error": true, "temporarily_unavailable": true,
}
