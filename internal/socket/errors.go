package socket

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// Code is the status code of a close frame.
type Code uint16

// The codes of RFC 6455 that are in use here. NoStatus and Abnormal are never
// sent: NoStatus stands for a close frame without a code, Abnormal for a
// connection that ended without a close frame.
const (
	NormalClosure   Code = 1000
	GoingAway       Code = 1001
	ProtocolFault   Code = 1002
	UnsupportedData Code = 1003
	NoStatus        Code = 1005
	Abnormal        Code = 1006
	InvalidPayload  Code = 1007
	PolicyViolation Code = 1008
	MessageTooBig   Code = 1009
	InternalError   Code = 1011
	TryAgainLater   Code = 1013
)

// QueueGone is one of the codes that RFC 6455 leaves to applications: the queue that
// a connection consumed is not there any more (protocol chapter 7). The last digits
// are HTTP's.
const QueueGone Code = 4404

// ErrClosed is the error of a connection that this side closed. It matches
// [net.ErrClosed].
var ErrClosed = fmt.Errorf("socket: closed by this side: %w", net.ErrClosed)

var (
	errNoCloseFrame = fmt.Errorf("socket: the peer ended the connection without a close frame: %w", io.ErrUnexpectedEOF)
	errSlowPeer     = errors.New("socket: the peer did not take what was written to it within the write timeout")
	errSlowMessage  = errors.New("socket: the peer began a message and did not complete it in time")
	errTwoReads     = errors.New("socket: Read called while another Read is active; use one goroutine")
)

// CloseError is returned by Read once the peer has sent a close frame.
type CloseError struct {
	Code   Code   // NoStatus if the frame had none
	Reason string // the peer's words, possibly empty
}

func (e *CloseError) Error() string {
	return fmt.Sprintf("socket: closed by the peer with code %d %q", e.Code, e.Reason)
}

// ProtocolError is returned by Read when the peer broke the protocol. Nothing
// has been written yet: answer with Close(ctx, e.Code, e.Reason).
type ProtocolError struct {
	Code   Code
	Reason string
}

func (e *ProtocolError) Error() string {
	return fmt.Sprintf("socket: the peer broke the protocol: %s (code %d)", e.Reason, e.Code)
}

// HandshakeError says why a handshake failed.
type HandshakeError struct {
	// Status is the HTTP status: on the server the one to answer with, on the
	// client the one that came.
	Status int
	Reason string
	// Header is what the server's answer should carry beside the status, such
	// as Sec-WebSocket-Version. It is nil on the client.
	Header http.Header
}

func (e *HandshakeError) Error() string {
	return fmt.Sprintf("socket: WebSocket handshake refused: %s (HTTP status %d)", e.Reason, e.Status)
}
