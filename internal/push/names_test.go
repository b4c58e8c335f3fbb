package push

import (
	"context"
	"net"
	"sync"
	"testing"
)

// names is a DNS server that has one IPv4 address for every name.
type names struct {
	conn net.PacketConn

	mu sync.Mutex
	ip net.IP // nil: there is no such name
}

func newNames(t *testing.T, ip net.IP) *names {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &names{conn: conn, ip: ip}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.serve()
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-ended
	})
	return n
}

func (n *names) set(ip net.IP) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ip = ip
}

func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", n.conn.LocalAddr().String())
	}}
}

func (n *names) serve() {
	buf := make([]byte, 1500)
	for {
		size, from, err := n.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		_, _ = n.conn.WriteTo(n.answer(buf[:size]), from)
	}
}

// answer makes the answer to a query (RFC 1035): its header, its question, and one record
// if it asks for an A record.
func (n *names) answer(query []byte) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	end := 12
	for query[end] != 0 {
		end += 1 + int(query[end])
	}
	question := query[12 : end+5]
	header := []byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}
	isA := question[len(question)-3] == 1
	switch {
	case n.ip == nil:
		header[3] |= 3 // no such name
	case isA:
		header[7] = 1
	}
	answer := append(header, question...)
	if n.ip != nil && isA {
		answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		answer = append(answer, n.ip.To4()...)
	}
	return answer
}
