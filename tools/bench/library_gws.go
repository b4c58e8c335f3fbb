package main

import (
	"net/http"

	"github.com/lxzan/gws"
)

// gwsLib reads with its event handler, on the goroutine of ReadLoop, and gives each
// message back to its pool.
var gwsLib = library{
	name:   "gws",
	module: "lxzan/gws",
	dial: func(address string, got receiver) (end, error) {
		c, err := dialGWS(address, got)
		if err != nil {
			return nil, err
		}
		return gwsEnd{c}, nil
	},
	accepting: func(got receiver) func(http.ResponseWriter, *http.Request) (end, error) {
		u := gws.NewUpgrader(gwsHandler{got: got}, nil)
		return func(w http.ResponseWriter, r *http.Request) (end, error) {
			c, err := u.Upgrade(w, r)
			if err != nil {
				return nil, err
			}
			return gwsEnd{c}, nil
		}
	},
}

// gwsAsync writes with WriteAsync, which queues without a bound and keeps the
// payload until it is written.
var gwsAsync = library{
	name:   "gws WriteAsync",
	module: "lxzan/gws",
	dial: func(address string, got receiver) (end, error) {
		c, err := dialGWS(address, got)
		if err != nil {
			return nil, err
		}
		return asyncEnd{gwsEnd{c}}, nil
	},
}

func dialGWS(address string, got receiver) (*gws.Conn, error) {
	c, _, err := gws.NewClient(gwsHandler{got: got}, &gws.ClientOption{Addr: "ws://" + address, ReadBufferSize: bareBuffer})
	return c, err
}

type gwsHandler struct {
	gws.BuiltinEventHandler
	got receiver
}

func (h gwsHandler) OnPing(c *gws.Conn, payload []byte) { _ = c.WritePong(payload) }

func (h gwsHandler) OnMessage(c *gws.Conn, m *gws.Message) {
	h.got(gwsEnd{c}, m.Bytes())
	_ = m.Close()
}

type gwsEnd struct{ conn *gws.Conn }

func (e gwsEnd) read() { e.conn.ReadLoop() }

func (e gwsEnd) write(payload []byte) error { return e.conn.WriteMessage(gws.OpcodeBinary, payload) }

func (e gwsEnd) close() { _ = e.conn.NetConn().Close() }

type asyncEnd struct{ gwsEnd }

func (e asyncEnd) write(payload []byte) error {
	e.conn.WriteAsync(gws.OpcodeBinary, payload, nil)
	return nil
}
