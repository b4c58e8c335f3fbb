package main

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/shopex/prism-go/internal/socket"
)

// A library is a WebSocket library, used in one way. Of each library, no end
// compresses and none looks whether text is UTF-8.
type library struct {
	name   string // with the way of using it, if there are two
	module string
	// dial connects to the server at address; got is called for each message.
	dial func(address string, got receiver) (end, error)
	// accepting returns what accepts connections, with the library's default
	// buffers, made once as a server does.
	accepting func(got receiver) func(http.ResponseWriter, *http.Request) (end, error)
}

// A receiver is called with each message; the payload is valid meanwhile.
type receiver func(from end, payload []byte)

// An end is one end of a connection.
type end interface {
	// read receives messages until the connection ends.
	read()
	// write sends a binary message.
	write(payload []byte) error
	close()
}

// ours is internal/socket. When Write returns, the message is queued.
var ours = oursBy("ours", func(c *socket.Conn, payload []byte) error {
	return c.Write(context.Background(), socket.Binary, payload)
})

// oursFlushed waits for each message to be with the kernel, which is when the
// others' writes return.
var oursFlushed = oursBy("ours, flushed", func(c *socket.Conn, payload []byte) error {
	if err := c.Write(context.Background(), socket.Binary, payload); err != nil {
		return err
	}
	return c.Flush(context.Background())
})

// oursBy is internal/socket with one of its ways to write.
func oursBy(name string, send func(*socket.Conn, []byte) error) library {
	return library{
		name: name,
		dial: func(address string, got receiver) (end, error) {
			c, err := dialOurs(address)
			if err != nil {
				return nil, err
			}
			return &ourEnd{c, got, send}, nil
		},
		accepting: func(got receiver) func(http.ResponseWriter, *http.Request) (end, error) {
			return func(w http.ResponseWriter, r *http.Request) (end, error) {
				c, err := socket.Accept(w, r, socket.Options{})
				if err != nil {
					return nil, err
				}
				return &ourEnd{c, got, send}, nil
			}
		},
	}
}

// dialOurs connects as package notify does.
func dialOurs(address string) (*socket.Conn, error) {
	client, err := newClient("http://" + address)
	if err != nil {
		return nil, err
	}
	h := socket.NewHandshake()
	resp, err := client.Upgrade(context.Background(), "platform/notify", h.Header())
	if err != nil {
		return nil, err
	}
	return h.Finish(resp, socket.Options{ReadBuffer: bareBuffer})
}

type ourEnd struct {
	conn *socket.Conn
	got  receiver
	send func(*socket.Conn, []byte) error
}

func (e *ourEnd) read() {
	readAll(e, e.got, func() (socket.Opcode, []byte, error) { return e.conn.Read(context.Background()) })
}

// readAll receives what next returns, with the type of message of a library,
// until it fails.
func readAll[T any](e end, got receiver, next func() (T, []byte, error)) {
	for {
		_, payload, err := next()
		if err != nil {
			return
		}
		got(e, payload)
	}
}

// kept makes messages of the readers of next, in a buffer that is kept.
func kept[T any](next func() (T, io.Reader, error)) func() (T, []byte, error) {
	var buffer bytes.Buffer
	return func() (t T, payload []byte, err error) {
		t, r, err := next()
		if err != nil {
			return t, nil, err
		}
		buffer.Reset()
		_, err = buffer.ReadFrom(r)
		return t, buffer.Bytes(), err
	}
}

func (e *ourEnd) write(payload []byte) error { return e.send(e.conn, payload) }

func (e *ourEnd) close() { e.conn.CloseNow() }
