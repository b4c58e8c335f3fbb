package prismtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// A pipeNet is the network of a [Server] with [Config].Pipe. Goroutines wait in it only
// on channels and conditions of the bubble, so that synctest knows that they wait.
type pipeNet struct {
	mu        sync.Mutex               // guards what follows
	listeners map[string]*pipeListener // by port
	port      int                      // the last one in use
}

func newPipeNet() *pipeNet { return &pipeNet{listeners: make(map[string]*pipeListener)} }

// platformPort is the port of the first listener.
const platformPort = "1"

// listen returns a listener at the next port. Its address is one of this machine, as the
// platform trusts callers there more; no socket really listens there.
func (n *pipeNet) listen() *pipeListener {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.port++
	l := &pipeListener{addr: pipeAddr(n.port), dialled: make(chan net.Conn), closed: make(chan struct{})}
	n.listeners[strconv.Itoa(n.port)] = l
	return l
}

// dial is for the DialContext of an http.Transport. It accepts any host; at a port where
// no site listens, it connects to the platform.
func (n *pipeNet) dial(ctx context.Context, _, address string) (net.Conn, error) {
	_, port, _ := net.SplitHostPort(address)
	n.mu.Lock()
	l := n.listeners[port]
	if l == nil {
		l = n.listeners[platformPort]
	}
	n.port++
	from := pipeAddr(n.port)
	n.mu.Unlock()
	return l.dial(ctx, from)
}

// A pipeListener accepts the connections that are dialled.
type pipeListener struct {
	addr    pipeAddr
	dialled chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.dialled:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return l.addr }

func (l *pipeListener) dial(ctx context.Context, from pipeAddr) (net.Conn, error) {
	client, server := newPipe(from, l.addr)
	select {
	case l.dialled <- server:
		return client, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: "pipe", Addr: l.addr, Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A pipeAddr is the number of a port that exists only in a pipeNet.
type pipeAddr int

func (a pipeAddr) Network() string { return "pipe" }
func (a pipeAddr) String() string  { return fmt.Sprintf("127.0.0.1:%d", int(a)) }

// A pipe is one end of a connection in memory. Unlike those of [net.Pipe] it
// has a buffer in each direction, as sockets have.
type pipe struct {
	in, out       *stream
	local, remote net.Addr

	mu     sync.Mutex // guards abrupt
	abrupt bool
}

func newPipe(client, server net.Addr) (*pipe, *pipe) {
	up, down := newStream(), newStream()
	return &pipe{in: down, out: up, local: client, remote: server},
		&pipe{in: up, out: down, local: server, remote: client}
}

func (p *pipe) LocalAddr() net.Addr  { return p.local }
func (p *pipe) RemoteAddr() net.Addr { return p.remote }

func (p *pipe) Read(b []byte) (int, error) {
	n, err := p.in.read(b)
	return n, p.wrap("read", err)
}

func (p *pipe) Write(b []byte) (int, error) {
	n, err := p.out.write(b)
	return n, p.wrap("write", err)
}

func (p *pipe) wrap(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "pipe", Source: p.local, Addr: p.remote, Err: err}
}

// SetLinger with 0 makes Close a reset, as it does with TCP.
func (p *pipe) SetLinger(seconds int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.abrupt = seconds == 0
	return nil
}

func (p *pipe) Close() error {
	p.mu.Lock()
	abrupt := p.abrupt
	p.mu.Unlock()
	p.in.close(net.ErrClosed, syscall.EPIPE, false)
	if abrupt {
		p.out.close(syscall.ECONNRESET, net.ErrClosed, false)
	} else {
		p.out.close(nil, net.ErrClosed, true)
	}
	return nil
}

// CloseWrite ends the writing: the peer reads the rest, and then EOF.
func (p *pipe) CloseWrite() error {
	p.out.close(nil, syscall.EPIPE, true)
	return nil
}

func (p *pipe) SetDeadline(t time.Time) error {
	p.SetReadDeadline(t)
	return p.SetWriteDeadline(t)
}

func (p *pipe) SetReadDeadline(t time.Time) error {
	p.in.change(func() { p.in.reading.set(t, &p.in.changed) })
	return nil
}

func (p *pipe) SetWriteDeadline(t time.Time) error {
	p.out.change(func() { p.out.writing.set(t, &p.out.changed) })
	return nil
}

// pipeBuffer is what a stream holds, in bytes.
const pipeBuffer = 64 << 10

// A stream is one direction of a pipe.
type stream struct {
	mu       sync.Mutex // guards what follows
	changed  sync.Cond
	data     bytes.Buffer
	complete bool  // nothing comes after data
	readErr  error // the error of reading, even if there is data
	writeErr error
	reading  deadline
	writing  deadline
}

func newStream() *stream {
	s := &stream{}
	s.changed.L = &s.mu
	return s
}

func (s *stream) change(what func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what()
	s.changed.Broadcast()
}

// close ends both sides of the stream. The first error of each stays.
func (s *stream) close(readErr, writeErr error, complete bool) {
	s.change(func() {
		if s.readErr == nil {
			s.readErr = readErr
		}
		if s.writeErr == nil {
			s.writeErr = writeErr
		}
		if s.readErr != nil {
			s.data = bytes.Buffer{}
		}
		s.complete = s.complete || complete
	})
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.readErr != nil:
			return 0, s.readErr
		case s.reading.over():
			return 0, os.ErrDeadlineExceeded
		case s.data.Len() > 0 || len(p) == 0:
			s.changed.Broadcast()
			return s.data.Read(p)
		case s.complete:
			return 0, io.EOF
		}
		s.changed.Wait()
	}
}

func (s *stream) write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	written := 0
	for {
		room := pipeBuffer - s.data.Len()
		switch {
		case s.writeErr != nil:
			return written, s.writeErr
		case s.writing.over():
			return written, os.ErrDeadlineExceeded
		case len(p) <= room:
			s.data.Write(p)
			s.changed.Broadcast()
			return written + len(p), nil
		case room > 0:
			s.data.Write(p[:room])
			s.changed.Broadcast()
			p, written = p[room:], written+room
		}
		s.changed.Wait()
	}
}
