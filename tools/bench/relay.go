package main

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// A relay has the hops of a message and nothing else: a frame over one
// connection to a server, and one over another connection from there.
type relay struct {
	conns   []net.Conn // the publisher's, the server's two and the consumer's
	message []byte
	arrived chan time.Time
	loops   sync.WaitGroup
}

func openRelay(payload []byte) (*relay, error) {
	r := &relay{message: appendMasked(nil, opBinary, 1, payload), arrived: make(chan time.Time, 1)}
	for range 2 {
		near, far, err := loopback()
		if err != nil {
			return nil, errors.Join(err, r.close())
		}
		r.conns = append(r.conns, near, far)
	}
	delivery := deliveries()[:len(deliveries())/blockFrames]
	r.loops.Go(func() {
		eachRead(r.conns[1], len(r.message), func() { _, _ = r.conns[2].Write(delivery) })
	})
	r.loops.Go(func() {
		eachRead(r.conns[3], len(delivery), func() { r.arrived <- time.Now() })
	})
	return r, nil
}

// loopback returns both ends of a TCP connection.
func loopback() (near, far net.Conn, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	if near, err = net.Dial("tcp", l.Addr().String()); err != nil {
		return nil, nil, err
	}
	if far, err = l.Accept(); err != nil {
		near.Close()
	}
	return near, far, err
}

// eachRead calls f whenever c has brought so many bytes.
func eachRead(c net.Conn, size int, f func()) {
	for in := make([]byte, size); ; f() {
		if _, err := io.ReadFull(c, in); err != nil {
			return
		}
	}
}

// lone sends the message and returns how long it took to arrive.
func (r *relay) lone() (time.Duration, error) {
	sent := time.Now()
	if _, err := r.conns[0].Write(r.message); err != nil {
		return 0, err
	}
	return since(sent, r.arrived)
}

// since waits for the time at which what was sent arrived.
func since(sent time.Time, arrived <-chan time.Time) (time.Duration, error) {
	at, err := receive(arrived)
	return at.Sub(sent), err
}

func (r *relay) close() (err error) {
	for _, c := range r.conns {
		err = errors.Join(err, c.Close())
	}
	r.loops.Wait()
	return err
}
