package wire

import "fmt"

// Kind says how a frame is wrong.
type Kind byte

const (
	Malformed   Kind = iota + 1 // the bytes are no command
	Unsupported                 // an operation this protocol does not have
	Policy                      // well formed, and never allowed
	TooLarge                    // a part is longer than its limit
)

// Error is the error for a frame that cannot be used. Reason is for people; Dialect, if
// not empty, names the published SDK that is known for this mistake.
type Error struct {
	Op      Op
	Kind    Kind
	Reason  string
	Dialect string
}

func (e *Error) Error() string {
	if e.Dialect == "" {
		return fmt.Sprintf("wire: %s: %s", e.Op, e.Reason)
	}
	return fmt.Sprintf("wire: %s: %s (as the %s SDK writes it)", e.Op, e.Reason, e.Dialect)
}

// CloseCode is the WebSocket close code that refuses such a frame.
func (e *Error) CloseCode() uint16 {
	switch e.Kind {
	case Unsupported:
		return 1003
	case Policy:
		return 1008
	case TooLarge:
		return 1009
	default:
		return 1002
	}
}

func malformed(op Op, format string, args ...any) *Error {
	return &Error{Op: op, Kind: Malformed, Reason: fmt.Sprintf(format, args...)}
}

func tooLarge(op Op, what string, n, limit int) *Error {
	return &Error{Op: op, Kind: TooLarge, Reason: fmt.Sprintf("%s of %d bytes, at most %d are allowed", what, n, limit)}
}
