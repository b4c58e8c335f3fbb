package socket

import (
	"crypto/tls"
	"net"
	"time"
)

// tcp returns the TCP connection at the bottom, or nil if there is none or
// somebody hides it.
func (c *Conn) tcp() *net.TCPConn {
	conn := below(c.rwc)
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	tcp, _ := conn.(*net.TCPConn)
	return tcp
}

// Probe has the kernel ask the peer's every second whether the connection is still
// known there, or, as net/http has it, every 15 seconds. See Unanswered.
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
// has not answered: 0 also where ours does not say.
func (c *Conn) Unanswered() int {
	if tcp := c.tcp(); tcp != nil {
		return unanswered(tcp)
	}
	return 0
}
