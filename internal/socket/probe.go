package socket

import (
	"crypto/tls"
	"net"
	"syscall"
	"time"
)

// A tcpConn is a *net.TCPConn, or what a listener has wrapped around one.
type tcpConn interface {
	syscall.Conn
	SetKeepAliveConfig(net.KeepAliveConfig) error
}

// tcp returns the TCP connection at the bottom, or nil if there is none or a wrapper
// hides it.
func (c *Conn) tcp() tcpConn {
	conn := below(c.rwc)
	for {
		outer, ok := conn.(interface{ NetConn() net.Conn }) // TLS, or a listener's own
		if !ok {
			break
		}
		conn = outer.NetConn()
	}
	tcp, _ := conn.(tcpConn)
	return tcp
}

// AckAtOnce makes the kernel acknowledge what was read, and what arrives until
// something is written, without waiting for data to send with it. Otherwise each
// message of a peer with Nagle's algorithm that gets no answer would wait 40 ms for
// the one before. Only the goroutine that reads may call it.
func (c *Conn) AckAtOnce() {
	c.learnTCP()
	if c.in.quick != nil {
		c.in.quick()
	}
}

// learnTCP asks once for what the kernel does for a connection.
func (c *Conn) learnTCP() {
	in := &c.in
	if in.knowsTCP {
		return
	}
	in.knowsTCP = true
	tcp := c.tcp()
	if tcp == nil {
		return
	}
	in.quick = quickAcks(tcp)
	if !c.encrypted() {
		in.more = moreOf(tcp)
	}
}

// encrypted reports whether there is TLS between c and TCP: then bytes that have come
// may be less than can be read.
func (c *Conn) encrypted() bool {
	for conn := below(c.rwc); ; {
		if _, ok := conn.(*tls.Conn); ok {
			return true
		}
		outer, ok := conn.(interface{ NetConn() net.Conn })
		if !ok {
			return false
		}
		conn = outer.NetConn()
	}
}

// Probe makes the kernel ask the peer's kernel whether the connection is still known
// there: every second if often, or every 15 seconds as net/http does. See Unanswered.
func (c *Conn) Probe(often bool) {
	every := 15 * time.Second
	if often {
		every = time.Second
	}
	if tcp := c.tcp(); tcp != nil {
		tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: every, Interval: every})
	}
}

// Unanswered returns how many retransmissions and probes in a row the peer's kernel
// has not answered. It is 0 where our kernel does not say.
func (c *Conn) Unanswered() int {
	if tcp := c.tcp(); tcp != nil {
		return unanswered(tcp)
	}
	return 0
}
