package main

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/shopex/prism-go/internal/wire"
)

// A rawServer costs as little as a server can: on an upgraded connection a peer
// moves prepared frames in large writes and large reads.
type rawServer struct {
	http     *httptest.Server
	upgraded chan *peer
	peers    sync.WaitGroup
}

func listen() *rawServer {
	s := &rawServer{upgraded: make(chan *peer, 1)}
	s.http = httptest.NewServer(http.HandlerFunc(s.upgrade))
	return s
}

func (s *rawServer) address() string { return s.http.Listener.Addr().String() }

func (s *rawServer) url() string { return s.http.URL + "/api" }

// close waits for the peers, whose clients are closed before.
func (s *rawServer) close() {
	s.http.Close()
	s.peers.Wait()
}

func (s *rawServer) upgrade(w http.ResponseWriter, r *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack() // no frame comes before the answer
	if err != nil {
		return
	}
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	_, err = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
	if err != nil {
		conn.Close()
		return
	}
	p := &peer{conn: conn}
	s.peers.Go(p.serve)
	s.upgraded <- p
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
	defer p.conn.Close()
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

// exchange delivers n messages, as many at a time as a block has, and waits until
// as many frames have come back.
func (p *peer) exchange(n int) error {
	target, block := p.frames.now()+n, deliveries()
	for n > 0 {
		some := min(n, blockFrames)
		if _, err := p.conn.Write(block[:some*len(block)/blockFrames]); err != nil {
			return err
		}
		n -= some
	}
	return p.frames.await(target)
}

// The tags of a block of deliveries have as many digits each, and the IDs too, so its
// frames have one length.
const (
	blockFrames = 200
	firstTag    = 1000
	firstID     = 0x1a2b3c
	bodySize    = 200
)

// deliveries is a block as the platform sends it, ready to be written at once.
var deliveries = sync.OnceValue(func() (block []byte) {
	for i := range blockFrames {
		payload := wire.AppendDelivery(nil, &wire.Delivery{
			Tag: firstTag + uint64(i), ID: fmt.Sprintf("9b4d1e00-%x", firstID+i), Time: 1700000000, Key: "order.new", Type: "text/plain",
			App: "shop", ClientID: benchKey, Body: bytes.Repeat([]byte("x"), bodySize),
		})
		block = append(block, 0x80|opText, 126, byte(len(payload)>>8), byte(len(payload)))
		block = append(block, payload...)
	}
	return block
})
