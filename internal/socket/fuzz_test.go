package socket

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gobwas/ws"
)

// FuzzRead: whatever arrives, Read ends with one of its errors, hands over no
// more bytes than came, and makes no more room than they justify.
func FuzzRead(f *testing.F) {
	for _, r := range []raw{
		{op: 1, payload: "hello"}, {op: 2, more: true, payload: "x"}, {op: 9, payload: "p"}, closing(1000, "bye"),
		{op: 2, form: 64, payload: "x"}, {op: 2, lies: true, length: 1e14}, {op: 2, lies: true, length: 1 << 63}, {op: 0, rsv: 3},
	} {
		f.Add(r.bytes(true), true, uint8(1))
		f.Add(append(r.bytes(false), r.bytes(false)...), false, uint8(200))
	}
	f.Fuzz(func(t *testing.T, stream []byte, fromClient bool, step uint8) {
		side := client
		if fromClient {
			side = server
		}
		source := &splits{data: stream, sizes: []int{int(step)}}
		got, err := play(side, Options{CheckUTF8: step%2 == 0}, source)

		var fault *ProtocolError
		var closed *CloseError
		switch {
		case errors.As(err, &fault):
			if !sendable(fault.Code) {
				t.Errorf("code %d must not travel", fault.Code)
			}
		case !errors.As(err, &closed) && !errors.Is(err, io.ErrUnexpectedEOF):
			t.Errorf("ended with %v", err)
		}
		total := 0
		for _, m := range got {
			total += len(m.payload)
		}
		if total > len(stream) {
			t.Errorf("%d bytes of messages from %d bytes", total, len(stream))
		}
		if source.asked > max(readStep, len(stream)) {
			t.Errorf("Read made room for %d bytes when %d had come", source.asked, len(stream))
		}
	})
}

// splits delivers data in pieces of the given sizes, in turn.
type splits struct {
	data  []byte
	sizes []int
	turn  int
	asked int // the most bytes asked for at once
}

func (s *splits) Read(p []byte) (int, error) {
	s.asked = max(s.asked, len(p))
	if len(s.data) == 0 {
		return 0, io.EOF
	}
	size := len(s.data)
	if len(s.sizes) > 0 {
		size = max(1, s.sizes[s.turn%len(s.sizes)])
		s.turn++
	}
	n := copy(p, s.data[:min(size, len(s.data))])
	s.data = s.data[n:]
	return n, nil
}

// FuzzWrittenIsRead: what one side writes, cut into any fragments and arriving
// in any pieces, is what the other side reads.
func FuzzWrittenIsRead(f *testing.F) {
	f.Add([]byte("hello, world"), uint64(1), true)
	f.Add([]byte{}, uint64(2), false)
	f.Add(bytes.Repeat([]byte("0123456789"), 60), uint64(3), true)
	f.Fuzz(func(t *testing.T, data []byte, seed uint64, fromClient bool) {
		rnd := rand.New(rand.NewPCG(seed, seed))
		reader, o := client, outbox{}
		if fromClient {
			reader, o.keys = server, newKeys()
		}
		var want []message
		var stream []byte
		for rest := data; ; {
			size := rnd.IntN(len(rest) + 1)
			m := message{Opcode(1 + rnd.IntN(2)), string(rest[:size])}
			want = append(want, m)
			stream = o.appendFragments(stream, m, rnd)
			if rest = rest[size:]; len(rest) == 0 {
				break
			}
		}
		sizes := []int{1 + rnd.IntN(20), 1 + rnd.IntN(500), 1 + rnd.IntN(3)}
		got, err := play(reader, Options{ReadBuffer: 1 + rnd.IntN(600)}, &splits{data: stream, sizes: sizes})
		if !errors.Is(err, io.ErrUnexpectedEOF) || !slices.Equal(got, want) {
			t.Errorf("%d messages came as %d, %v", len(want), len(got), err)
		}
	})
}

// appendFragments writes m as one to four frames of the production code, with
// pings between them.
func (o *outbox) appendFragments(dst []byte, m message, rnd *rand.Rand) []byte {
	op, rest := ws.OpCode(m.op), []byte(m.payload)
	for range rnd.IntN(4) {
		size := rnd.IntN(len(rest) + 1)
		start := len(dst)
		dst = o.appendFrame(dst, op, rest[:size])
		dst[start] &^= finalBit
		op, rest = ws.OpContinuation, rest[size:]
		if rnd.IntN(2) == 0 {
			dst = o.appendFrame(dst, ws.OpPing, []byte("between"))
		}
	}
	return o.appendFrame(dst, op, rest)
}
