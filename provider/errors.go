package provider

import (
	"errors"
	"net/http"
)

// Codes of errors, those of JSON-RPC. A function may have its own.
const (
	ServerError    = "-32000"
	InvalidRequest = "-32600"
	MethodNotFound = "-32601"
	InvalidParams  = "-32602"
	InternalError  = "-32603"
	ParseError     = "-32700"
)

// An Error is what a caller learns of a failure. A function returns one, maybe wrapped in
// another error; for all other errors the caller learns that there was an internal error,
// and the log has the rest.
type Error struct {
	// Code is for programs. If empty, ServerError. A number is written as a number, unless
	// Config.StringCodes is set.
	Code string
	// Message is for people. If empty, that of JSON-RPC for the code.
	Message string
	// Data is more about it: any JSON. It is left out if nil.
	Data any
	// Status is the HTTP status. If zero, 500 for ServerError and InternalError, 404 for
	// MethodNotFound, else 400.
	Status int
}

func (e *Error) Error() string { return "provider: " + e.filled().Message }

var messages = map[string]string{
	ServerError:    "Server error",
	InvalidRequest: "Invalid Request",
	MethodNotFound: "Method not found",
	InvalidParams:  "Invalid params",
	InternalError:  "Internal error",
	ParseError:     "Parse error",
}

// filled returns the error with the defaults of its empty fields.
func (e *Error) filled() Error {
	f := *e
	if f.Code == "" {
		f.Code = ServerError
	}
	if f.Message == "" {
		f.Message = messages[f.Code]
	}
	if f.Message == "" {
		f.Message = f.Code
	}
	if f.Status == 0 {
		f.Status = statusOf(f.Code)
	}
	return f
}

func statusOf(code string) int {
	switch code {
	case ServerError, InternalError:
		return http.StatusInternalServerError
	case MethodNotFound:
		return http.StatusNotFound
	}
	return http.StatusBadRequest
}

// shown returns what a caller learns of err.
func shown(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return bodyTooLarge(tooLarge.Limit)
	}
	return &Error{Code: InternalError}
}
