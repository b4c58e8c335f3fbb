package interop

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
	"github.com/lxzan/gws"
)

// An event is what a rival's reader has seen.
type event struct {
	kind    string // "text", "binary", "pong" or "close"
	payload string // or the close reason
	code    int
}

// A rival is another library's end of a connection. It reads by itself into
// events and closes them at the end.
type rival struct {
	events chan event
	send   func(text bool, payload []byte) error
	// sendParts sends one message in several frames.
	sendParts func(text bool, payload []byte) error
	ping      func(payload string) error
	close     func(code int, reason string) error
	drop      func()
}

// A library makes rivals of either role.
type library struct {
	name   string
	dial   func(t *testing.T, url string) *rival
	accept func(t *testing.T, w http.ResponseWriter, r *http.Request) *rival
}

var libraries = []library{
	{"coder", dialCoder, acceptCoder},
	{"gorilla", dialGorilla, acceptGorilla},
	{"gws", dialGWS, acceptGWS},
}

const (
	limit = 4 << 20 // of a message
	parts = 5
)

// split cuts payload into parts.
func split(payload []byte) [][]byte {
	var all [][]byte
	for i := range parts {
		all = append(all, payload[len(payload)*i/parts:len(payload)*(i+1)/parts])
	}
	return all
}

func dialCoder(t *testing.T, url string) *rival {
	events := make(chan event, 16)
	conn, _, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{OnPongReceived: pongTo(events)})
	if err != nil {
		t.Fatal(err)
	}
	return coder(conn, events)
}

func acceptCoder(t *testing.T, w http.ResponseWriter, r *http.Request) *rival {
	events := make(chan event, 16)
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{OnPongReceived: pongTo(events)})
	if err != nil {
		t.Error(err)
		return nil
	}
	return coder(conn, events)
}

func pongTo(events chan event) func(context.Context, []byte) {
	return func(_ context.Context, payload []byte) { events <- event{kind: "pong", payload: string(payload)} }
}

func coder(conn *websocket.Conn, events chan event) *rival {
	conn.SetReadLimit(limit)
	ctx := context.Background()
	kind := func(text bool) websocket.MessageType {
		if text {
			return websocket.MessageText
		}
		return websocket.MessageBinary
	}
	go func() {
		defer close(events)
		for {
			kind, payload, err := conn.Read(ctx)
			if err != nil {
				var closed websocket.CloseError
				if errors.As(err, &closed) {
					events <- event{"close", closed.Reason, int(closed.Code)}
				}
				return
			}
			events <- message(kind == websocket.MessageText, payload)
		}
	}()
	return &rival{
		events: events,
		send:   func(text bool, payload []byte) error { return conn.Write(ctx, kind(text), payload) },
		sendParts: func(text bool, payload []byte) error {
			w, err := conn.Writer(ctx, kind(text))
			for _, part := range split(payload) {
				if err == nil {
					_, err = w.Write(part)
				}
			}
			return errors.Join(err, w.Close())
		},
		ping: func(payload string) error {
			go conn.Ping(ctx) // chooses its payload itself
			return nil
		},
		close: func(code int, reason string) error { return conn.Close(websocket.StatusCode(code), reason) },
		drop:  func() { conn.CloseNow() },
	}
}

func message(text bool, payload []byte) event {
	if text {
		return event{kind: "text", payload: string(payload)}
	}
	return event{kind: "binary", payload: string(payload)}
}

func dialGorilla(t *testing.T, url string) *rival {
	conn, _, err := (&gorilla.Dialer{WriteBufferSize: 1000}).Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return fromGorilla(conn)
}

func acceptGorilla(t *testing.T, w http.ResponseWriter, r *http.Request) *rival {
	conn, err := (&gorilla.Upgrader{WriteBufferSize: 1000}).Upgrade(w, r, nil)
	if err != nil {
		t.Error(err)
		return nil
	}
	return fromGorilla(conn)
}

func fromGorilla(conn *gorilla.Conn) *rival {
	conn.SetReadLimit(limit)
	events := make(chan event, 16)
	conn.SetPongHandler(func(payload string) error {
		events <- event{kind: "pong", payload: payload}
		return nil
	})
	kind := func(text bool) int {
		if text {
			return gorilla.TextMessage
		}
		return gorilla.BinaryMessage
	}
	go func() {
		defer close(events)
		for {
			kind, payload, err := conn.ReadMessage()
			if err != nil {
				var closed *gorilla.CloseError
				if errors.As(err, &closed) && closed.Code != gorilla.CloseAbnormalClosure {
					events <- event{"close", closed.Text, closed.Code}
				}
				conn.Close()
				return
			}
			events <- message(kind == gorilla.TextMessage, payload)
		}
	}()
	return &rival{
		events: events,
		send:   func(text bool, payload []byte) error { return conn.WriteMessage(kind(text), payload) },
		sendParts: func(text bool, payload []byte) error {
			w, err := conn.NextWriter(kind(text)) // a frame for each full write buffer
			if err != nil {
				return err
			}
			_, err = w.Write(payload)
			return errors.Join(err, w.Close())
		},
		ping: func(payload string) error { return conn.WriteMessage(gorilla.PingMessage, []byte(payload)) },
		close: func(code int, reason string) error {
			return conn.WriteMessage(gorilla.CloseMessage, gorilla.FormatCloseMessage(code, reason))
		},
		drop: func() { conn.Close() },
	}
}

// gwsHandler turns callbacks into events.
type gwsHandler struct {
	gws.BuiltinEventHandler
	events chan event
}

func (h gwsHandler) OnPing(c *gws.Conn, payload []byte) { c.WritePong(payload) }

func (h gwsHandler) OnPong(_ *gws.Conn, payload []byte) {
	h.events <- event{kind: "pong", payload: string(payload)}
}

func (h gwsHandler) OnMessage(_ *gws.Conn, m *gws.Message) {
	h.events <- message(m.Opcode == gws.OpcodeText, m.Bytes())
	m.Close()
}

func (h gwsHandler) OnClose(_ *gws.Conn, err error) {
	var closed *gws.CloseError
	if errors.As(err, &closed) {
		h.events <- event{"close", string(closed.Reason), int(closed.Code)}
	}
	close(h.events)
}

func dialGWS(t *testing.T, url string) *rival {
	h := gwsHandler{events: make(chan event, 16)}
	conn, _, err := gws.NewClient(h, &gws.ClientOption{Addr: url})
	if err != nil {
		t.Fatal(err)
	}
	return fromGWS(conn, h.events)
}

func acceptGWS(t *testing.T, w http.ResponseWriter, r *http.Request) *rival {
	h := gwsHandler{events: make(chan event, 16)}
	conn, err := gws.NewUpgrader(h, nil).Upgrade(w, r)
	if err != nil {
		t.Error(err)
		return nil
	}
	return fromGWS(conn, h.events)
}

func fromGWS(conn *gws.Conn, events chan event) *rival {
	kind := func(text bool) gws.Opcode {
		if text {
			return gws.OpcodeText
		}
		return gws.OpcodeBinary
	}
	go conn.ReadLoop()
	return &rival{
		events: events,
		send:   func(text bool, payload []byte) error { return conn.WriteMessage(kind(text), payload) },
		sendParts: func(text bool, payload []byte) error {
			return conn.WriteFile(kind(text), bytes.NewReader(payload)) // a frame for each 128 KiB, and an empty one
		},
		ping:  func(payload string) error { return conn.WritePing([]byte(payload)) },
		close: func(code int, reason string) error { return conn.WriteClose(uint16(code), []byte(reason)) },
		drop:  func() { conn.NetConn().Close() },
	}
}
