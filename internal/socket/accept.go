package socket

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gobwas/ws"
)

// Accept answers the handshake in r and takes the connection over from the
// HTTP server. The answer has the status line, Upgrade, Connection and
// Sec-WebSocket-Accept and nothing else, as a published SDK requires (protocol
// chapter 6). Origin and offered subprotocols are ignored. The reader that Hijack
// returns is used as long as the connection lasts.
//
// A [*HandshakeError] means that nothing was written and the caller must
// answer. Any other error means that the connection broke meanwhile.
func Accept(w http.ResponseWriter, r *http.Request, o Options) (*Conn, error) {
	if err := CheckHandshake(r); err != nil {
		return nil, err
	}
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, refusal(http.StatusInternalServerError, "the HTTP server does not give the connection away: "+err.Error())
	}
	o = o.withDefaults()
	if err := answer(conn, r.Header.Get("Sec-WebSocket-Key"), o.WriteTimeout); err != nil {
		conn.Close()
		return nil, fmt.Errorf("socket: answering the handshake: %w", err)
	}
	return newConn(conn, buf.Reader, ws.StateServerSide, o), nil
}

// CheckHandshake returns a [*HandshakeError] if Accept would refuse r, so that a
// caller can refuse it early.
func CheckHandshake(r *http.Request) error {
	switch {
	case r.Method != http.MethodGet:
		return refusal(http.StatusMethodNotAllowed, "the method must be GET", "Allow", "GET")
	case r.ProtoMajor != 1 || !r.ProtoAtLeast(1, 1):
		return refusal(http.StatusHTTPVersionNotSupported, "the handshake needs HTTP/1.1, not "+r.Proto)
	case !hasToken(r.Header, "Connection", "upgrade"), !hasToken(r.Header, "Upgrade", "websocket"):
		return refusal(http.StatusUpgradeRequired, "this is a WebSocket endpoint: send Connection: Upgrade and Upgrade: websocket",
			"Upgrade", "websocket", "Connection", "Upgrade")
	case r.Header.Get("Sec-WebSocket-Version") != "13":
		return refusal(http.StatusUpgradeRequired, "send Sec-WebSocket-Version: 13",
			"Sec-WebSocket-Version", "13", "Upgrade", "websocket", "Connection", "Upgrade")
	case r.Header.Get("Sec-WebSocket-Key") == "":
		return refusal(http.StatusBadRequest, "Sec-WebSocket-Key is missing")
	}
	return nil
}

// refusal returns a HandshakeError; field has names and values of the header in turn.
func refusal(status int, reason string, field ...string) *HandshakeError {
	e := &HandshakeError{Status: status, Reason: reason, Header: http.Header{}}
	for i := 0; i+1 < len(field); i += 2 {
		e.Header.Set(field[i], field[i+1])
	}
	return e
}

// answer writes the answer, and removes the deadlines that the HTTP server has set.
func answer(conn net.Conn, key string, timeout time.Duration) error {
	if err := conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	const head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
	if _, err := conn.Write([]byte(head + acceptKey(key) + "\r\n\r\n")); err != nil {
		return err
	}
	return conn.SetDeadline(time.Time{})
}

// acceptKey returns the Sec-WebSocket-Accept for key. RFC 6455 requires keys of 16
// bytes; published SDKs send others.
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// hasToken looks for token, in any case, in a header's comma-separated lists.
func hasToken(h http.Header, name, token string) bool {
	for _, line := range h.Values(name) {
		for part := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// unread returns a copy of what r has buffered, so that its buffer can be freed.
func unread(r *bufio.Reader) []byte {
	early, _ := r.Peek(r.Buffered())
	return append([]byte(nil), early...)
}
