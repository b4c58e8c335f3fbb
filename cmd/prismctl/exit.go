package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/notify"
)

// The exit statuses, which scripts rely on.
const (
	exitDone        = 0
	exitRefused     = 1 // by the platform, and whatever has no status of its own
	exitUsage       = 2
	exitUnreachable = 3
	exitTimeout     = 4
	exitInterrupted = 130
)

// An exitError is an error with an exit status.
type exitError struct {
	status int
	err    error
}

func (e *exitError) Error() string { return e.err.Error() }

func (e *exitError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

func unreachable(url string, err error) error {
	return &exitError{exitUnreachable, fmt.Errorf("cannot reach the platform at %s: %s\nIs it running? Check PRISM_URL (or --url)", url, plain(err))}
}

// statusOf returns the exit status for err.
func statusOf(err error) int {
	var exit *exitError
	var param *prism.ParamError
	var size *notify.SizeError
	var failure *prism.Error
	switch {
	case errors.As(err, &exit):
		return exit.status
	case errors.As(err, &param), errors.As(err, &size):
		return exitUsage
	case errors.As(err, &failure):
		return exitRefused
	case errors.Is(err, context.DeadlineExceeded):
		return exitTimeout
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitRefused
}
