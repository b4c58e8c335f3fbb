package socket

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
)

func TestCloseShakesHands(t *testing.T) {
	for name, side := range sides {
		t.Run(name, func(t *testing.T) {
			c, p := connect(t, side, Options{})
			c.Write(soon(t), Text, []byte("last"))
			result := make(chan error)
			go func() { result <- c.Close(soon(t), GoingAway, "restart") }()
			p.expect(raw{op: 1, payload: "last"})
			p.expect(closing(1001, "restart"))
			if side == server {
				p.expectEnd() // before the answer: some peers wait for it
			}
			p.send(raw{op: 1, payload: "late"}, raw{op: 9}, closing(1001, ""))
			if side == client {
				p.expectEnd()
			}
			p.Close()
			if err := <-result; err != nil {
				t.Errorf("Close: %v", err)
			}
			if err := c.Err(); !errors.Is(err, net.ErrClosed) || err != ErrClosed {
				t.Errorf("Err: %v", err)
			}
			over(t, c)
		})
	}
}

// over checks that the connection has ended and all its methods say so.
func over(t *testing.T, c *Conn) {
	t.Helper()
	select {
	case <-c.Done():
	default:
		t.Error("Done is open")
	}
	select {
	case <-c.gone:
	default:
		t.Error("the connection's goroutine is still there")
	}
	ctx := context.Background()
	if err := c.Write(ctx, Text, nil); err == nil {
		t.Error("Write works")
	}
	if err := c.Ping(ctx, nil); err == nil {
		t.Error("Ping works")
	}
	if _, _, err := c.Read(ctx); err == nil {
		t.Error("Read works")
	}
	if err := c.CloseNow(); err != nil {
		t.Errorf("CloseNow: %v", err)
	}
}

func TestCloseLeavesThePeersAnswerToAnActiveRead(t *testing.T) {
	for name, side := range sides {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := connectPipe(t, side, Options{})
				type result struct {
					text string
					err  error
				}
				reads := make(chan result, 5)
				go func() {
					for {
						_, payload, err := c.Read(t.Context())
						reads <- result{string(payload), err}
						if err != nil {
							return
						}
					}
				}()
				synctest.Wait()
				closed := make(chan error)
				go func() { closed <- c.Close(t.Context(), NormalClosure, "") }()
				p.expect(closing(1000, ""))
				p.send(raw{op: 1, payload: "ack"}, closing(4000, "me too"))
				if got := <-reads; got.text != "ack" {
					t.Errorf("a message on its way: %+v", got)
				}
				var peer *CloseError
				if got := <-reads; !errors.As(got.err, &peer) || peer.Code != 4000 {
					t.Errorf("Read: %v", got.err)
				}
				if err := <-closed; err != nil {
					t.Errorf("Close: %v", err)
				}
				if _, _, err := c.Read(t.Context()); !errors.As(err, &peer) {
					t.Errorf("Read again: %v", err)
				}
			})
		})
	}
}

func TestCloseReadsItselfWhenTheReaderDoesNotComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connectPipe(t, server, Options{})
		go c.Read(t.Context())
		synctest.Wait()
		start := time.Now()
		closed := make(chan error)
		go func() { closed <- c.Close(t.Context(), NormalClosure, "") }()
		p.expect(closing(1000, ""))
		synctest.Wait()
		p.send(raw{op: 1, payload: "read"}, raw{op: 1, more: true, payload: "dropped"}, raw{op: 9}, raw{payload: "dropped"}, raw{op: 1}, closing(1000, ""))
		if err := <-closed; err != nil || time.Since(start) != comeback {
			t.Errorf("Close returned %v after %v", err, time.Since(start))
		}
	})
}

func TestReadThatComesWhileCloseReadsWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connectPipe(t, client, Options{})
		go c.Close(t.Context(), NormalClosure, "")
		p.expect(closing(1000, ""))
		synctest.Wait()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := c.Read(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Read: %v", err)
		}
		go p.send(closing(1000, ""))
		_, _, err := c.Read(t.Context())
		var peer *CloseError
		if !errors.As(err, &peer) {
			t.Errorf("Read: %v", err)
		}
	})
}

func TestCloseWaitsFiveSecondsForASilentPeer(t *testing.T) {
	for name, side := range sides {
		for _, reading := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, p := connectPipe(t, side, Options{})
					if reading {
						go c.Read(t.Context())
					}
					go io.Copy(io.Discard, p)
					start := time.Now()
					err := c.Close(t.Context(), NormalClosure, "")
					if took := time.Since(start); took != closeWait || !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("Close returned %v after %v", err, took)
					}
					over(t, c)
				})
			})
		}
	}
}

func TestCloseWaitsFiveSecondsForAPeerThatTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := connectPipe(t, server, Options{})
		c.Write(t.Context(), Text, []byte("a"))
		start := time.Now()
		err := c.Close(t.Context(), NormalClosure, "")
		if took := time.Since(start); took != closeWait || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close returned %v after %v", err, took)
		}
	})
}

func TestCloseEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connectPipe(t, client, Options{})
		go io.Copy(io.Discard, p)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		if err := c.Close(ctx, NormalClosure, ""); !errors.Is(err, context.Canceled) || time.Since(start) != time.Second {
			t.Errorf("Close returned %v after %v", err, time.Since(start))
		}
		over(t, c)
	})
}

// Published PHP clients never answer a close frame, they just end.
func TestCloseIsContentWithAPeerThatJustEnds(t *testing.T) {
	for _, reading := range []bool{false, true} {
		c, p := connect(t, server, Options{})
		if reading {
			go c.Read(context.Background())
		}
		go func() {
			p.next()
			p.expectEnd()
			p.Close()
		}()
		if err := c.Close(soon(t), NormalClosure, ""); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

func TestCloseEchoesThePeersCodeAtOnce(t *testing.T) {
	for name, side := range sides {
		for _, test := range []struct{ sent, echo raw }{
			{closing(4321, "why"), closing(4321, "")},
			{raw{op: 8}, raw{op: 8}},
		} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c, p := connectPipe(t, side, Options{})
					go p.send(raw{op: 9, payload: "p"}, test.sent)
					c.Read(t.Context())
					start := time.Now()
					closed := make(chan error)
					go func() { closed <- c.Close(t.Context(), NormalClosure, "ignored") }()
					p.expect(raw{op: 10, payload: "p"})
					p.expect(test.echo)
					p.expectEnd()
					if err := <-closed; err != nil || time.Since(start) != 0 {
						t.Errorf("Close returned %v after %v", err, time.Since(start))
					}
				})
			})
		}
	}
}

func TestCloseAfterAProtocolErrorTellsThePeer(t *testing.T) {
	for name, side := range sides {
		t.Run(name, func(t *testing.T) {
			c, p := connect(t, side, Options{})
			p.send(raw{op: 3, payload: strings.Repeat("garbage", 10_000)})
			_, _, err := c.Read(soon(t))
			var fault *ProtocolError
			if !errors.As(err, &fault) {
				t.Fatal(err)
			}
			closed := make(chan error)
			go func() { closed <- c.Close(soon(t), fault.Code, fault.Reason) }()
			p.expect(closing(1002, fault.Reason))
			p.Close()
			if err := <-closed; err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
}

func TestCloseAfterAProtocolErrorWaitsNotLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connectPipe(t, client, Options{})
		go p.send(raw{op: 3})
		c.Read(t.Context())
		go io.Copy(io.Discard, p)
		start := time.Now()
		if err := c.Close(t.Context(), ProtocolFault, ""); err != nil || time.Since(start) != linger {
			t.Errorf("Close returned %v after %v", err, time.Since(start))
		}
	})
}

func TestCloseFrameCarriesWhatMayTravel(t *testing.T) {
	long := strings.Repeat("ä", 100)
	tests := []struct {
		code   Code
		reason string
		want   string
	}{
		{1000, "", "\x03\xe8"},
		{1000, "bye", "\x03\xe8bye"},
		{4999, "x", "\x13\x87x"},
		{1013, long, "\x03\xf5" + long[:122]}, // the 123rd byte would be half a rune
		{1000, "a\xffb", "\x03\xe8a\uFFFDb"},
		{NoStatus, "lost", ""},
		{Abnormal, "lost", ""},
		{0, "lost", ""},
		{5000, "lost", ""},
	}
	for _, test := range tests {
		if got := string(closePayload(test.code, test.reason)); got != test.want {
			t.Errorf("code %d: %q, want %q", test.code, got, test.want)
		}
	}
}

func TestNothingFollowsTheCloseFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connectPipe(t, client, Options{})
		go c.Read(t.Context())
		for i := range 200 {
			p.send(raw{op: 9, payload: fmt.Sprintf("%0125d", i)})
		}
		synctest.Wait() // more pings than may be answered
		go c.Close(t.Context(), NormalClosure, "")
		synctest.Wait()
		p.send(raw{op: 9})
		last := p.next()
		for last.op == 10 && !strings.HasSuffix(last.payload, "199") {
			last = p.next()
		}
		p.expect(closing(1000, ""))
		p.send(raw{op: 9}, closing(1000, ""))
		p.expectEnd()
	})
}

func TestCloseNowDoesNotWaitForATLSPeerThatTakesNothing(t *testing.T) {
	cert := certificates()
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		defer b.Close()
		conn := tls.Server(a, &tls.Config{Certificates: cert})
		peer := tls.Client(b, &tls.Config{InsecureSkipVerify: true})
		go peer.Handshake()
		if err := conn.Handshake(); err != nil {
			t.Fatal(err)
		}
		c := newConn(conn, nil, server, Options{})
		start := time.Now()
		c.CloseNow()
		if took := time.Since(start); took != 0 {
			t.Errorf("CloseNow took %v", took)
		}
	})
}

// certificates returns what a server of httptest has.
func certificates() []tls.Certificate {
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	return s.TLS.Certificates
}

func TestManyClosesAtOnce(t *testing.T) {
	for name, side := range sides {
		t.Run(name, func(t *testing.T) {
			c, p := connect(t, side, Options{})
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					if err := c.Close(soon(t), NormalClosure, ""); err != nil {
						t.Errorf("Close: %v", err)
					}
				})
			}
			wg.Go(func() {
				for {
					if _, _, err := c.Read(soon(t)); err != nil {
						return
					}
				}
			})
			p.expect(closing(1000, ""))
			p.send(closing(1000, ""))
			p.expectEnd()
			p.Close()
			wg.Wait()
			over(t, c)
		})
	}
}

func TestWaitingWritesEndWithClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connectPipe(t, server, Options{WriteBuffer: 100})
		fill(t, c)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if err := c.Write(t.Context(), Binary, make([]byte, 90)); err != ErrClosed {
					t.Errorf("waiting Write: %v", err)
				}
			})
		}
		synctest.Wait()
		go c.Close(t.Context(), NormalClosure, "")
		wg.Wait()
		p.next()
		p.next()
		p.expect(closing(1000, ""))
		p.send(closing(1000, ""))
		<-c.Done()
	})
}

func TestCloseNowEndsEverything(t *testing.T) {
	for name, side := range sides {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _ := connectPipe(t, side, Options{WriteBuffer: 10})
				fill(t, c)
				var wg sync.WaitGroup
				for _, wait := range []func() error{
					func() error { _, _, err := c.Read(t.Context()); return err },
					func() error { return c.Write(t.Context(), Text, []byte("b")) },
					func() error { return c.Flush(t.Context()) },
				} {
					wg.Go(func() {
						if err := wait(); err != ErrClosed {
							t.Errorf("a wait ended with %v", err)
						}
					})
				}
				synctest.Wait()
				c.CloseNow()
				wg.Wait()
				over(t, c)
				if err := c.Close(t.Context(), NormalClosure, ""); err != nil {
					t.Errorf("Close after CloseNow: %v", err)
				}
			})
		})
	}
}

func TestCloseNowEndsAnActiveClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connectPipe(t, server, Options{})
		go io.Copy(io.Discard, p)
		go c.Read(t.Context())
		closed := make(chan error)
		go func() { closed <- c.Close(t.Context(), NormalClosure, "") }()
		synctest.Wait()
		c.CloseNow()
		if err := <-closed; err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

func TestReadAfterCloseNowGivesNothingMore(t *testing.T) {
	c, p := connect(t, server, Options{})
	p.send(raw{op: 1, payload: "a"}, raw{op: 1, payload: "b"})
	if _, _, err := c.Read(soon(t)); err != nil {
		t.Fatal(err)
	}
	c.CloseNow()
	if _, payload, err := c.Read(soon(t)); err != ErrClosed {
		t.Errorf("Read gave %q, %v", payload, err)
	}
}

func TestCloseAfterAFailureSaysWhy(t *testing.T) {
	c, p := connect(t, client, Options{})
	p.Close()
	_, _, err := c.Read(soon(t))
	if got := c.Close(soon(t), NormalClosure, ""); err == nil || got != err {
		t.Errorf("Close: %v, Read: %v", got, err)
	}
}

// A reset would make the peer lose the close frame.
func TestServersCloseFrameArrivesThoughThePeerKeepsSending(t *testing.T) {
	c, p := connect(t, server, Options{})
	go func() {
		for {
			if _, err := p.Write(raw{op: 2, payload: strings.Repeat("x", 1000)}.bytes(true)); err != nil {
				return
			}
		}
	}()
	if _, _, err := c.Read(soon(t)); err != nil {
		t.Fatal(err)
	}
	go c.Close(soon(t), PolicyViolation, "enough")
	p.expect(closing(1008, "enough"))
	p.expectEnd()
	p.Close()
	<-c.Done()
}

// The connection is killed in every state it can be in.
func TestConnectionKilledAtAnyMoment(t *testing.T) {
	for i := range 300 {
		side := []ws.State{client, server}[i%2]
		c, p := connect(t, side, Options{WriteBuffer: 500})
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				if _, _, err := c.Read(context.Background()); err != nil {
					return
				}
			}
		})
		for range 3 {
			wg.Go(func() {
				for c.Write(context.Background(), Binary, make([]byte, 100)) == nil {
				}
			})
		}
		p.send(raw{op: 1}, raw{op: 9}, raw{op: 2, payload: "x"})
		wg.Go(func() {
			io.CopyN(io.Discard, p, int64(i*10))
			if i%3 == 0 {
				p.Close()
			}
		})
		switch i % 3 {
		case 1:
			wg.Go(func() { c.CloseNow() })
		case 2:
			wg.Go(func() { c.Close(context.Background(), NormalClosure, "") })
			wg.Go(func() { c.CloseNow() })
		}
		wg.Wait()
		<-c.gone
		p.Close()
	}
}

// A reader may take long over a message while another goroutine closes.
func TestCloseLeavesTheLastMessageAlone(t *testing.T) {
	c, p := connect(t, client, Options{})
	p.send(raw{op: 1, payload: "the last"})
	_, got, err := c.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- c.Close(soon(t), NormalClosure, "") }()
	for range 20 {
		p.send(raw{op: 1, payload: strings.Repeat("x", 1000)})
	}
	p.send(closing(NormalClosure, ""))
	if err := <-closed; err != nil || string(got) != "the last" { // Close has read all that
		t.Errorf("Close returned %v, the message became %q", err, got)
	}
}
