package prismtest

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// gated returns the client's end of a pipe, and the platform's behind a gate.
func gated(t *testing.T) (client net.Conn, c *conn, n *network) {
	t.Helper()
	pipes := newPipeNet()
	n = newNetwork(pipes.listen())
	dialled := make(chan net.Conn, 1)
	go func() {
		client, err := pipes.dial(t.Context(), "", "")
		if err != nil {
			t.Error(err)
		}
		dialled <- client
	}()
	accepted, err := n.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return <-dialled, accepted.(*conn), n
}

// net/http interrupts a read by a deadline when a connection is taken over, and
// must find the bytes that had come by then.
func TestBytesHeldBackSurviveADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, c, n := gated(t)
		n.stall(false)
		client.Write([]byte("hello"))
		client.Close()
		c.SetReadDeadline(time.Now().Add(time.Second))
		buf := make([]byte, 16)
		if _, err := c.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("a stalled read: %v", err)
		}
		c.SetReadDeadline(time.Time{})
		n.resume()
		got, err := io.ReadAll(byteByByte{c})
		if err != nil || string(got) != "hello" {
			t.Errorf("read %q, %v", got, err)
		}
	})
}

// byteByByte reads byte by byte.
type byteByByte struct{ io.Reader }

func (r byteByByte) Read(p []byte) (int, error) { return r.Reader.Read(p[:1]) }

func TestTheEndOfAStalledConnectionIsSeenWhenItResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, c, n := gated(t)
		n.stall(false)
		reading := make(chan error, 1)
		go func() { _, err := c.Read(make([]byte, 1)); reading <- err }()
		synctest.Wait()
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := <-reading; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Close woke the reader with %v", err)
		}
		client.SetReadDeadline(time.Now().Add(time.Hour))
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the peer saw %v", err)
		}
		client.SetReadDeadline(time.Time{})
		n.resume()
		if _, err := client.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("after Resume the peer saw %v", err)
		}
		if len(n.conns) != 0 {
			t.Error("the connection is still known")
		}
	})
}

func TestCloseWakesWhoWaitsAtTheGate(t *testing.T) {
	for name, act := range map[string]func(*conn) error{
		"Write":      func(c *conn) error { _, err := c.Write([]byte("x")); return err },
		"CloseWrite": func(c *conn) error { return c.CloseWrite() },
		"Read":       func(c *conn) error { _, err := c.Read(make([]byte, 1)); return err },
	} {
		for ending, end := range map[string]func(*conn, *network){
			"close": func(c *conn, _ *network) { c.Close() },
			"cut":   func(_ *conn, n *network) { n.cut() },
		} {
			t.Run(name+" "+ending, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					client, c, n := gated(t)
					n.stall(false)
					client.Write([]byte("x"))
					done := make(chan error, 1)
					go func() { done <- act(c) }()
					synctest.Wait()
					end(c, n)
					if err := <-done; err == nil {
						t.Error("it passed the gate")
					}
				})
			})
		}
	}
}

func TestACutIsAReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, c, n := gated(t)
		c.Write([]byte("on its way"))
		if cut := n.cut(); cut != 1 {
			t.Errorf("%d connections were cut", cut)
		}
		if _, err := client.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Errorf("the peer read on, or saw an orderly end: %v", err)
		}
		c.Close()
		if n.cut() != 0 {
			t.Error("it was cut twice")
		}
	})
}
