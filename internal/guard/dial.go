package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"github.com/shopex/prism-go/internal/printable"
)

// Control refuses an address right before it is dialed, when its name has been resolved.
// It is the ControlContext of a [net.Dialer].
func (n Networks) Control(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("the address to dial cannot be read: %w", err)
	}
	return n.Check(at.Addr())
}

// Failure says in a clause for a person why an exchange with a peer, such as a receiver,
// failed; act is what was tried, such as a POST. It shows no address with a path, and of
// what the peer sent only some printable characters.
func Failure(peer, act string, err error) error {
	var refused *Refused
	var unknown *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &refused):
		return fmt.Errorf("the %s's address %w", peer, refused)
	case errors.As(err, &unknown): // whose own text names the servers that were asked
		return fmt.Errorf("the %s's name cannot be looked up: %s", peer, words(errors.New(unknown.Err)))
	case errors.As(err, &op) && op.Op == "dial":
		return fmt.Errorf("the %s cannot be reached: %s", peer, words(op))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("the %s ended the connection without an answer", peer)
	}
	return fmt.Errorf("the %s failed: %s", act, words(err))
}

const errorBytes = 256

// words returns the text of an error, in which a peer may have a say.
func words(err error) string {
	text := printable.Text(err.Error())
	if len(text) > errorBytes {
		text = strings.ToValidUTF8(text[:errorBytes], "") + "..."
	}
	return text
}
