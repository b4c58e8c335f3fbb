package main

import (
	"net/http"
	"sync"

	"github.com/gorilla/websocket"
)

// gorilla reads with NextReader into a buffer that it keeps.
var gorilla = library{
	name:   "gorilla",
	module: "gorilla/websocket",
	dial:   func(address string, got receiver) (end, error) { return dialGorilla(address, got, false) },
	accepting: func(got receiver) func(http.ResponseWriter, *http.Request) (end, error) {
		return acceptGorilla(got, nil)
	},
}

// gorillaWhole reads with ReadMessage, which makes a slice for each message.
var gorillaWhole = library{
	name:   "gorilla ReadMessage",
	module: "gorilla/websocket",
	dial:   func(address string, got receiver) (end, error) { return dialGorilla(address, got, true) },
}

// gorillaPool lends write buffers to connections only while they write.
var gorillaPool = library{
	name:   "gorilla with WriteBufferPool",
	module: "gorilla/websocket",
	accepting: func(got receiver) func(http.ResponseWriter, *http.Request) (end, error) {
		return acceptGorilla(got, &sync.Pool{})
	},
}

func dialGorilla(address string, got receiver, whole bool) (end, error) {
	d := websocket.Dialer{ReadBufferSize: bareBuffer}
	c, _, err := d.Dial("ws://"+address, nil)
	if err != nil {
		return nil, err
	}
	return &gorillaEnd{conn: c, got: got, whole: whole}, nil
}

func acceptGorilla(got receiver, pool websocket.BufferPool) func(http.ResponseWriter, *http.Request) (end, error) {
	u := websocket.Upgrader{WriteBufferPool: pool}
	return func(w http.ResponseWriter, r *http.Request) (end, error) {
		c, err := u.Upgrade(w, r, nil)
		if err != nil {
			return nil, err
		}
		return &gorillaEnd{conn: c, got: got}, nil
	}
}

// A gorillaEnd has a lock for writing, which the others have inside.
type gorillaEnd struct {
	conn    *websocket.Conn
	got     receiver
	whole   bool
	writing sync.Mutex
}

func (e *gorillaEnd) read() {
	if e.whole {
		readAll(e, e.got, e.conn.ReadMessage)
		return
	}
	readAll(e, e.got, kept(e.conn.NextReader))
}

func (e *gorillaEnd) write(payload []byte) error {
	e.writing.Lock()
	defer e.writing.Unlock()
	return e.conn.WriteMessage(websocket.BinaryMessage, payload)
}

func (e *gorillaEnd) close() { e.conn.Close() }
