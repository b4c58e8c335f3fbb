package notify

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

const opBinary, opClose, opPing, opPong = 0x2, 0x8, 0x9, 0xa

// rawPeer is a platform that answers nothing by itself.
type rawPeer struct {
	net.Conn
	r      *bufio.Reader
	number int // of the connection, from 1
}

func newRawPeer(t *testing.T, script func(*rawPeer)) *world {
	var n atomic.Int32
	var scripts sync.WaitGroup
	t.Cleanup(scripts.Wait) // the last of all: they may be asleep
	return serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		scripts.Add(1)
		defer scripts.Done()
		accept := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		conn, buf, err := rw.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			base64.StdEncoding.EncodeToString(accept[:]))
		script(&rawPeer{conn, buf.Reader, int(n.Add(1))})
	}))
}

// next reads a frame of less than 126 bytes; op is 0 when there is none.
func (p *rawPeer) next() (op byte, payload []byte) {
	var head [6]byte // with the mask
	if _, err := io.ReadFull(p.r, head[:]); err != nil {
		return 0, nil
	}
	payload = make([]byte, head[1]&0x7f)
	if _, err := io.ReadFull(p.r, payload); err != nil {
		return 0, nil
	}
	for i := range payload {
		payload[i] ^= head[2+i%4]
	}
	return head[0] & 0xf, payload
}

func (p *rawPeer) send(op byte, payload []byte) {
	_, _ = p.Write(append([]byte{0x80 | op, byte(len(payload))}, payload...))
}

// pinged calls ping for each one that comes, until the connection ends.
func (p *rawPeer) pinged(ping func(payload []byte)) {
	for {
		switch op, payload := p.next(); op {
		case 0:
			return
		case opClose:
			p.send(opClose, payload)
			return
		case opPing:
			ping(payload)
		}
	}
}

func (p *rawPeer) drain() { _, _ = io.Copy(io.Discard, p.r) }

// until reads until a frame with op comes, or the end.
func (p *rawPeer) until(op byte) (payload []byte, ok bool) {
	for {
		got, payload := p.next()
		if got == op || got == 0 {
			return payload, got == op
		}
	}
}

// Some proxies send pongs as heartbeats, with whatever in them.
func TestAPongThatAnswersNoPingOfOursConfirmsNothing(t *testing.T) {
	for name, pong := range map[string]func(first []byte) []byte{
		"empty":        func([]byte) []byte { return nil },
		"8 bytes":      func([]byte) []byte { return binary.BigEndian.AppendUint64(nil, 1) },
		"16 bytes":     func([]byte) []byte { return binary.BigEndian.AppendUint64(make([]byte, 8), 1) },
		"an old ping":  func(first []byte) []byte { return first },
		"not yet sent": func(first []byte) []byte { return binary.BigEndian.AppendUint64(first[:8:8], 99) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newRawPeer(t, func(p *rawPeer) {
					first, _ := p.until(opPing)
					if _, ok := p.until(opBinary); !ok {
						return
					}
					go p.drain()
					p.send(opPong, pong(first))
					time.Sleep(time.Second) // and dies
				})
				p := w.publisher(PublisherConfig{FailUnconfirmed: true})
				if err := p.Publish(t.Context(), "k", []byte("a")); !errors.Is(err, ErrOutcomeUnknown) {
					t.Errorf("Publish returned %v", err)
				}
			})
		})
	}
}

// A platform that answers and soon hangs up is there, and of no use.
func TestAFlappingPlatformIsBackedOffMoreAndMore(t *testing.T) {
	for _, who := range []string{"consumer", "publisher"} {
		t.Run(who, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var conns atomic.Int32
				w := newRawPeer(t, func(p *rawPeer) {
					conns.Add(1)
					ping, _ := p.until(opPing)
					go p.drain()
					p.send(opPong, ping)
					time.Sleep(10 * time.Millisecond)
				})
				if who == "consumer" {
					w.run(w.consumer(ConsumerConfig{}), func(context.Context, *Delivery) error { return nil })
				} else if err := w.publisher(PublisherConfig{}).PublishAsync(t.Context(), Message{Key: "k"}, nil); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Minute)
				if n := conns.Load(); n < 10 || n > 100 {
					t.Errorf("%d connections in ten minutes", n)
				}
			})
		})
	}
}

func TestCloseFramesAndFaultsAreAnswered(t *testing.T) {
	for _, tt := range []struct {
		name   string
		send   []byte
		answer uint16
	}{
		{"close", []byte{0x80 | opClose, 2, 1001 >> 8, 1001 & 0xff}, 1001},
		{"reserved opcode", []byte{0x83, 0}, 1002},
	} {
		for _, who := range []string{"consumer", "publisher"} {
			t.Run(tt.name+" "+who, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					answers := make(chan []byte, 1)
					w := newRawPeer(t, func(p *rawPeer) {
						p.until(opBinary)
						go p.Write(tt.send)
						if answer, ok := p.until(opClose); ok && p.number == 1 {
							answers <- answer
						}
					})
					if who == "consumer" {
						w.run(w.consumer(ConsumerConfig{}), func(context.Context, *Delivery) error { return nil })
					} else if err := w.publisher(PublisherConfig{}).PublishAsync(t.Context(), Message{Key: "k"}, nil); err != nil {
						t.Fatal(err)
					}
					select {
					case answer := <-answers:
						if len(answer) < 2 || binary.BigEndian.Uint16(answer) != tt.answer {
							t.Errorf("answered with %q", answer)
						}
					case <-time.After(3 * time.Second):
						t.Error("not answered")
					}
				})
			})
		}
	}
}

func TestASlowOnConnectHarmsNoConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		slow := func() { time.Sleep(15 * time.Second) } // longer than PongTimeout
		p := w.publisher(PublisherConfig{OnConnect: slow})
		if err := p.Publish(t.Context(), "k", []byte("a")); err != nil {
			t.Error(err)
		}
		handled := make(chan string, 1)
		c := w.consumer(ConsumerConfig{OnConnect: slow})
		w.run(c, func(_ context.Context, d *Delivery) error { handled <- string(d.Body); return nil })
		if body := <-handled; body != "a" || c.Stats().Connects != 1 || p.Stats().Connects != 1 {
			t.Errorf("handled %q, %+v, %+v", body, c.Stats(), p.Stats())
		}
	})
}

func TestRetryTimesCountOnlyWhatIsNotAnswered(t *testing.T) {
	var n tries
	r := Reconnect{MaxFailures: 2, Delay: time.Second}
	for i, tt := range []struct {
		end  ending
		fail bool
	}{
		{ending{err: io.EOF}, false},
		{ending{err: io.EOF}, false},
		{ending{err: io.EOF, answered: true}, false},
		{ending{err: io.EOF}, false},
		{ending{err: io.EOF}, true},
	} {
		wait, err := n.failed(r, tt.end)
		if tt.fail != errors.Is(err, ErrRetriesExhausted) || tt.fail != errors.Is(err, io.EOF) || !tt.fail && wait != time.Second {
			t.Errorf("%d: %v, %v", i, wait, err)
		}
	}
}

func TestBackoffDoesNotOverflow(t *testing.T) {
	for _, first := range []time.Duration{1, time.Millisecond, time.Hour} {
		for n := 1; n < 100; n++ {
			if d := backoff(n, first, 100*first); d < 0 || d >= 100*first {
				t.Errorf("backoff(%d, %v) is %v", n, first, d)
			}
		}
	}
}

func TestConstructorsReturnNilWithAnError(t *testing.T) {
	if c, err := NewConsumer(nil, ConsumerConfig{}); c != nil || err == nil {
		t.Errorf("NewConsumer returned %v, %v", c, err)
	}
	if p, err := NewPublisher(nil, PublisherConfig{}); p != nil || err == nil {
		t.Errorf("NewPublisher returned %v, %v", p, err)
	}
}

func TestBoundsAreRefusedByName(t *testing.T) {
	w := newWorld(t, memory.Config{}, nil)
	for want, cfg := range map[string]ConsumerConfig{
		"Window":       {Window: maxWindow + 1},
		"WindowBytes":  {WindowBytes: -1},
		"MaxDelivery":  {MaxDelivery: -1},
		"AttemptDelay": {AttemptDelay: time.Hour + 1},
	} {
		if _, err := NewConsumer(w.client, cfg); err == nil || !strings.Contains(err.Error(), "ConsumerConfig."+want+" ") {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := NewConsumer(w.client, ConsumerConfig{Window: maxWindow, AttemptDelay: time.Hour}); err != nil {
		t.Error(err)
	}
}

// A frame that can never be read would come again and again.
func TestADeliveryLargerThanMaxDeliveryEndsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		w.publish(strings.Repeat("x", 1000))
		err := w.consumer(ConsumerConfig{MaxDelivery: 500}).Run(t.Context(), func(context.Context, *Delivery) error { return nil })
		var fault *socket.ProtocolError
		if !errors.As(err, &fault) || !strings.Contains(err.Error(), "at most 500 bytes") {
			t.Errorf("Run returned %v", err)
		}
	})
}

// If something on the way half closes a connection during the handshake, the platform
// takes its caller for one that has hung up.
func TestAHandshakeOfACallerThatSeemsGoneIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := 0
		w := newWorld(t, memory.Config{}, func(cfg *platform.Config) {
			cfg.Override = func(platform.Call) http.Handler {
				if refused++; refused > 2 {
					return nil
				}
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(499) })
			}
		})
		if err := w.publisher(PublisherConfig{}).Publish(t.Context(), "k", nil); err != nil || refused != 3 {
			t.Errorf("after %d handshakes: %v", refused, err)
		}
	})
}

// Deliveries arrive while pings do not: the way up has stalled.
func TestAPingNeedsItsOwnPong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRawPeer(t, func(p *rawPeer) {
			go p.drain()
			for tag := 1; ; tag++ {
				if _, err := p.Write(textFrame(fmt.Sprintf(`{"tag":%d,"body":"x"}`, tag))); err != nil {
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
		})
		ended := make(chan error, 9)
		began := time.Now()
		c := w.consumer(ConsumerConfig{PingInterval: time.Second, PongTimeout: 2 * time.Second, OnDisconnect: func(err error) { ended <- err }})
		stop := w.run(c, func(context.Context, *Delivery) error { return nil })
		if err := <-ended; !errors.Is(err, ErrNoPong) {
			t.Errorf("ended with %v", err)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("noticed after %v", took)
		}
		_ = stop()
	})
}

// On a slow line a pong lies behind the deliveries that were sent before it.
func TestASlowLineIsNoDeadOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRawPeer(t, func(p *rawPeer) {
			pings := make(chan []byte, 99)
			go p.pinged(func(payload []byte) { pings <- payload })
			for tag := 1; ; tag++ {
				body := fmt.Sprintf(`{"tag":%d,"body":%q}`, tag, strings.Repeat("x", 8<<10))
				if _, err := p.Write(textFrame(body)); err != nil {
					return
				}
				time.Sleep(200 * time.Millisecond) // 40 KiB a second
				if tag%30 == 0 {                   // six seconds
					for range len(pings) {
						p.send(opPong, <-pings)
					}
				}
			}
		})
		ended := make(chan error, 9)
		c := w.consumer(ConsumerConfig{PingInterval: time.Second, PongTimeout: 2 * time.Second, OnDisconnect: func(err error) { ended <- err }})
		stop := w.run(c, func(context.Context, *Delivery) error { return nil })
		select {
		case err := <-ended:
			t.Errorf("ended with %v", err)
		case <-time.After(time.Minute):
		}
		_ = stop()
	})
}

// A consumer that does not read tells the platform why it sends no pong.
func TestAConsumerWhoseWindowIsFullIsNotTakenForDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, memory.Config{}, nil)
		w.throughPaths(func(*path) {}) // which hold what is not read
		w.publish("a", "b", "c", "d")
		ended := make(chan error, 9)
		c := w.consumer(ConsumerConfig{Window: 1, OnDisconnect: func(err error) { ended <- err }})
		handled := make(chan string, 9)
		w.run(c, func(_ context.Context, d *Delivery) error {
			time.Sleep(5 * time.Minute)
			handled <- string(d.Body)
			return nil
		})
		for _, body := range []string{"a", "b", "c", "d"} {
			select {
			case got := <-handled:
				if got != body {
					t.Errorf("%q came, want %q", got, body)
				}
			case err := <-ended:
				t.Fatalf("ended with %v", err)
			}
		}
	})
}

// textFrame is a server's, of up to 64 KiB.
func textFrame(text string) []byte {
	if len(text) < 126 {
		return append([]byte{0x81, byte(len(text))}, text...)
	}
	return append(binary.BigEndian.AppendUint16([]byte{0x81, 126}, uint16(len(text))), text...)
}
