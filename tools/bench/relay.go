package main

import (
	"errors"
	"net"
	"sync"
	"time"
)

// A relay has the hops of a message and nothing else: a frame over one
// connection to a server, and one over another connection from there.
type relay struct {
	publisher *bare
	in, out   net.Conn // the server's ends
	consumer  net.Conn
	arrived   chan time.Time
	loops     sync.WaitGroup
}

func openRelay() (*relay, error) {
	near, in, err := loopback()
	if err != nil {
		return nil, err
	}
	consumer, out, err := loopback()
	if err != nil {
		near.Close()
		in.Close()
		return nil, err
	}
	r := &relay{publisher: &bare{conn: near, keys: 1}, in: in, out: out, consumer: consumer, arrived: make(chan time.Time, 1)}
	r.loops.Go(r.serve)
	r.loops.Go(r.consume)
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

// serve writes a delivery for each frame that comes in.
func (r *relay) serve() {
	all := deliveries()
	delivery := all.bytes[:len(all.bytes)/all.frames]
	_ = eachFrame(r.in, func() error {
		_, err := r.out.Write(delivery)
		return err
	})
}

func (r *relay) consume() {
	_ = eachFrame(r.consumer, func() error {
		r.arrived <- time.Now()
		return nil
	})
}

// eachFrame calls f for each frame that c brings.
func eachFrame(c net.Conn, f func() error) error {
	in, have := make([]byte, bareBuffer), 0
	for {
		n, err := c.Read(in[have:])
		if err != nil {
			return err
		}
		have += n
		used := 0
		for header, length, ok := split(in[:have]); ok; header, length, ok = split(in[used:have]) {
			used += header + length
			if err := f(); err != nil {
				return err
			}
		}
		have = copy(in, in[used:have])
	}
}

// lone sends a message and returns how long it took to arrive.
func (r *relay) lone(payload []byte) (time.Duration, error) {
	r.publisher.out = appendMasked(r.publisher.out, opBinary, r.publisher.keys.next(), payload)
	sent := time.Now()
	if err := r.publisher.flush(); err != nil {
		return 0, err
	}
	return since(sent, r.arrived)
}

// since waits for the time at which what was sent arrived.
func since(sent time.Time, arrived <-chan time.Time) (time.Duration, error) {
	at, err := receive(arrived)
	return at.Sub(sent), err
}

func (r *relay) close() error {
	err := errors.Join(r.publisher.conn.Close(), r.in.Close(), r.out.Close(), r.consumer.Close())
	r.loops.Wait()
	return err
}
