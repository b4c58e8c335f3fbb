package main

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/shopex/prism-go/internal/wire"
)

// A rawServer costs as little as a server can: on an upgraded connection a peer
// moves prepared frames in large writes and large reads; any other request gets
// one and the same answer.
type rawServer struct {
	listener net.Listener
	upgraded chan *peer
	conns    sync.WaitGroup

	mu   sync.Mutex
	open []net.Conn
}

func listen() (*rawServer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &rawServer{listener: l, upgraded: make(chan *peer, 1)}
	s.conns.Go(s.accept)
	return s, nil
}

func (s *rawServer) address() string { return s.listener.Addr().String() }

func (s *rawServer) url() string { return "http://" + s.address() + "/api" }

// close ends all connections and waits for what served them.
func (s *rawServer) close() {
	s.listener.Close()
	s.mu.Lock()
	for _, c := range s.open {
		c.Close()
	}
	s.mu.Unlock()
	s.conns.Wait()
}

func (s *rawServer) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.open = append(s.open, c)
		s.mu.Unlock()
		s.conns.Go(func() {
			defer c.Close()
			s.serve(c)
		})
	}
}

// serve answers requests that fit into one read, as those of a client on the
// same machine do.
func (s *rawServer) serve(c net.Conn) {
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + fmt.Sprint(len(callAnswer)) + "\r\n\r\n" + callAnswer)
	buf := make([]byte, 4<<10)
	for {
		n, err := c.Read(buf)
		if err != nil || !bytes.HasSuffix(buf[:n], []byte("\r\n\r\n")) {
			return
		}
		if key := handshakeKey(string(buf[:n])); key != "" {
			s.upgrade(c, key)
			return
		}
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

// handshakeKey finds the key of a handshake in either spelling that clients
// use. A request that is none has no key.
func handshakeKey(request string) string {
	for _, name := range []string{"Sec-Websocket-Key", "Sec-WebSocket-Key"} {
		if _, rest, ok := strings.Cut(request, "\r\n"+name+": "); ok {
			key, _, _ := strings.Cut(rest, "\r\n")
			return key
		}
	}
	return ""
}

func (s *rawServer) upgrade(c net.Conn, key string) {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	head := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
	if _, err := c.Write([]byte(head + base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n")); err != nil {
		return
	}
	p := &peer{conn: c}
	s.upgraded <- p
	p.serve()
}

// next returns the connection that was upgraded last.
func (s *rawServer) next() (*peer, error) { return receive(s.upgraded) }

// A peer is the server's end of one WebSocket connection.
type peer struct {
	conn   net.Conn
	frames counter // data frames that came
	out    []byte
}

const largeBuffer = 256 << 10

// serve counts data frames, without looking into them, answers pings and
// returns when the other side closes.
func (p *peer) serve() {
	in, have := make([]byte, largeBuffer), 0
	for {
		n, err := p.conn.Read(in[have:])
		if err != nil {
			return
		}
		have += n
		used, frames, closed := p.walk(in[:have])
		have = copy(in, in[used:have])
		if len(p.out) > 0 {
			if _, err := p.conn.Write(p.out); err != nil {
				return
			}
			p.out = p.out[:0]
		}
		if frames > 0 {
			p.frames.add(frames)
		}
		if closed {
			return
		}
	}
}

// walk looks at the headers of the whole frames in b.
func (p *peer) walk(b []byte) (used, frames int, closed bool) {
	for {
		header, length, ok := split(b[used:])
		if !ok {
			return used, frames, false
		}
		frame := b[used : used+header+length]
		used += len(frame)
		switch op := frame[0] & 15; op {
		case opPing:
			p.out = appendAnswer(p.out, opPong, frame[header-4:header], frame[header:])
		case opClose:
			p.out = appendAnswer(p.out, opClose, frame[header-4:header], frame[header:])
			return used, frames, true
		default:
			frames++
		}
	}
}

// appendAnswer echoes the payload of a client's control frame.
func appendAnswer(dst []byte, op byte, key, payload []byte) []byte {
	dst = append(dst, 0x80|op, byte(len(payload)))
	for i, c := range payload {
		dst = append(dst, c^key[i&3])
	}
	return dst
}

// exchange delivers n messages and waits until as many frames have come back.
func (p *peer) exchange(n int) error {
	target := p.frames.now() + n
	if err := p.send(deliveries(), n); err != nil {
		return err
	}
	return p.frames.await(target)
}

// send writes n frames, as many at a time as b has.
func (p *peer) send(b block, n int) error {
	size := len(b.bytes) / b.frames
	for n > 0 {
		some := min(n, b.frames)
		if _, err := p.conn.Write(b.bytes[:some*size]); err != nil {
			return err
		}
		n -= some
	}
	return nil
}

// A block is frames of one length, ready to be written at once.
type block struct {
	bytes   []byte
	frames  int
	payload int // bytes in each
}

// The tags of a block of deliveries have as many digits each, so its frames
// have one length.
const (
	blockFrames = 200
	firstTag    = 1000
	bodySize    = 200
)

// deliveries is a block as the platform sends it.
var deliveries = sync.OnceValue(func() block {
	b := block{frames: blockFrames}
	for i := range blockFrames {
		payload := wire.AppendDelivery(nil, &wire.Delivery{
			Tag: firstTag + uint64(i), Time: 1700000000, Key: "order.new", Type: "text/plain",
			App: "shop", ClientID: benchKey, Body: bytes.Repeat([]byte("x"), bodySize),
		})
		b.payload = len(payload)
		b.bytes = append(b.bytes, 0x80|opText, 126, byte(len(payload)>>8), byte(len(payload)))
		b.bytes = append(b.bytes, payload...)
	}
	return b
})

// largeMessages is a block of messages of 64 KiB.
var largeMessages = sync.OnceValue(func() block {
	b := block{frames: 4, payload: 64 << 10}
	for range b.frames {
		b.bytes = binary.BigEndian.AppendUint64(append(b.bytes, 0x80|opBinary, 127), uint64(b.payload))
		b.bytes = append(b.bytes, make([]byte, b.payload)...)
	}
	return b
})
