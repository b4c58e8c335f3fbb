package platform_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// The pong is a publisher's only proof.

func ackFrame(tag uint64) []byte { return rawFrame(0x82, 7, wire.AppendAck(nil, tag)) }

func pingFrame(payload string) []byte { return rawFrame(0x89, 7, []byte(payload)) }

// proofs reads up to the close frame: the payloads of the pongs, the code and the
// reason.
func proofs(t *testing.T, in *bufio.Reader) (pongs []string, code uint16, reason string) {
	t.Helper()
	for {
		switch first, payload := rawServerFrame(t, in); first {
		case 0x8A:
			pongs = append(pongs, string(payload))
		case 0x88:
			return pongs, binary.BigEndian.Uint16(payload), string(payload[2:])
		}
	}
}

// gatedQueues stores when the test lets it.
type gatedQueues struct {
	platform.Queues
	asked, gate chan struct{}
}

func gated() gatedQueues {
	return gatedQueues{newQueues(memory.Config{}), make(chan struct{}, 100), make(chan struct{})}
}

func (q gatedQueues) Publish(ctx context.Context, exchange string, ms ...*platform.Message) ([]int, error) {
	q.asked <- struct{}{}
	select {
	case <-q.gate:
		return q.Queues.Publish(ctx, exchange, ms...)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (q gatedQueues) Consume(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	select {
	case <-q.gate:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return q.Queues.Consume(ctx, owner, topic, name)
}

// open lets the engine do one thing.
func (q gatedQueues) open(t *testing.T) {
	t.Helper()
	select {
	case q.gate <- struct{}{}:
	case <-time.After(patience):
		t.Fatal("the engine is asked for nothing")
	}
}

// silent checks that nothing comes for a while.
func silent(t *testing.T, conn interface{ SetReadDeadline(time.Time) error }, in *bufio.Reader) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := in.Peek(1); err == nil {
		t.Fatal("a pong came before the messages were stored")
	}
	conn.SetReadDeadline(time.Now().Add(patience))
}

// A publisher may send a ping behind each message, and an engine that syncs takes
// as long for one as for many.
func TestPongsComeAfterTheStoringWhichIsOneForABurst(t *testing.T) {
	queues := gated()
	e := newEnv(t, platform.Config{Queues: queues})
	conn, in := e.rawChannel()
	defer conn.Close()
	for round, size := range []int{1, 20, 20} {
		var burst []byte
		for i := range size {
			burst = append(append(burst, publishFrame(t, "k", "b")...), pingFrame(fmt.Sprint(round, i))...)
		}
		conn.Write(burst)
		silent(t, conn, in)
		queues.open(t) // once
		for i := range size {
			if first, payload := rawServerFrame(t, in); first != 0x8A || string(payload) != fmt.Sprint(round, i) {
				t.Fatalf("got %#x %q, want pong %d of round %d", first, payload, i, round)
			}
		}
	}
	if s := e.status(""); s.Ready != 41 {
		t.Errorf("%d messages are stored", s.Ready)
	}
}

func TestAPongDoesNotWaitForWhatComesBehindIt(t *testing.T) {
	queues := gated()
	e := newEnv(t, platform.Config{Queues: queues})
	conn, in := e.rawChannel()
	defer conn.Close()
	consume := rawFrame(0x82, 7, []byte("\x02\x00\x00"))
	conn.Write(slices.Concat(pingFrame("first"), publishFrame(t, "k", "b"), pingFrame("proof"), consume))
	if first, payload := rawServerFrame(t, in); first != 0x8A || string(payload) != "first" {
		t.Fatalf("first came %#x %q", first, payload)
	}
	queues.open(t)
	if first, payload := rawServerFrame(t, in); first != 0x8A || string(payload) != "proof" {
		t.Errorf("while the queue is asked for, %#x %q came", first, payload)
	}
	queues.open(t)
}

func TestWhatCameBeforeARefusedFrameIsConfirmed(t *testing.T) {
	for name, bad := range map[string][]byte{
		"no command": rawFrame(0x82, 7, []byte{9}), "no opcode": rawFrame(0x83, 7, nil),
		"too large": {0x82, 0xff, 0, 0, 0, 0, 0x7f, 0, 0, 0, 1, 2, 3, 4}, "the end": rawFrame(0x88, 7, []byte{3, 232}),
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t, platform.Config{})
			conn, in := e.rawChannel()
			defer conn.Close()
			conn.Write(slices.Concat(publishFrame(t, "k", "b"), pingFrame("proof"), bad))
			if pongs, code, reason := proofs(t, in); !slices.Equal(pongs, []string{"proof"}) {
				t.Errorf("pongs %q, then %d %s", pongs, code, reason)
			}
			if s := e.status(""); s.Ready != 1 {
				t.Errorf("%d messages are stored", s.Ready)
			}
		})
	}
}

// limitedQueues has room for so many messages.
type limitedQueues struct {
	platform.Queues
	room *int
	err  error
}

func (q limitedQueues) Publish(ctx context.Context, exchange string, ms ...*platform.Message) ([]int, error) {
	n := min(*q.room, len(ms))
	*q.room -= n
	routed, err := q.Queues.Publish(ctx, exchange, ms[:n]...)
	if err != nil || n == len(ms) {
		return routed, err
	}
	return routed, q.err
}

// After a refused publish nothing may look like a proof, whatever was sent
// behind it, and how much.
func TestRefusedPublishIsNeverFollowedByAPong(t *testing.T) {
	for _, row := range []struct {
		name  string
		err   error
		code  uint16
		words string
	}{
		{"full", fmt.Errorf("%w: it holds 10", platform.ErrQueueFull), 1013, "full: it holds 10"},
		{"failure", errors.New("rack 3 is on fire"), 1011, "request id"},
	} {
		for _, size := range []int{2, 250, 256, 700} { // 256 are stored at once, whatever follows
			t.Run(fmt.Sprint(row.name, size), func(t *testing.T) {
				room := size / 2
				e := newEnv(t, platform.Config{Queues: limitedQueues{newQueues(memory.Config{}), &room, row.err}})
				conn, in := e.rawChannel()
				defer conn.Close()
				var burst []byte
				for i := range size {
					burst = append(append(burst, publishFrame(t, "k", "b")...), pingFrame(fmt.Sprint(i))...)
				}
				for range 50 {
					burst = append(burst, pingFrame("behind")...)
				}
				burst = append(burst, rawFrame(0x88, 7, []byte{3, 232})...) // whose code is not echoed
				go conn.Write(burst)
				pongs, code, reason := proofs(t, in)
				if len(pongs) == 0 || pongs[len(pongs)-1] != fmt.Sprint(size/2-1) || slices.Contains(pongs, "behind") {
					t.Errorf("the last pongs are %q", pongs[max(0, len(pongs)-3):])
				}
				if stored := e.status("").Ready; stored != size/2 {
					t.Errorf("%d messages are stored", stored)
				}
				if code != row.code {
					t.Errorf("code %d", code)
				}
				contains(t, reason, row.words)
				if strings.Contains(reason, "rack") {
					t.Error("the reason tells of the inside")
				}
				wantEOF(t, in)
			})
		}
	}
}

func TestRefusedAckIsNeverFollowedByAPong(t *testing.T) {
	for _, more := range []int{0, 255, 600} {
		e := newEnv(t, platform.Config{Queues: unackable()})
		e.write("", "x")
		p := e.dial()
		p.consume("")
		p.next()
		burst := append(ackFrame(1), pingFrame("proof")...)
		for range more {
			burst = append(burst, ackFrame(9)...)
		}
		p.raw.Write(burst)
		if c := p.closed(); c.Code != 1013 || len(p.pong) > 0 {
			t.Errorf("with %d more: %v, %d pongs", more, c, len(p.pong))
		}
	}
}

func TestWhatAShutdownInterruptsIsNotConfirmed(t *testing.T) {
	queues := gated()
	e := newEnv(t, platform.Config{Queues: queues})
	conn, in := e.rawChannel()
	defer conn.Close()
	var burst []byte
	for range 256 {
		burst = append(append(burst, publishFrame(t, "k", "b")...), pingFrame("proof")...)
	}
	go conn.Write(burst)
	awaited(t, "the storing", queues.asked)
	go e.p.Shutdown(context.Background())
	if pongs, code, _ := proofs(t, in); len(pongs) > 0 || code != 1001 {
		t.Errorf("pongs %q, code %d", pongs, code)
	}
	if s := e.status(""); s.Ready != 0 {
		t.Errorf("%d messages are stored", s.Ready)
	}
}

// At a shutdown deliveries go back to their queues, and an engine ignores acks of
// those: what it did not store must not look stored.
func TestAnAckThatComesTooLateIsNotConfirmed(t *testing.T) {
	asked, goOn, acked := make(chan struct{}), make(chan struct{}), make(chan struct{})
	queues := ackedBy{newQueues(memory.Config{}), func(ctx context.Context, c platform.Consumer, ids []uint64) error {
		close(asked)
		<-goOn
		defer close(acked)
		return c.Ack(ctx, ids...)
	}}
	e := newEnv(t, platform.Config{Queues: queues, Trace: &platform.Trace{
		Disconnect: func(platform.Conn, string) { // when all is given back, and before the peer is told
			close(goOn)
			select {
			case <-acked:
			case <-time.After(patience):
			}
			time.Sleep(20 * time.Millisecond) // a pong would leave
		},
	}})
	e.write("source", "x")
	p := e.dial()
	p.consume("source")
	p.next()
	p.raw.Write(slices.Concat(ackFrame(1), pingFrame("proof")))
	awaited(t, "the ack", asked)
	go e.p.Shutdown(context.Background())
	if c := p.closed(); c.Code != socket.GoingAway || len(p.pong) > 0 {
		t.Errorf("%v, %d pongs", c, len(p.pong))
	}
	if s := e.status("source"); s.Ready != 1 {
		t.Errorf("the message is not back: %+v", s)
	}
}

// Of more pings than are worth keeping, the newest is answered, and that suffices.
func TestAFloodOfPingsIsAnsweredByTheNewest(t *testing.T) {
	queues := gated()
	e := newEnv(t, platform.Config{Queues: queues})
	conn, in := e.rawChannel()
	defer conn.Close()
	burst := publishFrame(t, "k", "b")
	const flood = 400 // which one read brings
	for i := range flood {
		burst = append(burst, pingFrame(fmt.Sprint(i))...)
	}
	if len(burst) > 4<<10 {
		t.Fatalf("%d bytes", len(burst))
	}
	conn.Write(burst)
	silent(t, conn, in)
	queues.open(t)
	conn.Write(rawFrame(0x88, 7, []byte{3, 232}))
	pongs, _, _ := proofs(t, in)
	if n := len(pongs); n == 0 || pongs[n-1] != fmt.Sprint(flood-1) {
		t.Errorf("%d pongs, the last %q", n, pongs[max(0, n-1):])
	}
}
