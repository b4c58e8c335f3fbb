package oauth

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/internal/printable"
)

var (
	// ErrLoginRequired is matched when the platform refuses a code or a
	// refresh token: only a new login helps. errors.As finds the
	// [*prism.Error] that the platform answered with.
	ErrLoginRequired = errors.New("oauth: the user has to log in")

	// ErrSessionEnded is matched when the platform says that a user's session
	// has ended: the user logged out, perhaps in another application, or was
	// idle for too long.
	ErrSessionEnded = errors.New("oauth: the session on the platform has ended")
)

// Reason is a code that says why a login failed or a session was lost. The
// codes are stable: they stand in logs and in the "error" of JSON answers.
type Reason string

const (
	// ReasonStateMissing: the callback has no state, so it is not known
	// whether this site began the login.
	ReasonStateMissing Reason = "state_missing"
	// ReasonStateInvalid: the state of the callback is unknown, was used
	// already, has expired, or belongs to another browser.
	ReasonStateInvalid Reason = "state_invalid"
	// ReasonAccessDenied: the callback has an error of the platform instead
	// of a code.
	ReasonAccessDenied Reason = "access_denied"
	// ReasonCodeMissing: the callback has neither a code nor an error.
	ReasonCodeMissing Reason = "code_missing"
	// ReasonCodeRefused: the platform refused the code.
	ReasonCodeRefused Reason = "code_refused"
	// ReasonPlatformFailed: the platform could not be reached, or gave no
	// usable answer.
	ReasonPlatformFailed Reason = "platform_failed"
	// ReasonLoginLooped: several logins of a browser succeeded in a row, and
	// each time its next request had no session. A browser that accepts no
	// cookies does that.
	ReasonLoginLooped Reason = "login_looped"
	// ReasonCallbackMisrouted: the callback reached [Login.Require] under
	// another path than that of Config.CallbackURL.
	ReasonCallbackMisrouted Reason = "callback_misrouted"
	// ReasonSessionEnded: the session has ended on the platform, or its token
	// cannot be refreshed any more. The user has to log in again.
	ReasonSessionEnded Reason = "session_ended"
	// ReasonStoreFailed: the session store failed.
	ReasonStoreFailed Reason = "store_failed"
)

// LoginError is a login that failed, or a session that was lost. errors.As
// finds it. It shows no token, code or state.
type LoginError struct {
	Reason Reason
	Err    error // the cause, such as a *prism.Error; may be nil
}

func (e *LoginError) Error() string {
	if e.Err == nil {
		return "oauth: login: " + string(e.Reason)
	}
	return printable.Text(fmt.Sprintf("oauth: login: %s: %s", e.Reason, strings.TrimPrefix(e.Err.Error(), "oauth: ")))
}

// Unwrap returns the cause.
func (e *LoginError) Unwrap() error { return e.Err }

// Status returns the HTTP status to answer with.
func (e *LoginError) Status() int { return e.Reason.status() }

func (r Reason) status() int {
	switch r {
	case ReasonAccessDenied:
		return http.StatusForbidden
	case ReasonPlatformFailed:
		return http.StatusServiceUnavailable
	case ReasonStoreFailed, ReasonCallbackMisrouted:
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest // the browser is to blame
}

// refused reports whether the platform has answered that a code, a refresh token
// or a session is invalid. Any other error does not say so: there was no answer,
// or a failing server, a refusal of the application itself or a proxy answered.
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
	return !code.AboutCaller(e.Code)
}
