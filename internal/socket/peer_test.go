package socket

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/shopex/prism-go/internal/leak"
	"github.com/shopex/prism-go/internal/patience"
)

func TestMain(m *testing.M) { leak.Main(m) }

const (
	client = ws.StateClientSide
	server = ws.StateServerSide
)

var sides = map[string]ws.State{"client": client, "server": server}

// A raw is a frame as the bytes of RFC 6455 have it, right or wrong. It is
// written without help of the code under test.
type raw struct {
	op      byte
	more    bool // FIN is not set
	rsv     byte // the three bits as a number
	form    int  // 16 or 64 forces that form of the length
	length  uint64
	lies    bool // length is declared in place of the payload's own
	payload string
}

func (r raw) bytes(masked bool) []byte {
	first := r.op | r.rsv<<4
	if !r.more {
		first |= 0x80
	}
	n := uint64(len(r.payload))
	if r.lies {
		n = r.length
	}
	var mask byte
	if masked {
		mask = 0x80
	}
	out := []byte{first}
	switch {
	case r.form == 64 || n > 0xffff:
		out = binary.BigEndian.AppendUint64(append(out, 127|mask), n)
	case r.form == 16 || n > 125:
		out = binary.BigEndian.AppendUint16(append(out, 126|mask), uint16(n))
	default:
		out = append(out, byte(n)|mask)
	}
	key := []byte{0x12, 0xfe, 0x00, 0x7b}
	if masked {
		out = append(out, key...)
	}
	for i := range len(r.payload) {
		b := r.payload[i]
		if masked {
			b ^= key[i%4]
		}
		out = append(out, b)
	}
	return out
}

// A peer is the other end of a Conn, speaking raw frames.
type peer struct {
	net.Conn
	t      testing.TB
	in     *bufio.Reader
	client bool // this peer is the client, so it masks
}

// connect returns a Conn of the given side and its peer over TCP.
func connect(t testing.TB, side ws.State, o Options) (*Conn, *peer) {
	t.Helper()
	a, b := tcp(t)
	c := newConn(disguise(a, side), nil, side, o)
	t.Cleanup(func() { c.CloseNow(); b.Close() })
	return c, newPeer(t, b, side)
}

// connectPipe is connect over a net.Pipe, which has no buffer and works with
// virtual time.
func connectPipe(t testing.TB, side ws.State, o Options) (*Conn, *peer) {
	a, b := net.Pipe()
	c := newConn(disguise(a, side), nil, side, o)
	t.Cleanup(func() { c.CloseNow(); b.Close() })
	return c, newPeer(t, b, side)
}

func newPeer(t testing.TB, conn net.Conn, side ws.State) *peer {
	return &peer{Conn: conn, t: t, in: bufio.NewReader(conn), client: side == server}
}

// disguise hides the deadlines of a client's connection, as net/http does.
func disguise(conn net.Conn, side ws.State) io.ReadWriteCloser {
	if side == client {
		return struct{ io.ReadWriteCloser }{conn}
	}
	return conn
}

// tcp returns the two ends of a connection.
func tcp(t testing.TB) (net.Conn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	b.SetDeadline(time.Now().Add(20 * time.Second)) // a hanging test should end
	return a, b
}

// send writes frames in one write.
func (p *peer) send(frames ...raw) {
	p.t.Helper()
	var all []byte
	for _, f := range frames {
		all = append(all, f.bytes(p.client)...)
	}
	if _, err := p.Write(all); err != nil {
		p.t.Errorf("peer: %v", err)
	}
}

// next reads one frame and checks that it is masked as its side demands.
func (p *peer) next() raw {
	p.t.Helper()
	r, err := p.tryNext()
	if err != nil {
		p.t.Fatalf("peer: %v", err)
	}
	return r
}

func (p *peer) tryNext() (raw, error) {
	var head [2]byte
	if _, err := io.ReadFull(p.in, head[:]); err != nil {
		return raw{}, err
	}
	n := uint64(head[1] & 0x7f)
	var wide [8]byte
	switch n {
	case 126:
		io.ReadFull(p.in, wide[6:])
		n = binary.BigEndian.Uint64(wide[:])
	case 127:
		io.ReadFull(p.in, wide[:])
		n = binary.BigEndian.Uint64(wide[:])
	}
	if masked := head[1]&0x80 != 0; masked == p.client {
		p.t.Errorf("a frame of the peer's client side is masked, one of the server side is not: got %v", masked)
	}
	var key [4]byte
	if !p.client {
		io.ReadFull(p.in, key[:])
	}
	payload := make([]byte, n)
	_, err := io.ReadFull(p.in, payload)
	for i := range payload {
		payload[i] ^= key[i%4]
	}
	return raw{op: head[0] & 15, rsv: head[0] >> 4 & 7, more: head[0]&0x80 == 0, payload: string(payload)}, err
}

// expect reads the next frame and compares it.
func (p *peer) expect(want raw) {
	p.t.Helper()
	if got := p.next(); got != want {
		p.t.Errorf("peer got frame %+v, want %+v", abridged(got), abridged(want))
	}
}

func abridged(r raw) raw {
	if len(r.payload) > 80 {
		r.payload = r.payload[:80] + "..."
	}
	return r
}

// expectEnd reads on until the connection ends and wants no frame before.
func (p *peer) expectEnd() {
	p.t.Helper()
	if r, err := p.tryNext(); err != io.EOF {
		p.t.Errorf("peer got %+v, %v; want the end of the connection", abridged(r), err)
	}
}

func closing(code Code, reason string) raw {
	return raw{op: 8, payload: string(binary.BigEndian.AppendUint16(nil, uint16(code))) + reason}
}

// soon bounds a wait that ought to be over at once.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience.Of(10*time.Second))
	t.Cleanup(cancel)
	return ctx
}
