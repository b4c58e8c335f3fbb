package conns

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"testing"
)

func TestAnAddressHasItsShareOfConnections(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, exempt := range []bool{false, true} {
		l := bound(inner, Limit{Total: 5, PerAddress: 2, Exempt: func(netip.Addr) bool { return exempt }}, slog.New(slog.DiscardHandler))
		var admitted []*boundedConn
		for range 8 {
			conn, err := net.Dial("tcp", inner.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			accepted, err := inner.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer accepted.Close()
			if c := l.admit(accepted.(*net.TCPConn)); c != nil {
				l.changed(c, http.StateActive)
				admitted = append(admitted, c)
			}
		}
		if want := map[bool]int{false: 2, true: 5}[exempt]; len(admitted) != want || l.open != want {
			t.Errorf("exempt %v: %d admitted, %d open; want %d", exempt, len(admitted), l.open, want)
		}
		for _, c := range admitted {
			c.Close()
			c.Close()
		}
		if l.open != 0 || len(l.addresses) != 0 || l.headers != 0 {
			t.Errorf("after all have gone: %d open, %d addresses, %d bytes", l.open, len(l.addresses), l.headers)
		}
	}
	inner.Close()
}
