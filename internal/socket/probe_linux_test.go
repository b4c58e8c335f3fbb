package socket

import (
	"crypto/tls"
	"net"
	"testing"
)

type wrapped struct{ *net.TCPConn }

func TestTheTCPConnectionIsFoundBelowTLSAndWrappers(t *testing.T) {
	a, b := tcp(t)
	defer a.Close()
	defer b.Close()
	plain := a.(*net.TCPConn)
	for name, conn := range map[string]net.Conn{
		"itself": plain, "wrapped": wrapped{plain}, "TLS": tls.Server(plain, nil), "TLS over wrapped": tls.Server(wrapped{plain}, nil),
	} {
		c := newConn(conn, nil, server, Options{})
		if c.tcp() == nil {
			t.Errorf("%s: not found", name)
			continue
		}
		c.AckAtOnce()
		if c.in.quick == nil {
			t.Errorf("%s: nothing to acknowledge with", name)
		}
		if n := c.Unanswered(); n != 0 {
			t.Errorf("%s: %d unanswered", name, n)
		}
		defer c.CloseNow()
	}
}
