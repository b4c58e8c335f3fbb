// Package exit has the exit statuses of prismctl, and finds the one of an
// error.
package exit

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
)

// The exit statuses, which scripts rely on.
const (
	Done        = 0
	Refused     = 1 // by the platform, and whatever has no status of its own
	Usage       = 2
	Unreachable = 3
	Timeout     = 4
	Interrupted = 130
)

// An Error is an error with an exit status.
type Error struct {
	status int
	err    error
}

// With gives err an exit status.
func With(status int, err error) error { return &Error{status, err} }

// Error is the text of the error that With was given.
func (e *Error) Error() string { return e.err.Error() }

// Unwrap returns the error that With was given.
func (e *Error) Unwrap() error { return e.err }

// Usagef returns an error of wrong use.
func Usagef(format string, args ...any) error {
	return With(Usage, fmt.Errorf(format, args...))
}

// Of returns the exit status for err.
func Of(err error) int {
	if err == nil {
		return Done
	}
	var exit *Error
	var param *prism.ParamError
	var size *notify.SizeError
	var failure *prism.Error
	switch {
	case errors.As(err, &exit):
		return exit.status
	case errors.As(err, &param), errors.As(err, &size):
		return Usage
	case errors.As(err, &failure):
		return Refused
	case errors.Is(err, context.DeadlineExceeded):
		return Timeout
	case errors.Is(err, context.Canceled):
		return Interrupted
	}
	return Refused
}
