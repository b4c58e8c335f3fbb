package socket

import (
	crand "crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"

	"github.com/gobwas/ws"
)

// Handshake is the client's half of one opening handshake, for one request.
type Handshake struct{ key string }

// NewHandshake makes a handshake with a random key.
func NewHandshake() *Handshake {
	var nonce [16]byte
	crand.Read(nonce[:]) // never fails
	return &Handshake{key: base64.StdEncoding.EncodeToString(nonce[:])}
}

// Header returns the fields that the request must carry, in a new map.
func (h *Handshake) Header() http.Header {
	return http.Header{
		"Upgrade":               {"websocket"},
		"Connection":            {"Upgrade"},
		"Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key":     {h.key},
	}
}

// Finish checks the server's answer and takes over its body, which must be an
// io.ReadWriteCloser as net/http makes it for status 101. Otherwise it closes
// the body and returns a [*HandshakeError].
func (h *Handshake) Finish(resp *http.Response, o Options) (*Conn, error) {
	rwc, ok := resp.Body.(io.ReadWriteCloser)
	reason := h.flaw(resp)
	if reason == "" && !ok {
		reason = "the HTTP client does not give the connection away; use http.Transport without http.Client.Timeout"
	}
	if reason != "" {
		if resp.Body != nil {
			resp.Body.Close()
		}
		return nil, &HandshakeError{Status: resp.StatusCode, Reason: reason}
	}
	return newConn(rwc, nil, ws.StateClientSide, o), nil
}

// flaw returns what is wrong with an answer, or "".
func (h *Handshake) flaw(resp *http.Response) string {
	field := resp.Header
	switch {
	case resp.StatusCode != http.StatusSwitchingProtocols:
		return fmt.Sprintf("the server answered %q instead of 101", resp.Status)
	case !hasToken(field, "Upgrade", "websocket"):
		return "the answer lacks Upgrade: websocket"
	case !hasToken(field, "Connection", "upgrade"):
		return "the answer lacks Connection: Upgrade"
	case field.Get("Sec-WebSocket-Accept") != acceptKey(h.key):
		return "the answer's Sec-WebSocket-Accept does not belong to this request"
	case field.Get("Sec-WebSocket-Extensions") != "":
		return "the server chose an extension, but none was offered"
	case field.Get("Sec-WebSocket-Protocol") != "":
		return "the server chose a subprotocol, but none was offered"
	}
	return ""
}
