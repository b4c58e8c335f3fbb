package socket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestWriteMakesOneMinimalFrame(t *testing.T) {
	for name, side := range sides {
		t.Run(name, func(t *testing.T) {
			c, p := connect(t, side, Options{})
			for _, size := range []int{0, 1, 125, 126, 127, 128, 65535, 65536, 300 << 10, 1 << 20} {
				payload := strings.Repeat("0123456789abcdef", size/16+1)[:size]
				if err := c.Write(soon(t), Binary, []byte(payload)); err != nil {
					t.Fatal(err)
				}
				p.expect(raw{op: 2, payload: payload})
			}
			c.Write(soon(t), Text, []byte("a"))
			p.expect(raw{op: 1, payload: "a"})
		})
	}
}

func TestLengthsTakeTheShortestForm(t *testing.T) {
	for n, want := range map[int]string{
		0: "\x00", 125: "\x7d", 126: "\x7e\x00\x7e", 65535: "\x7e\xff\xff", 65536: "\x7f\x00\x00\x00\x00\x00\x01\x00\x00",
	} {
		if got := string(appendLength(nil, n)); got != want {
			t.Errorf("length %d: % x, want % x", n, got, want)
		}
	}
}

func TestWriteRefusesOtherOpcodes(t *testing.T) {
	c, _ := connect(t, client, Options{})
	for _, op := range []Opcode{0, 3, 8, 9, 10, 255} {
		if err := c.Write(soon(t), op, nil); err == nil {
			t.Errorf("opcode %d was taken", op)
		}
	}
}

func TestClientMasksEachFrameAnew(t *testing.T) {
	a, b := tcp(t)
	defer b.Close()
	c := newConn(a, nil, client, Options{})
	defer c.CloseNow()
	seen := map[string]bool{}
	for range 100 {
		c.Write(soon(t), Binary, []byte("abcd"))
		frame := make([]byte, 10)
		if _, err := io.ReadFull(b, frame); err != nil {
			t.Fatal(err)
		}
		seen[string(frame[2:6])] = true
	}
	if len(seen) < 100 {
		t.Errorf("%d different keys in 100 frames", len(seen))
	}
}

func TestWriteDoesNotChangeOrKeepThePayload(t *testing.T) {
	c, p := connect(t, client, Options{})
	payload := []byte("hello")
	c.Write(soon(t), Text, payload)
	if string(payload) != "hello" {
		t.Errorf("payload became %q", payload)
	}
	copy(payload, "XXXXX")
	p.expect(raw{op: 1, payload: "hello"})
}

// A stuck is a peer that takes writes only when told to.
type stuck struct {
	io.Reader
	net.Conn // nil: only what is below is used
	writes   chan []byte
	closed   chan struct{}
	once     sync.Once
}

func newStuck() *stuck {
	s := &stuck{writes: make(chan []byte), closed: make(chan struct{})}
	return s
}

func (s *stuck) Read([]byte) (int, error)        { <-s.closed; return 0, net.ErrClosed }
func (s *stuck) Close() error                    { s.once.Do(func() { close(s.closed) }); return nil }
func (s *stuck) SetReadDeadline(time.Time) error { return errors.ErrUnsupported }
func (s *stuck) Write(p []byte) (int, error) {
	select {
	case s.writes <- bytes.Clone(p):
		return len(p), nil
	case <-s.closed:
		return 0, net.ErrClosed
	}
}

func TestWaitingFramesLeaveInOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStuck()
		c := newConn(s, nil, server, Options{})
		defer c.CloseNow()
		for i := range 1000 {
			c.Write(t.Context(), Text, fmt.Append(nil, i%10))
			synctest.Wait() // the first write is under way
		}
		if first := <-s.writes; len(first) != 3 {
			t.Errorf("a lone frame should leave at once, got %d bytes", len(first))
		}
		if second := <-s.writes; len(second) != 999*3 || string(second[:6]) != "\x81\x011\x81\x012" {
			t.Errorf("got %d bytes, want 999 frames in one write", len(second))
		}
	})
}

func TestWriteWaitsOnlyWhileTheQueueIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStuck()
		c := newConn(s, nil, server, Options{WriteBuffer: 1000})
		defer c.CloseNow()
		frame := make([]byte, 200)
		for c.Write(brief(t), Binary, frame) == nil {
		}
		c.mu.Lock()
		backlog := c.out.queued - c.out.written
		c.mu.Unlock()
		if backlog > 1000 || backlog < 600 {
			t.Errorf("%d bytes were queued before Write waited, the bound is 1000", backlog)
		}
		err := c.Write(brief(t), Binary, frame)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Write on a full queue: %v", err)
		}
		go func() { <-s.writes }()
		if err := c.Write(brief(t), Binary, frame); err != nil {
			t.Errorf("Write after there was room: %v", err)
		}
	})
}

func brief(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	t.Cleanup(cancel)
	return ctx
}

const full = 2 + 90 // bytes of a frame after which a server's small queue is full

// fill makes a queue of at most 200 bytes full: one frame is being written to a
// peer that takes nothing, and one waits.
func fill(t *testing.T, c *Conn) {
	for range 2 {
		if err := c.Write(t.Context(), Binary, make([]byte, 90)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	}
}

func TestLargeFrameIsLetInAloneAndNotPassedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStuck()
		c := newConn(s, nil, server, Options{WriteBuffer: 220})
		defer c.CloseNow()
		fill(t, c)
		order := make(chan string, 2)
		write := func(name string, size int) {
			if err := c.Write(t.Context(), Binary, make([]byte, size)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			order <- name
		}
		var wg sync.WaitGroup
		wg.Go(func() { write("large", 5000) })
		synctest.Wait()
		wg.Go(func() { write("small", 1) }) // there is room for it, but large came first
		synctest.Wait()
		if len(order) != 0 {
			t.Errorf("%s did not wait", <-order)
		}
		for got := 0; got < 2*full+5004+3; {
			got += len(<-s.writes)
		}
		wg.Wait()
		if first := <-order; first != "large" {
			t.Errorf("the %s frame passed the other", first)
		}
	})
}

func TestContextEndingInTurnQueuesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStuck()
		c := newConn(s, nil, server, Options{WriteBuffer: 100})
		defer c.CloseNow()
		fill(t, c)
		var refused atomic.Int32
		for range 20 {
			go func() {
				if errors.Is(c.Write(brief(t), Text, make([]byte, 50)), context.DeadlineExceeded) {
					refused.Add(1)
				}
			}()
		}
		time.Sleep(2 * time.Second) // virtual
		if refused.Load() != 20 {
			t.Errorf("%d of 20 writes gave up", refused.Load())
		}
		<-s.writes
		<-s.writes
		if err := c.Write(t.Context(), Text, []byte("a")); err != nil {
			t.Fatal(err)
		}
		if got := <-s.writes; string(got) != "\x81\x01a" {
			t.Errorf("after that the peer got %q", got)
		}
	})
}

func TestFlushReturnsWhenAllWasHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStuck()
		c := newConn(s, nil, client, Options{})
		defer c.CloseNow()
		if err := c.Flush(t.Context()); err != nil {
			t.Errorf("nothing queued: %v", err)
		}
		c.Write(t.Context(), Text, []byte("a"))
		if err := c.Flush(brief(t)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("peer takes nothing: %v", err)
		}
		flushed := make(chan error)
		go func() { flushed <- c.Flush(t.Context()) }()
		synctest.Wait()
		<-s.writes
		if err := <-flushed; err != nil {
			t.Errorf("all handed over: %v", err)
		}
	})
}

func TestWriteTimeoutFailsTheConnection(t *testing.T) {
	for name, side := range sides {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _ := connectPipe(t, side, Options{WriteTimeout: time.Minute, WriteBuffer: 100})
				start := time.Now()
				fill(t, c)
				var wg sync.WaitGroup
				wg.Go(func() {
					if err := c.Flush(t.Context()); err != errSlowPeer {
						t.Errorf("Flush: %v", err)
					}
				})
				wg.Go(func() {
					if err := c.Write(t.Context(), Binary, make([]byte, 90)); err != errSlowPeer {
						t.Errorf("waiting Write: %v", err)
					}
				})
				wg.Go(func() {
					if _, _, err := c.Read(t.Context()); err != errSlowPeer {
						t.Errorf("Read: %v", err)
					}
				})
				wg.Wait()
				<-c.Done()
				if took := time.Since(start); took != time.Minute || c.Err() != errSlowPeer {
					t.Errorf("after %v: %v", took, c.Err())
				}
				if err := c.Write(t.Context(), Text, nil); err != errSlowPeer {
					t.Errorf("later Write: %v", err)
				}
			})
		})
	}
}

func TestSlowButSteadyPeerMayTakeALargeFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStuck()
		c := newConn(s, nil, server, Options{WriteTimeout: time.Minute, WriteBuffer: 1000})
		defer c.CloseNow()
		c.Write(t.Context(), Binary, make([]byte, 100_000))
		for got := 0; got < 100_000; {
			time.Sleep(59 * time.Second) // virtual
			piece := len(<-s.writes)
			if got += piece; piece > 10_000 {
				t.Errorf("%d bytes were to be taken within the timeout", piece)
			}
		}
		if err := c.Flush(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestWriteTimeoutDoesNotCountIdleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connectPipe(t, client, Options{WriteTimeout: time.Minute})
		for range 3 {
			c.Write(t.Context(), Text, []byte("a"))
			p.next()
			time.Sleep(time.Hour) // virtual
		}
		if err := c.Err(); err != nil {
			t.Error(err)
		}
	})
}

// The publisher's case: the server refuses with a reason and closes while the
// client writes.
func TestReasonOfThePeerSurvivesABrokenPipe(t *testing.T) {
	c, p := connect(t, client, Options{})
	p.send(closing(1008, "quota"))
	p.Close()
	for c.Write(soon(t), Binary, make([]byte, 10_000)) == nil {
	}
	_, _, err := c.Read(soon(t))
	var closed *CloseError
	if !errors.As(err, &closed) || closed.Reason != "quota" {
		t.Errorf("Read: %v", err)
	}
	c.Close(soon(t), NormalClosure, "")
}

func TestFailedWriteEndsEveryWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connectPipe(t, client, Options{WriteBuffer: 200})
		fill(t, c)
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := c.Write(t.Context(), Binary, make([]byte, 90)); !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("Write: %v", err)
			}
		})
		wg.Go(func() {
			if err := c.Flush(t.Context()); !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("Flush: %v", err)
			}
		})
		synctest.Wait()
		p.Close()
		wg.Wait()
		start := time.Now()
		<-c.Done()
		if err := c.Err(); time.Since(start) > lastWords || !strings.HasPrefix(err.Error(), "socket: write: ") {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestPingKeepsItsPlaceAmongMessages(t *testing.T) {
	c, p := connect(t, client, Options{})
	c.Write(soon(t), Text, []byte("a"))
	c.Ping(soon(t), []byte("p"))
	c.Write(soon(t), Text, []byte("b"))
	for _, want := range []raw{{op: 1, payload: "a"}, {op: 9, payload: "p"}, {op: 1, payload: "b"}} {
		p.expect(want)
	}
	if err := c.Ping(soon(t), make([]byte, 126)); err == nil {
		t.Error("a ping of 126 bytes was taken")
	}
	c.Ping(soon(t), make([]byte, 125))
	p.expect(raw{op: 9, payload: string(make([]byte, 125))})
}

// The ping behind is made when its batch leaves, and is the last of it.
func TestThePingBehindIsTheLastOfItsBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, count := newStuck(), 0
		c := newConn(s, nil, server, Options{PingPayload: func(dst []byte) []byte {
			count++
			return fmt.Append(dst, count)
		}})
		defer c.CloseNow()
		c.Write(t.Context(), Binary, []byte("first"))
		synctest.Wait() // it is being written
		for _, body := range []string{"a", "b", "c"} {
			c.Write(t.Context(), Binary, []byte(body))
			if body != "c" {
				c.PingBehind()
			}
		}
		<-s.writes
		if got := string(<-s.writes); got != "\x82\x01a\x82\x01b\x82\x01c\x89\x011" {
			t.Errorf("wrote %q", got)
		}
		synctest.Wait()
		c.PingBehind()
		if got := string(<-s.writes); got != "\x89\x012" {
			t.Errorf("a ping alone is %q", got)
		}
	})
}

func TestThePingBehindGoesBeforeTheCloseFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStuck()
		c := newConn(s, nil, server, Options{PingPayload: func(dst []byte) []byte { return append(dst, 'p') }})
		defer c.CloseNow()
		c.Write(t.Context(), Binary, []byte("first"))
		synctest.Wait() // it is being written
		c.Write(t.Context(), Binary, []byte("a"))
		c.PingBehind()
		go c.Close(t.Context(), NormalClosure, "")
		synctest.Wait()
		<-s.writes
		if got := string(<-s.writes); got != "\x82\x01a\x89\x01p\x88\x02\x03\xe8" {
			t.Errorf("wrote %q", got)
		}
	})
}

func TestPingFloodOfADeafPeerCostsNoMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connectPipe(t, server, Options{WriteBuffer: 10})
		go func() {
			for i := range 5000 {
				p.send(raw{op: 9, payload: fmt.Sprintf("%0125d", i)})
			}
			p.send(raw{op: 1})
		}()
		if _, _, err := c.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.mu.Lock()
		backlog := c.out.queued - c.out.written
		c.mu.Unlock()
		if backlog > 2*maxPongs {
			t.Errorf("%d bytes of pongs wait", backlog)
		}
		last, count := "", 0
		for ; !strings.HasSuffix(last, "4999"); count++ {
			last = p.next().payload // the newest is answered
		}
		if count > 2*maxPongs/125+2 {
			t.Errorf("%d pongs were sent", count)
		}
	})
}

func TestPongPassesAFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connectPipe(t, client, Options{WriteBuffer: 100})
		for c.Write(brief(t), Binary, make([]byte, 80)) == nil {
		}
		go c.Read(t.Context())
		p.send(raw{op: 9, payload: "p"})
		for op := byte(2); op != 10; {
			op = p.next().op
		}
		c.CloseNow()
	})
}

func TestManyWritersKeepTheirFramesWhole(t *testing.T) {
	const writers, each = 100, 50
	c, p := connect(t, client, Options{WriteBuffer: 2000})
	for w := range writers {
		go func() {
			for i := range each {
				text := fmt.Sprintf("%d %d %s", w, i, strings.Repeat("x", rand.IntN(500)))
				if err := c.Write(soon(t), Text, []byte(text)); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	next := make([]int, writers)
	for range writers * each {
		var w, i int
		if _, err := fmt.Sscan(p.next().payload, &w, &i); err != nil || next[w] != i {
			t.Fatalf("writer %d: message %d instead of %d, %v", w, i, next[w], err)
		}
		next[w]++
	}
}

func TestIdleConnectionHoldsNoWriteBuffer(t *testing.T) {
	c, p := connect(t, server, Options{})
	for range 3 {
		c.Write(soon(t), Binary, make([]byte, 100_000))
		c.Write(soon(t), Binary, make([]byte, 10))
		p.next()
		p.next()
	}
	c.Flush(soon(t))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.out.next != nil {
		t.Errorf("%d bytes are held", cap(c.out.next.bytes))
	}
}

func TestWriteAllocatesNothingForSmallMessages(t *testing.T) {
	c := newConn(tape{strings.NewReader("")}, nil, client, Options{})
	defer c.CloseNow()
	payload, ctx := make([]byte, 200), context.Background()
	allocs := testing.AllocsPerRun(10_000, func() { c.Write(ctx, Binary, payload) })
	if allocs != 0 {
		t.Errorf("%v allocations a message, want none", allocs)
	}
}
