package socket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestAPushHereWritesAllThatWasOffered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStuck()
		c := newConn(s, nil, server, Options{})
		c.buffered = true
		defer c.CloseNow()
		synctest.Wait() // the writer is idle
		c.Offer(Binary, []byte("a"))
		c.Offer(Binary, []byte("b"))
		synctest.Wait()
		select {
		case early := <-s.writes:
			t.Fatalf("%q left before the push", early)
		default:
		}
		pushed := make(chan struct{})
		go func() { c.Push(true); close(pushed) }()
		synctest.Wait()
		c.Write(t.Context(), Binary, []byte("c")) // while the first is being written
		if got := string(<-s.writes); got != "\x82\x01a\x82\x01b" {
			t.Errorf("pushed %q", got)
		}
		<-pushed
		if got := string(<-s.writes); got != "\x82\x01c" {
			t.Errorf("then %q", got)
		}
	})
}

func TestAPushWaitsForNobodyWhereTheKernelHasNoBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connectPipe(t, server, Options{})
		synctest.Wait()
		c.Offer(Binary, []byte("a"))
		began := time.Now()
		c.Push(true)
		if took := time.Since(began); took > 0 {
			t.Errorf("it waited %v for the peer to read", took)
		}
		p.expect(raw{op: 2, payload: "a"})
	})
}

// Others may have offered much before somebody pushes who knows of his own alone.
func TestAPushWaitsForNobodyWithMuchToWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStuck()
		c := newConn(s, nil, server, Options{})
		c.buffered = true
		defer c.CloseNow()
		synctest.Wait()
		c.Offer(Binary, make([]byte, mostHere))
		c.Push(true) // the peer takes nothing
		if got := len(<-s.writes); got <= mostHere {
			t.Errorf("%d bytes were written", got)
		}
	})
}

func TestAnOfferWithoutRoomIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newConn(newStuck(), nil, server, Options{WriteBuffer: 200})
		if !c.Offer(Binary, make([]byte, 60)) || c.Offer(Binary, make([]byte, 60)) {
			t.Error("two frames of 60 bytes in a queue of 100")
		}
		c.CloseNow()
		if c.Offer(Binary, nil) {
			t.Error("offered after the end")
		}
		c.Push(true)
	})
}

func TestThePingBehindIsTheLastOfItsBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, here := range []bool{true, false} {
			s, count := newStuck(), 0
			c := newConn(s, nil, server, Options{PingPayload: func(dst []byte) []byte {
				count++
				return fmt.Append(dst, count)
			}})
			c.buffered = true
			synctest.Wait()
			c.PingBehind()
			c.Offer(Binary, []byte("a"))
			c.PingBehind()
			c.Offer(Binary, []byte("b"))
			go c.Push(here)
			if got := string(<-s.writes); got != "\x82\x01a\x82\x01b\x89\x011" {
				t.Errorf("here %v: %q", here, got)
			}
			synctest.Wait()
			c.PingBehind()
			go c.Push(here)
			if got := string(<-s.writes); got != "\x89\x012" {
				t.Errorf("here %v: a ping alone is %q", here, got)
			}
			c.CloseNow()
		}
	})
}

func TestAPushThatFailsEndsTheConnection(t *testing.T) {
	c, p := connectOpen(t, Options{})
	p.Close()
	for err := error(nil); err == nil; {
		if c.Offer(Binary, make([]byte, 1000)) {
			c.Push(true)
			continue
		}
		err = c.Write(soon(t), Binary, nil) // there is no room yet, or there will be none
	}
	<-c.Done()
	if c.Err() == nil {
		t.Error("no error")
	}
}

func TestThePingBehindGoesBeforeTheCloseFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStuck()
		c := newConn(s, nil, server, Options{PingPayload: func(dst []byte) []byte { return append(dst, 'p') }})
		defer c.CloseNow()
		synctest.Wait()
		c.Offer(Binary, []byte("a"))
		c.PingBehind()
		go c.Close(t.Context(), NormalClosure, "")
		if got := string(<-s.writes); got != "\x82\x01a\x89\x01p\x88\x02\x03\xe8" {
			t.Errorf("wrote %q", got)
		}
	})
}

// A broken is a peer to which a write fails when told to.
type broken struct{ begun, fail chan struct{} }

func (b *broken) Read([]byte) (int, error) { <-b.fail; time.Sleep(time.Hour); return 0, io.EOF }
func (b *broken) Close() error             { return nil }
func (b *broken) Write([]byte) (int, error) {
	close(b.begun)
	<-b.fail
	return 0, errors.New("broken pipe")
}

func TestFlushTellsOfAPushThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &broken{make(chan struct{}), make(chan struct{})}
		c := newConn(b, nil, server, Options{})
		c.buffered = true
		defer c.CloseNow()
		synctest.Wait()
		c.Offer(Binary, []byte("a"))
		go c.Push(true)
		<-b.begun
		flushed := make(chan error, 1)
		go func() { flushed <- c.Flush(context.Background()) }()
		synctest.Wait()
		close(b.fail)
		if err := <-flushed; err == nil {
			t.Error("Flush returned nil, and nothing was handed to the kernel")
		}
	})
}

func TestFramesOfEachWriterKeepTheirOrderWhoeverWrites(t *testing.T) {
	const writers, frames = 8, 500
	c, p := connectOpen(t, Options{})
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range frames {
				frame := []byte{byte(w), byte(i >> 8), byte(i)}
				if i%3 == 0 || !c.Offer(Binary, frame) {
					c.Write(context.Background(), Binary, frame)
					continue
				}
				c.Push(i%2 == 0)
			}
			c.Push(false)
		})
	}
	var next [writers]int
	for range writers * frames {
		f := p.next()
		w, i := f.payload[0], int(f.payload[1])<<8|int(f.payload[2])
		if next[w] != i {
			t.Fatalf("writer %d: frame %d, want %d", w, i, next[w])
		}
		next[w]++
	}
	all.Wait()
}
