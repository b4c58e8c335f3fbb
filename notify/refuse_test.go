package notify

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/internal/wire"
)

// bodyOf is the body in the frame of a publish.
func bodyOf(frame []byte) string {
	cmd, err := wire.DecodeCommand(frame, wire.Limits{})
	if err != nil {
		return err.Error()
	}
	return string(cmd.Body)
}

// refuse reads until the body is bad, thinks it over, and closes with code.
// Everything else is told to stored.
func refuse(c *socket.Conn, code socket.Code, slow time.Duration, stored func(string)) {
	for {
		_, frame, err := c.Read(context.Background())
		if err != nil {
			return
		}
		body := bodyOf(frame)
		if body == "bad" {
			pause(c, slow)
			_ = c.Close(context.Background(), code, "a bad one")
			return
		}
		stored(body)
	}
}

func nowhere(string) {}

// pause ends with the connection, too.
func pause(c *socket.Conn, d time.Duration) {
	select {
	case <-time.After(d):
	case <-c.Done():
	}
}

// A caller gives up while the platform thinks about its message. What ends the
// connection then may be that message, so no other is called refused.
func TestAnAbandonedMessageIsNotBlamedOnOthers(t *testing.T) {
	for _, code := range []socket.Code{socket.PolicyViolation, socket.MessageTooBig} {
		for _, failUnconfirmed := range []bool{false, true} {
			t.Run(fmt.Sprint(code, " FailUnconfirmed ", failUnconfirmed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newPeer(t, func(c *socket.Conn) { refuse(c, code, 5*time.Second, nowhere) })
					p := w.publisher(PublisherConfig{FailUnconfirmed: failUnconfirmed})
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					if err := p.Publish(ctx, "k", []byte("bad")); !errors.Is(err, ErrOutcomeUnknown) {
						t.Errorf("bad: %v", err)
					}
					err := p.Publish(t.Context(), "k", []byte("good"))
					if err != nil && (!failUnconfirmed || !errors.Is(err, ErrOutcomeUnknown)) {
						t.Errorf("good: %v", err)
					}
				})
			})
		}
	}
}

func TestAnAbandonedSuspectIsNotBlamedOnOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var conns atomic.Int32
		w := newPeer(t, func(c *socket.Conn) {
			slow := time.Duration(0)
			if conns.Add(1) > 1 {
				slow = 5 * time.Second
			}
			refuse(c, socket.PolicyViolation, slow, nowhere)
		})
		p := w.publisher(PublisherConfig{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() { _ = p.Publish(ctx, "k", []byte("bad")) }()
		synctest.Wait()
		for range 5 {
			if err := p.PublishAsync(t.Context(), Message{Key: "k", Body: []byte("good")}, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Flush(t.Context()); err != nil || conns.Load() < 2 {
			t.Errorf("%v after %d connections", err, conns.Load())
		}
	})
}

// One message is stored, and the abandoned one behind it ends the connection
// before the first is confirmed.
func TestAnAbandonedMessageIsNotBlamedOnTheOneBefore(t *testing.T) {
	for _, code := range []socket.Code{socket.MessageTooBig, socket.TryAgainLater} {
		for _, atOnce := range []bool{false, true} {
			t.Run(fmt.Sprint(code, " at once ", atOnce), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { blameBefore(t, code, atOnce) })
			})
		}
	}
}

func blameBefore(t *testing.T, code socket.Code, atOnce bool) {
	var stored atomic.Int32
	w := newPeer(t, func(c *socket.Conn) {
		if !atOnce {
			pause(c, 4*time.Second) // before it reads
		}
		refuse(c, code, 5*time.Second, func(string) { stored.Add(1) })
	})
	w.setDown(atOnce) // so that both go in one batch
	p := w.publisher(PublisherConfig{FailUnconfirmed: true, Reconnect: Reconnect{Delay: time.Second}})
	outcome := make(chan error, 1)
	go func() { outcome <- p.Publish(t.Context(), "k", []byte("stored")) }()
	synctest.Wait()
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_ = p.Publish(ctx, "k", []byte("bad"))
	}()
	synctest.Wait()
	w.setDown(false)
	err := <-outcome
	if err != nil && !errors.Is(err, ErrOutcomeUnknown) || stored.Load() != 1 {
		t.Errorf("stored %d times: %v", stored.Load(), err)
	}
}

// Suspects go one at a time. The abandoned one is still on the wire when a pong
// comes unasked: the next has to wait, or it would be blamed.
func TestAnUnaskedPongLetsNoSecondSuspectGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRawPeer(t, func(p *rawPeer) {
			for {
				switch op, payload := p.next(); {
				case op == opBinary && bodyOf(payload) == "bad":
					p.refuseSlowly()
					return
				case op == opPing:
					p.send(opPong, payload)
				case op == 0:
					return
				}
			}
		})
		w.setDown(true)
		p := w.publisher(PublisherConfig{Reconnect: Reconnect{Delay: time.Second}})
		ctx, cancel := context.WithTimeout(t.Context(), 2200*time.Millisecond)
		defer cancel()
		go func() { _ = p.Publish(ctx, "k", []byte("bad")) }()
		synctest.Wait()
		outcome := make(chan error, 1)
		go func() { outcome <- p.Publish(t.Context(), "k", []byte("good")) }()
		synctest.Wait()
		w.setDown(false)
		if err := <-outcome; err != nil {
			t.Errorf("good: %v", err)
		}
	})
}

// refuseSlowly answers nothing more, but with a pong unasked, and closes.
func (p *rawPeer) refuseSlowly() {
	if p.number == 2 {
		go p.drain()
		time.Sleep(2 * time.Second)
		p.send(opPong, make([]byte, 16))
		time.Sleep(2 * time.Second)
	}
	p.send(opClose, append([]byte{1009 >> 8, 1009 & 0xff}, "too big"...))
	time.Sleep(time.Second)
}

func TestManyRefusalsInARowArePaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var conns atomic.Int32
		w := newPeer(t, func(c *socket.Conn) {
			conns.Add(1)
			_, _, _ = c.Read(context.Background())
			_ = c.Close(context.Background(), socket.PolicyViolation, "this key may not publish")
		})
		p := w.publisher(PublisherConfig{})
		for range 1000 {
			if err := p.PublishAsync(t.Context(), Message{Key: "k"}, func(error) {}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		if n := conns.Load(); n < fewRefusals {
			t.Errorf("only %d connections in the first second", n)
		}
		time.Sleep(time.Minute)
		if n := conns.Load(); n > 250 {
			t.Errorf("%d connections in a minute", n)
		}
	})
}
