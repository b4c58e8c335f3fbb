package main

import (
	"context"
	"io"
	"net/http"

	"github.com/coder/websocket"
)

// coder reads with Reader into a buffer that it keeps. Its read buffer has
// 4 KiB, and no option.
var coder = library{
	name:   "coder",
	module: "coder/websocket",
	dial:   func(address string, got receiver) (end, error) { return dialCoder(address, got, false) },
	accepting: func(got receiver) func(http.ResponseWriter, *http.Request) (end, error) {
		return func(w http.ResponseWriter, r *http.Request) (end, error) {
			c, err := websocket.Accept(w, r, nil)
			if err != nil {
				return nil, err
			}
			return &coderEnd{conn: c, got: got}, nil
		}
	},
}

// coderWhole reads with Read, which makes a slice for each message.
var coderWhole = library{
	name:   "coder Read",
	module: "coder/websocket",
	dial:   func(address string, got receiver) (end, error) { return dialCoder(address, got, true) },
}

func dialCoder(address string, got receiver, whole bool) (end, error) {
	c, _, err := websocket.Dial(context.Background(), "ws://"+address, nil)
	if err != nil {
		return nil, err
	}
	c.SetReadLimit(1 << 20)
	return &coderEnd{c, got, whole}, nil
}

type coderEnd struct {
	conn  *websocket.Conn
	got   receiver
	whole bool
}

func (e *coderEnd) read() {
	if e.whole {
		readAll(e, e.got, func() (websocket.MessageType, []byte, error) { return e.conn.Read(context.Background()) })
		return
	}
	readAll(e, e.got, kept(func() (websocket.MessageType, io.Reader, error) { return e.conn.Reader(context.Background()) }))
}

func (e *coderEnd) write(payload []byte) error {
	return e.conn.Write(context.Background(), websocket.MessageBinary, payload)
}

func (e *coderEnd) close() { e.conn.CloseNow() }
