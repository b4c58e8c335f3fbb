package main

import (
	"bytes"
	"fmt"
	"net"
	"strconv"
)

// A look is what a bare client does with a delivery before it acknowledges it.
type look int

const (
	reads  look = iota // finds the tag, which an ack names, and the body
	keeps              // reads, and copies the body into memory of its own
	counts             // nothing: it knows the tags of the raw server
)

// A bare client is the floor: a loop over the frames with large buffers, and
// nothing else.
type bare struct {
	conn net.Conn
	keys keys
	in   []byte
	have int // bytes in in
	out  []byte
	read int // deliveries

	look look
	body []byte // the last that it looked at
}

const bareBuffer = 64 << 10

// dial upgrades a connection; target is the path with the query.
func dial(address, target string) (*bare, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	b := &bare{conn: c, keys: 1}
	if err := b.handshake(address, target); err != nil {
		c.Close()
		return nil, err
	}
	return b, nil
}

func (b *bare) handshake(host, target string) error {
	_, err := fmt.Fprintf(b.conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-Websocket-Version: 13\r\nSec-Websocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", target, host)
	var head []byte
	for one := make([]byte, 1); err == nil && !bytes.HasSuffix(head, []byte("\r\n\r\n")); head = append(head, one...) {
		_, err = b.conn.Read(one)
	}
	if err == nil && !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
		err = fmt.Errorf("no upgrade: %.100q", head)
	}
	return err
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
			b.ack(b.take(b.in[used+header:][:length]))
			used += header + length
		}
		b.have = copy(b.in, b.in[used:b.have])
		if _, err := b.conn.Write(b.out); err != nil {
			return
		}
		b.out = b.out[:0]
	}
}

// take returns the tag of a delivery, having looked at it.
func (b *bare) take(payload []byte) (tag uint64) {
	if b.look == counts {
		return firstTag + uint64(b.read%blockFrames)
	}
	tag, b.body = find(payload)
	if b.look == keeps {
		b.body = bytes.Clone(b.body)
	}
	return tag
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

func (b *bare) ack(tag uint64) {
	var room [24]byte
	b.out = appendMasked(b.out, opBinary, b.keys.next(), strconv.AppendUint(append(room[:0], 3), tag, 10))
	b.read++
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
	for have := 0; have < len(pong); {
		n, err := b.conn.Read(pong[have:])
		if err != nil {
			return err
		}
		have += n
	}
	if pong[0] != 0x80|opPong {
		return fmt.Errorf("%x is no pong", pong)
	}
	return nil
}
