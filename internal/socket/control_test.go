package socket

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

func never() bool { return false }

// playControl is play by way of ReadControl.
func playControl(side ws.State, o Options, stream io.Reader) (got []message, err error) {
	c := newConn(tape{stream}, nil, side, o)
	defer c.CloseNow()
	for {
		if err := c.ReadControl(context.Background(), never); err != ErrMessage {
			return got, err
		}
		op, payload, err := c.Read(context.Background())
		if err != nil {
			return got, err
		}
		got = append(got, message{op, string(payload)})
	}
}

// connectOpen is connect with a transport that has deadlines, for clients as well.
func connectOpen(t *testing.T, o Options) (*Conn, *peer) {
	a, b := tcp(t)
	c := newConn(a, nil, client, o)
	t.Cleanup(func() { c.CloseNow(); b.Close() })
	return c, newPeer(t, b, client)
}

func TestReadControlEndsWhenEnoughHasCome(t *testing.T) {
	pongs := 0
	c, p := connectOpen(t, Options{OnPong: func([]byte) { pongs++ }})
	p.send(raw{op: 9, payload: "are you there"}, raw{op: 10}, raw{op: 10}, raw{op: 10}, raw{op: 1, payload: "hello"})
	if err := c.ReadControl(t.Context(), func() bool { return pongs == 2 }); err != nil || pongs != 2 {
		t.Errorf("%v, %d pongs", err, pongs)
	}
	p.expect(raw{op: 10, payload: "are you there"})
	if err := c.ReadControl(t.Context(), never); err != ErrMessage || pongs != 3 {
		t.Errorf("%v, %d pongs", err, pongs)
	}
	if _, payload, err := c.Read(t.Context()); err != nil || string(payload) != "hello" {
		t.Errorf("%q, %v", payload, err)
	}
	p.send(closing(1000, "bye"))
	var closed *CloseError
	if err := c.ReadControl(t.Context(), never); !errors.As(err, &closed) || closed.Reason != "bye" {
		t.Errorf("got %v", err)
	}
	if _, _, err := c.Read(t.Context()); err != error(closed) {
		t.Errorf("then %v", err)
	}
}

// TestAnInterruptDoesTheConnectionNoHarm gives up a ReadControl again and again
// while a few frames come byte by byte.
func TestAnInterruptDoesTheConnectionNoHarm(t *testing.T) {
	for name, open := range map[string]func(*testing.T, Options) (*Conn, *peer){"TCP": connectOpen, "TLS": connectTLS} {
		t.Run(name, func(t *testing.T) {
			var pongs bytes.Buffer
			c, p := open(t, Options{OnPong: func(payload []byte) { pongs.Write(payload) }})
			frames := encode([]raw{{op: 10, payload: "one"}, {op: 10, form: 16, payload: "two"}, {op: 10, form: 64, payload: "three"}, {op: 2, payload: "four"}}, false)
			for i := range len(frames) {
				p.Write([]byte(frames[i : i+1]))
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				if err := c.ReadControl(ctx, never); !errors.Is(err, context.DeadlineExceeded) && err != ErrMessage {
					t.Fatalf("after %d bytes: %v", i+1, err)
				}
				cancel()
			}
			if _, payload, err := c.Read(t.Context()); err != nil || string(payload) != "four" || pongs.String() != "onetwothree" {
				t.Errorf("%q, %v, %q", payload, err, &pongs)
			}
		})
	}
}

func connectTLS(t *testing.T, o Options) (*Conn, *peer) {
	a, b := tcp(t)
	far := tls.Server(b, &tls.Config{Certificates: certificates()})
	near := tls.Client(a, &tls.Config{InsecureSkipVerify: true})
	go near.Handshake()
	if err := far.Handshake(); err != nil {
		t.Fatal(err)
	}
	c := newConn(near, nil, client, o)
	t.Cleanup(func() { c.CloseNow(); b.Close() })
	return c, newPeer(t, far, client)
}

// TestALateInterruptChangesNothing has it come when the ReadControl it was meant
// for is over.
func TestALateInterruptChangesNothing(t *testing.T) {
	c, p := connectOpen(t, Options{})
	for range 3 {
		c.interrupt()
		p.send(raw{op: 1, payload: "hello"})
		if _, payload, err := c.Read(t.Context()); err != nil || string(payload) != "hello" {
			t.Fatalf("%q, %v", payload, err)
		}
		c.interrupt()
		p.send(raw{op: 2})
		if err := c.ReadControl(t.Context(), never); err != ErrMessage {
			t.Fatal(err)
		}
		if _, _, err := c.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAContextMayEndWithTheLastPong: who is told of the end may still take the
// ReadControl for active that has just returned.
func TestAContextMayEndWithTheLastPong(t *testing.T) {
	c, p := connectOpen(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := c.ReadControl(ctx, func() bool { return true }); err != nil {
		t.Fatal(err)
	}
	c.reading.Store(c.watch)
	c.watch.fire()
	if err := c.Err(); err != nil {
		t.Errorf("the connection has ended: %v", err)
	}
	p.send(raw{op: 1})
	if _, _, err := c.Read(t.Context()); err != nil {
		t.Error(err)
	}
}

// An impatient is a transport with a time limit of its own.
type impatient struct{ net.Conn }

func (i impatient) Read(p []byte) (int, error) {
	i.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	return i.Conn.Read(p)
}

func TestATransportsOwnTimeoutIsNotTakenForAnInterrupt(t *testing.T) {
	a, b := tcp(t)
	defer b.Close()
	c := newConn(impatient{a}, nil, client, Options{})
	defer c.CloseNow()
	if _, _, err := c.Read(soon(t)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestReadControlTellsOfAReset(t *testing.T) {
	a, b := tcp(t)
	c := newConn(a, nil, client, Options{})
	defer c.CloseNow()
	b.(*net.TCPConn).SetLinger(0)
	b.Close()
	if err := c.ReadControl(t.Context(), never); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v", err)
	}
}

func TestReadControlNoticesWhatEndsIt(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	c, _ := connectOpen(t, Options{})
	for range 2 {
		if err := c.ReadControl(ended, never); !errors.Is(err, context.Canceled) || c.Err() != nil {
			t.Errorf("a context that has ended: %v, the connection: %v", err, c.Err())
		}
	}
	result := make(chan error)
	go func() { result <- c.ReadControl(t.Context(), never) }()
	c.CloseNow()
	if err := <-result; !errors.Is(err, ErrClosed) {
		t.Errorf("closed meanwhile: %v", err)
	}
	if err := c.ReadControl(t.Context(), never); !errors.Is(err, ErrClosed) {
		t.Errorf("closed before: %v", err)
	}
}

// A shown is a body that shows the connection below, as that of prism.Client.Upgrade
// does.
type shown struct {
	io.ReadWriteCloser
	conn net.Conn
}

func (s shown) NetConn() net.Conn { return s.conn }

func TestWhatATransportCanDo(t *testing.T) {
	overTCP := func() net.Conn { conn, _ := tcp(t); return conn }
	pipe := func() net.Conn { conn, _ := net.Pipe(); return conn }
	for _, row := range []struct {
		name               string
		rwc                io.ReadWriteCloser
		deadline, buffered bool
	}{
		{"TCP", overTCP(), true, true},
		{"TLS", tls.Client(overTCP(), nil), true, true},
		{"a body that shows it", shown{pipe(), overTCP()}, true, true},
		{"a body that hides it", struct{ io.ReadWriteCloser }{overTCP()}, false, false},
		{"a pipe", pipe(), true, false},
		{"TLS over a pipe", tls.Client(pipe(), nil), false, false},
		{"a connection without deadlines", newStuck(), false, false},
		{"no connection", tape{}, false, false},
	} {
		c := newConn(row.rwc, nil, client, Options{})
		if has := c.deadline != nil; has != row.deadline || c.buffered != row.buffered {
			t.Errorf("%s: deadline %v, buffered %v", row.name, has, c.buffered)
		}
		c.CloseNow()
	}
}

// A timeless is a transport that takes deadlines and does nothing with them.
type timeless struct{ net.Conn }

func (timeless) SetReadDeadline(time.Time) error { return nil }

func TestOnlyAnInterruptThatWorkedMakesInterruptible(t *testing.T) {
	for _, works := range []bool{true, false} {
		a, b := tcp(t)
		if !works {
			a = timeless{a}
		}
		c, p := newConn(a, nil, client, Options{}), newPeer(t, b, client)
		if c.Interruptible() {
			t.Error("before any read")
		}
		for range 2 {
			p.send(raw{op: 1})
			if _, _, err := c.Read(t.Context()); err != nil {
				t.Error(err)
			}
			if c.Interruptible() != works {
				t.Errorf("after a read: %v, want %v", !works, works)
			}
		}
		c.CloseNow()
		p.Close()
	}
}

// A mute is a transport that returns nothing, and no error.
type mute struct{ tape }

func (mute) Read([]byte) (int, error) { return 0, nil }

func TestATransportThatReturnsNothingIsNotAskedForEver(t *testing.T) {
	c := newConn(mute{}, nil, client, Options{})
	defer c.CloseNow()
	if _, _, err := c.Read(t.Context()); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("got %v", err)
	}
}
