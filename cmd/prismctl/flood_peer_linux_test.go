package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/shopex/prism-go/internal/patience"
	"github.com/shopex/prism-go/internal/wire"
)

// What a peer of the channel sends, by opcode.
const (
	frameMore  = 0
	frameData  = 2
	frameClose = 8
	framePing  = 9
	framePong  = 10
)

// A peer is a client of the channel that does what no SDK does.
type peer struct {
	net.Conn
	x      *flooded
	in     *bufio.Reader
	status int // of the handshake
}

// dial opens a connection that ends with the test. A narrow one has the smallest
// buffers in the kernel, so that what is not read waits in the platform.
func (x *flooded) dial(narrow bool) net.Conn {
	x.t.Helper()
	d := net.Dialer{Timeout: patience.Of(20 * time.Second)}
	if narrow {
		d.Control = func(_, _ string, c syscall.RawConn) error {
			return c.Control(func(fd uintptr) {
				_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096)
				_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 536)
			})
		}
	}
	conn, err := d.Dial("tcp", x.address)
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { conn.Close() })
	x.conns = append(x.conns, conn)
	_ = conn.SetDeadline(time.Now().Add(patience.Of(30 * time.Second)))
	return conn
}

// join asks for a channel; the status says whether it was opened.
func (x *flooded) join(params url.Values, narrow bool) *peer {
	x.t.Helper()
	const path = "/api/platform/notify"
	p := &peer{Conn: x.dial(narrow), x: x}
	query := signed("GET", path, params, floodKey, floodSecret)
	fmt.Fprintf(p, "GET %s?%s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", path, query.Encode())
	p.in = bufio.NewReaderSize(p, 4096)
	resp, err := http.ReadResponse(p.in, nil)
	if err != nil {
		x.t.Fatal(err)
	}
	p.status = resp.StatusCode
	return p
}

// opened is join where it has to succeed.
func (x *flooded) opened(narrow bool) *peer {
	x.t.Helper()
	p := x.join(nil, narrow)
	if p.status != http.StatusSwitchingProtocols {
		x.t.Fatalf("a channel was refused with %d", p.status)
	}
	return p
}

// frame is one that is masked with zeros.
func frame(op byte, final bool, payload []byte) []byte {
	b := []byte{op, 0x80 | 127}
	if final {
		b[0] |= 0x80
	}
	if len(payload) < 126 {
		b[1] = 0x80 | byte(len(payload))
	} else {
		b = binary.BigEndian.AppendUint64(b, uint64(len(payload)))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}

func publishFrame(key string, body []byte) []byte {
	command, err := wire.AppendPublish(nil, key, body, "")
	if err != nil {
		panic(err)
	}
	return frame(frameData, true, command)
}

// next returns the next frame of the platform.
func (p *peer) next() (op byte, payload []byte, err error) {
	var head [8]byte
	if _, err = io.ReadFull(p.in, head[:2]); err != nil {
		return 0, nil, err
	}
	op = head[0] & 15
	size := uint64(head[1])
	switch size {
	case 126:
		_, err = io.ReadFull(p.in, head[:2])
		size = uint64(binary.BigEndian.Uint16(head[:]))
	case 127:
		_, err = io.ReadFull(p.in, head[:])
		size = binary.BigEndian.Uint64(head[:])
	}
	if err != nil {
		return 0, nil, err
	}
	payload = make([]byte, size)
	_, err = io.ReadFull(p.in, payload)
	return op, payload, err
}

// settled reads until a pong, and returns 0, or until the platform closes, and
// returns the code.
func (p *peer) settled() int {
	p.x.t.Helper()
	for {
		op, payload, err := p.next()
		switch {
		case err != nil:
			p.x.t.Fatalf("the platform said nothing at the end: %v", err)
		case op == framePong:
			return 0
		case op == frameClose:
			return int(binary.BigEndian.Uint16(payload))
		}
	}
}

// pour publishes messages together on a connection of its own, and returns the code
// with which it is closed, or 0.
func (x *flooded) pour(key string, size, n int) int {
	x.t.Helper()
	p := x.opened(false)
	defer p.Close()
	message := publishFrame(key, bytes.Repeat([]byte{'x'}, size))
	for range n {
		if _, err := p.Write(message); err != nil {
			break // the code comes still
		}
	}
	_, _ = p.Write(frame(framePing, true, nil))
	return p.settled()
}
