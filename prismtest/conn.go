package prismtest

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// A conn is the platform's end of a connection that can have faults. It reads from the
// inner connection first and then waits at the gate; it waits at the gate before it
// writes. One goroutine reads at a time.
type conn struct {
	net.Conn
	network *network

	mu      sync.Mutex // guards what follows
	changed sync.Cond
	stalled bool
	closed  bool // by the platform
	lost    bool // by cut
	latency time.Duration
	reading deadline
	writing deadline

	// Bytes that were read, and were still held back by the gate at the deadline.
	held    []byte
	heldErr error
}

func newConn(inner net.Conn, n *network) *conn {
	c := &conn{Conn: inner, network: n}
	c.changed.L = &c.mu
	return c
}

func (c *conn) change(what func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	what()
	c.changed.Broadcast()
}

func (c *conn) isStalled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stalled
}

func (c *conn) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// Read holds back what it has read until the gate lets it pass. A deadline
// interrupts that, and net/http then comes back for the bytes.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.held) == 0 && c.heldErr == nil {
		n, err := c.Conn.Read(p)
		if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, c.interrupted(err)
		}
		if gate := c.pass(&c.reading); gate == nil {
			return n, err
		} else {
			c.held, c.heldErr = append(c.held, p[:n]...), err
			return 0, gate
		}
	}
	if err := c.pass(&c.reading); err != nil {
		return 0, err
	}
	n := copy(p, c.held)
	if c.held = c.held[n:]; len(c.held) > 0 {
		return n, nil
	}
	err := c.heldErr
	c.heldErr = nil
	return n, err
}

// Write waits until the gate lets it pass.
func (c *conn) Write(p []byte) (int, error) {
	if err := c.pass(&c.writing); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(p)
	return n, c.interrupted(err)
}

// CloseWrite ends this direction, if the connection below can do that.
func (c *conn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	if err := c.pass(&c.writing); err != nil {
		return err
	}
	return half.CloseWrite()
}

// pass returns when the gate is open, or says why the wait is over.
func (c *conn) pass(d *deadline) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	until := time.Now().Add(c.latency)
	if c.latency > 0 {
		defer time.AfterFunc(c.latency, func() { c.change(func() {}) }).Stop()
	}
	for {
		switch {
		case c.closed:
			return net.ErrClosed
		case c.lost:
			return syscall.ECONNRESET
		case d.over():
			return os.ErrDeadlineExceeded
		case !c.stalled && !time.Now().Before(until):
			return nil
		}
		c.changed.Wait()
	}
}

// interrupted returns the error for a deadline that Close may have set.
func (c *conn) interrupted(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) && c.isClosed() {
		return net.ErrClosed
	}
	return err
}

// Close closes the connection. The peer of a stalled one sees that only when it goes on.
func (c *conn) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return net.ErrClosed
	}
	c.closed = true
	c.reading.set(time.Time{}, nil)
	c.writing.set(time.Time{}, nil)
	c.changed.Broadcast()
	if c.stalled && !c.lost {
		defer c.mu.Unlock()
		return c.Conn.SetDeadline(time.Unix(1, 0)) // wakes goroutines that read and write the inner connection
	}
	c.mu.Unlock()
	c.network.remove(c)
	return c.Conn.Close()
}

// cut ends the connection without a close frame.
func (c *conn) cut() {
	c.change(func() { c.lost = true })
	reset(c.Conn)
}

// SetDeadline bounds reading and writing.
func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline bounds reading, the gate included.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.reading.set(t, &c.changed)
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline bounds writing, the gate included.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.writing.set(t, &c.changed)
	return c.Conn.SetWriteDeadline(t)
}

// A deadline wakes the goroutines that wait on a condition, whose lock guards it.
type deadline struct {
	at    time.Time // zero is none
	timer *time.Timer
}

// set sets the deadline. waiting is the condition to wake; it is not used if at is zero.
func (d *deadline) set(at time.Time, waiting *sync.Cond) {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.at = at
	switch {
	case waiting == nil || at.IsZero():
		return
	case d.over(): // net/http interrupts a Read so; Go 1.26 can crash on such a timer in a bubble
		waiting.Broadcast()
		return
	}
	d.timer = time.AfterFunc(time.Until(at), func() {
		waiting.L.Lock() // no goroutine may be between checking the time and waiting
		defer waiting.L.Unlock()
		waiting.Broadcast()
	})
}

func (d *deadline) over() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }
