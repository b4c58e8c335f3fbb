package notify

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"

	"github.com/shopex/prism-go"
	"github.com/shopex/prism-go/internal/code"
	"github.com/shopex/prism-go/internal/printable"
	"github.com/shopex/prism-go/internal/socket"
)

var (
	// ErrRunning is returned by Run and Deliveries while another one of the
	// same consumer is active.
	ErrRunning = errors.New("notify: the consumer is running already")
	// ErrHandlerStuck is returned by Run when a handler went on after its
	// context was cancelled. Its goroutine is left behind.
	ErrHandlerStuck = errors.New("notify: a handler ignores its cancelled context and was left behind")
	// ErrQueueDropped is returned by Run when the queue was dropped, with its messages
	// and bindings: nothing would come any more. See [ConsumerConfig].RecreateQueue.
	ErrQueueDropped = errors.New("notify: the queue was dropped")
	// ErrStaleDelivery is returned by Ack when the connection that brought the delivery
	// has ended, or the delivery was given up: the platform delivers the message again.
	ErrStaleDelivery = errors.New("notify: this delivery is no longer held, as its connection has ended or it was given up; the message will be delivered again")
	// ErrRetriesExhausted is returned when Reconnect.MaxFailures consecutive tries to
	// reconnect have failed; it wraps the last failure.
	ErrRetriesExhausted = errors.New("notify: reconnecting failed too often")
	// ErrNoPong is the error of a connection whose peer did not answer a ping in time.
	ErrNoPong = errors.New("notify: the platform answers no ping")

	// ErrClosed is returned by a publisher after Close.
	ErrClosed = errors.New("notify: the publisher is closed")
	// ErrOutcomeUnknown is returned for a message that was sent and neither
	// confirmed nor refused: it may have been stored, or not.
	ErrOutcomeUnknown = errors.New("notify: the message was sent, but whether the platform has it is unknown")
	// ErrQueueFull is returned when the context ended while the publisher waited for
	// room in a queue of the platform.
	ErrQueueFull = errors.New("notify: a queue of the platform is full")

	// ErrUnknownMessage is returned by Peek for an ID that the platform never gave:
	// begin at the head of the queue.
	ErrUnknownMessage = errors.New("notify: the platform never gave this ID to a message")
)

// RefusedError is a message that the platform refused by ending the
// connection, twice: once among others and once alone. With
// PublisherConfig.FailUnconfirmed, once and alone.
type RefusedError struct {
	Code   int    // the WebSocket close code: 1002, 1003, 1007, 1008 or 1009
	Reason string // in the platform's words
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("notify: the platform refused the message: %s (close code %d)", printable.Text(e.Reason), e.Code)
}

// SizeError is returned for a message with a part that is too long; see
// [PublisherConfig].
type SizeError struct {
	Part        string // "routing key", "body", "content type" or "topic"
	Size, Limit int    // bytes
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("notify: a %s of %d bytes is not sent, it may have at most %d", e.Part, e.Size, e.Limit)
}

// PermanentError is the error of a handler for which another attempt is useless; see
// [Permanent].
type PermanentError struct{ Err error }

func (e *PermanentError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *PermanentError) Unwrap() error { return e.Err }

// Permanent returns err as one that another attempt cannot cure, such as a body that is
// no JSON: a handler that returns it is not called again for this delivery, whatever
// [ConsumerConfig].Attempts says, and the delivery is given up at once. Errors that wrap
// it do the same. It is nil for a nil error.
//
// What happens to a delivery that is given up, [ConsumerConfig].OnGiveUp says: without it
// the message comes again, and with [Park] it is put out of the way.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &PermanentError{err}
}

// PanicError is the error of a handler that panicked.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("notify: the handler panicked: %v", e.Value) }

// Unwrap returns Value if that is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// clientClosedRequest is the status of nginx, and of this project's platform, for a
// caller that has hung up.
const clientClosedRequest = 499

// isPolicy reports whether the platform has closed with 1008. If it had accepted the
// consume command before, the reason is the key: the next handshake shows what is wrong
// with it.
func isPolicy(err error) bool {
	var closed *socket.CloseError
	return errors.As(err, &closed) && closed.Code == socket.PolicyViolation
}

// curable reports whether another try to connect can help. Once a connection has worked
// the address is right, so only an answer of Prism itself is final: a gateway that
// answers 404 for a moment, or shows a wrong certificate, is not Prism.
func curable(err error, worked bool) bool {
	if errors.Is(err, ErrQueueDropped) {
		return false
	}
	var refused *prism.Error
	if errors.As(err, &refused) {
		return !refused.Final() && (worked || passes(refused))
	}
	var certificate *tls.CertificateVerificationError
	var plain tls.RecordHeaderError
	var mangled *socket.HandshakeError
	var fault *socket.ProtocolError
	switch {
	case errors.As(err, &certificate), errors.As(err, &plain), errors.As(err, &mangled):
		return worked
	case errors.As(err, &fault) && fault.Code == socket.MessageTooBig:
		return false // it will be delivered again, and be as large
	}
	// A consumer sends only its topic and acks: what was refused once will be refused
	// again.
	var closed *socket.CloseError
	return !errors.As(err, &closed) || closed.Code != socket.PolicyViolation
}

// passes reports whether a server that was never reached before may give another answer
// next time. A path that does not exist, or a redirect, means a wrong address.
func passes(refused *prism.Error) bool {
	switch {
	case refused.Status == http.StatusTooManyRequests, refused.Status == http.StatusRequestTimeout:
		return true // a connection that just ended may still be counted
	case refused.Status >= 500:
		return true
	case refused.Status == clientClosedRequest:
		return true // something on the way has half closed the connection
	}
	return refused.Code == code.SignTimeExpired // late on the way, or the clock has jumped again
}
