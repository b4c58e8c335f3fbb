package platform_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/shopex/prism-go/internal/wire"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// PHP reads 8,192 bytes at a time and fails for good when such a read ends
// within the header of a frame. So none may be full, as long as no frame is
// that long.
func TestNoReadOfPHPCanEndInAFrameHeader(t *testing.T) {
	const messages, read = 2000, 8192
	e := newEnv(t, platform.Config{})
	for i := range messages {
		e.write("", repeat("x", 1000+i*7%501))
	}
	conn, _ := e.rawChannel()
	defer conn.Close()
	conn.Write(rawFrame(0x82, 7, []byte{2}))
	var rest []byte
	for got := uint64(0); got < messages; {
		buf := make([]byte, read)
		n, err := conn.Read(buf)
		if err != nil || n == read {
			t.Fatalf("after %d messages, a read of %d bytes: %v", got, n, err)
		}
		var frames [][]byte
		frames, rest = splitFrames(append(rest, buf[:n]...))
		var acks []byte
		for _, frame := range frames {
			if got++; decode(t, frame).Tag != got {
				t.Fatalf("delivery %d has tag %d", got, decode(t, frame).Tag)
			}
			acks = append(acks, rawFrame(0x82, 7, wire.AppendAck(nil, got))...)
		}
		conn.Write(acks)
		for e.p.Stats().Acked < int64(got) { // so that a read finds much
			runtime.Gosched()
		}
	}
}

// splitFrames cuts whole frames of less than 64 KiB off b.
func splitFrames(b []byte) (frames [][]byte, rest []byte) {
	for len(b) >= 4 {
		head, n := 2, int(b[1])
		if n == 126 {
			head, n = 4, int(binary.BigEndian.Uint16(b[2:]))
		}
		if len(b)-head < n {
			break
		}
		frames, b = append(frames, b[head:head+n]), b[head+n:]
	}
	return frames, b
}

// watched reports when a consumer of topic b fetches and returns.
type watched struct {
	platform.Queues
	fetching, returned chan bool
}

func (w watched) Consume(ctx context.Context, owner, topic, name string) (platform.Consumer, error) {
	c, err := w.Queues.Consume(ctx, owner, topic, name)
	if topic != "b" || err != nil {
		return c, err
	}
	return watchedConsumer{c, w}, nil
}

type watchedConsumer struct {
	platform.Consumer
	w watched
}

func (c watchedConsumer) Fetch(ctx context.Context, most, mostBytes int) ([]platform.Lease, error) {
	signal(c.w.fetching)
	return c.Consumer.Fetch(ctx, most, mostBytes)
}

func (c watchedConsumer) Return(ctx context.Context, ids ...uint64) error {
	defer signal(c.w.returned)
	return c.Consumer.Return(ctx, ids...)
}

func signal(to chan bool) {
	select {
	case to <- true:
	default:
	}
}

// While one topic waits for messages, another fills the window: what comes
// then is for consumers that have room.
func TestAStuckConnectionKeepsNothingItsWindowHasNoRoomFor(t *testing.T) {
	seen, trace := newEvents()
	w := watched{newQueues(memory.Config{}), make(chan bool, 1), make(chan bool, 1)}
	e := newEnv(t, platform.Config{Queues: w, Trace: trace})
	stuck := e.dial()
	stuck.consume("b")
	awaited(t, "the fetch", w.fetching)
	stuck.consume("a")
	for i := range 16 {
		e.write("a", fmt.Sprint(i))
	}
	await[platform.DeliverEvent](t, seen, 16)
	var want []string
	for i := range 20 {
		want = append(want, fmt.Sprint(i))
		e.write("b", want[i])
		if i == 0 {
			awaited(t, "the return", w.returned)
		}
	}
	healthy := e.dial()
	healthy.consume("b")
	var got []string
	for range want {
		d := healthy.next()
		got = append(got, string(d.Body))
		healthy.ack(d.Tag)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestTagsCountUpWhateverTheTopic(t *testing.T) {
	const topics, each = 8, 200
	e := newEnv(t, platform.Config{})
	p := e.dial()
	p.ping("")
	for i := range topics {
		topic := fmt.Sprint(i)
		for range each {
			e.write(topic, topic)
		}
		p.consume(topic)
	}
	for want := range uint64(topics * each) {
		if d := p.next(); d.Tag != want+1 {
			t.Fatalf("tag %d, want %d", d.Tag, want+1)
		}
		p.ack(want + 1)
	}
}
