package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// A bare client is the floor: a loop over the frames with large buffers, and
// nothing else.
type bare struct {
	conn net.Conn
	keys keys
	in   []byte
	have int // bytes in in
	out  []byte
	body []byte // of the last delivery
}

const bareBuffer = 64 << 10

// dial upgrades a connection; target is the path with the query.
func dial(address, target string) (*bare, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-Websocket-Version: 13\r\nSec-Websocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", target, address)
	var resp *http.Response
	if err == nil {
		resp, err = http.ReadResponse(bufio.NewReader(c), nil) // no frame comes before one was sent
	}
	if err == nil && resp.StatusCode != http.StatusSwitchingProtocols {
		err = fmt.Errorf("no upgrade: %s", resp.Status)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return &bare{conn: c, keys: 1}, nil
}

// bareSide is the side of a bare client.
func bareSide(use func(*bare, *peer) (do func(n int) error)) side {
	return func(s *rawServer) (func(int) error, func(), error) {
		b, err := dial(s.address(), "/api/platform/notify")
		if err != nil {
			return nil, nil, err
		}
		p, err := s.next()
		return use(b, p), func() { b.conn.Close() }, err
	}
}

// consume reads deliveries and acknowledges each, with one write for what one
// read has brought, until the connection ends.
func (b *bare) consume() {
	b.in = make([]byte, bareBuffer)
	for {
		n, err := b.conn.Read(b.in[b.have:])
		if err != nil {
			return
		}
		b.have += n
		used := 0
		for {
			header, length, ok := split(b.in[used:b.have])
			if !ok {
				break
			}
			b.ack(b.in[used+header:][:length])
			used += header + length
		}
		b.have = copy(b.in, b.in[used:b.have])
		if _, err := b.conn.Write(b.out); err != nil {
			return
		}
		b.out = b.out[:0]
	}
}

// find reads a delivery as the raw server writes it: the tag has four digits,
// and nothing is escaped. A reader of JSON does more.
func find(payload []byte) (tag uint64, body []byte) {
	_, rest, _ := bytes.Cut(payload, []byte(`"tag":`))
	for _, c := range rest[:4] {
		tag = tag*10 + uint64(c-'0')
	}
	_, body, _ = bytes.Cut(rest, []byte(`"body":"`))
	return tag, body[:bytes.IndexByte(body, '"')]
}

func (b *bare) ack(delivery []byte) {
	var tag uint64
	tag, b.body = find(delivery)
	var room [24]byte
	b.out = appendMasked(b.out, opBinary, b.keys.next(), strconv.AppendUint(append(room[:0], 3), tag, 10))
}

// publish writes n frames with this payload and waits until they were read.
func (b *bare) publish(n int, payload []byte) error {
	for range n {
		b.out = appendMasked(b.out, opBinary, b.keys.next(), payload)
		if len(b.out) > bareBuffer-512 {
			if err := b.flush(); err != nil {
				return err
			}
		}
	}
	return b.ping()
}

func (b *bare) flush() error {
	_, err := b.conn.Write(b.out)
	b.out = b.out[:0]
	return err
}

// ping flushes and waits for the answer.
func (b *bare) ping() error {
	b.out = appendMasked(b.out, opPing, b.keys.next(), []byte("12345678"))
	if err := b.flush(); err != nil {
		return err
	}
	var pong [10]byte
	if _, err := io.ReadFull(b.conn, pong[:]); err != nil {
		return err
	}
	if pong[0] != 0x80|opPong {
		return fmt.Errorf("%x is no pong", pong)
	}
	return nil
}
