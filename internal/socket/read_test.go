package socket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
)

// A tape is a peer that says what it has to say and ends, and listens to
// nothing.
type tape struct{ io.Reader }

func (tape) Write(p []byte) (int, error) { return len(p), nil }
func (tape) Close() error                { return nil }

type message struct {
	op      Opcode
	payload string
}

// play reads all messages from the frames and returns the final error.
func play(side ws.State, o Options, stream io.Reader) (got []message, err error) {
	c := newConn(tape{stream}, nil, side, o)
	defer c.CloseNow()
	for {
		op, payload, err := c.Read(context.Background())
		if err != nil {
			return got, err
		}
		got = append(got, message{op, string(payload)})
	}
}

func encode(frames []raw, masked bool) string {
	var s strings.Builder
	for _, f := range frames {
		s.Write(f.bytes(masked))
	}
	return s.String()
}

// The cases follow the list of the Autobahn test suite.
func TestReadFollowsRFC6455(t *testing.T) {
	type test struct {
		name string
		in   []raw
		want []message
		err  error // nil: the end without a close frame
		opt  Options
	}
	fault := func(code Code) error { return &ProtocolError{Code: code} }
	text := func(s string) []message { return []message{{Text, s}} }
	utf8 := Options{CheckUTF8: true}
	long := strings.Repeat("x", 125)

	tests := []test{
		{name: "2.1 ping without payload", in: []raw{{op: 9}, {op: 1, payload: "a"}}, want: text("a")},
		{name: "2.5 ping of 126 bytes", in: []raw{{op: 9, payload: long + "x"}}, err: fault(1002)},
		{name: "2.7 unasked pong", in: []raw{{op: 10}, {op: 10, payload: "p"}, {op: 1, payload: "a"}}, want: text("a")},
		{name: "2.10 ten pings at once", in: append(slices.Repeat([]raw{{op: 9, payload: "p"}}, 10), raw{op: 1}), want: text("")},
		{name: "pong of 126 bytes", in: []raw{{op: 10, payload: long + "x"}}, err: fault(1002)},
		{name: "ping with the 16 bit length", in: []raw{{op: 9, form: 16, payload: "p"}, {op: 1}}, want: text("")},

		{name: "3.1 RSV 1", in: []raw{{op: 1, rsv: 1, payload: "a"}}, err: fault(1002)},
		{name: "3.2 RSV 2 after a good message", in: []raw{{op: 1, payload: "a"}, {op: 1, rsv: 2}}, want: text("a"), err: fault(1002)},
		{name: "3.5 RSV 5 on binary", in: []raw{{op: 2, rsv: 5}}, err: fault(1002)},
		{name: "3.6 RSV 6 on ping", in: []raw{{op: 9, rsv: 6}}, err: fault(1002)},
		{name: "3.7 RSV 7 on close", in: []raw{{op: 8, rsv: 7}}, err: fault(1002)},

		{name: "5.1 ping in two fragments", in: []raw{{op: 9, more: true}, {op: 0}}, err: fault(1002)},
		{name: "5.2 pong in two fragments", in: []raw{{op: 10, more: true}, {op: 0}}, err: fault(1002)},
		{name: "close in two fragments", in: []raw{{op: 8, more: true}, {op: 0}}, err: fault(1002)},
		{name: "5.3 two fragments", in: []raw{{op: 1, more: true, payload: "a"}, {op: 0, payload: "b"}}, want: text("ab")},
		{name: "5.6 ping between fragments", in: []raw{{op: 1, more: true, payload: "a"}, {op: 9, payload: "p"}, {op: 0, payload: "b"}}, want: text("ab")},
		{name: "5.9 continuation of nothing", in: []raw{{op: 0, payload: "a"}}, err: fault(1002)},
		{name: "5.12 open continuation of nothing", in: []raw{{op: 0, more: true}, {op: 1}}, err: fault(1002)},
		{name: "continuation after a finished message", in: []raw{{op: 1, more: true}, {op: 0}, {op: 0}}, want: text(""), err: fault(1002)},
		{name: "5.18 text inside fragments", in: []raw{{op: 1, more: true}, {op: 1}}, err: fault(1002)},
		{name: "binary inside fragments", in: []raw{{op: 1, more: true}, {op: 2, more: true}}, err: fault(1002)},
		{
			name: "5.19 five fragments and pings between", want: text("12345"),
			in: []raw{{op: 1, more: true, payload: "1"}, {op: 0, more: true, payload: "2"}, {op: 9}, {op: 0, more: true, payload: "3"},
				{op: 0, more: true, payload: "4"}, {op: 9, payload: "p"}, {op: 0, payload: "5"}},
		},
		{name: "6.1 three empty fragments", in: []raw{{op: 1, more: true}, {op: 0, more: true}, {op: 0}}, want: text("")},
		{name: "empty fragments around one", in: []raw{{op: 2, more: true}, {op: 0, more: true, payload: "a"}, {op: 0}}, want: []message{{Binary, "a"}}},
		{
			name: "a short message after fragments is its own", want: []message{{Binary, "abcd"}, {Text, "e"}},
			in: []raw{{op: 2, more: true, payload: "ab"}, {op: 0, payload: "cd"}, {op: 1, payload: "e"}},
		},

		{name: "6.2 UTF-8", opt: utf8, in: []raw{{op: 1, payload: "Hello-µ@ßöäüàá-UTF-8!!"}}, want: text("Hello-µ@ßöäüàá-UTF-8!!")},
		{name: "6.2 UTF-8 split inside a rune", opt: utf8, in: []raw{{op: 1, more: true, payload: "\xce"}, {op: 0, payload: "\xba"}}, want: text("κ")},
		{name: "6.3 not UTF-8", opt: utf8, in: []raw{{op: 1, payload: "\xce\xba\xed\xa0\x80"}}, err: fault(1007)},
		{name: "6.3 not UTF-8 over fragments", opt: utf8, in: []raw{{op: 1, more: true, payload: "\xf4"}, {op: 0, payload: "\x90\x80\x80"}}, err: fault(1007)},
		{name: "6.6 half a rune", opt: utf8, in: []raw{{op: 1, payload: "\xce"}}, err: fault(1007)},
		{name: "binary need not be UTF-8", opt: utf8, in: []raw{{op: 2, payload: "\xff"}}, want: []message{{Binary, "\xff"}}},
		{name: "text need not be UTF-8 unless asked for", in: []raw{{op: 1, payload: "\x01\xff"}}, want: text("\x01\xff")},

		{name: "7.1 data after close", in: []raw{closing(1000, ""), {op: 1, payload: "a"}}, err: &CloseError{Code: 1000}},
		{name: "7.1.4 garbage after close", in: []raw{closing(1000, ""), {op: 1, rsv: 7}}, err: &CloseError{Code: 1000}},
		{name: "7.1.5 close inside fragments", in: []raw{{op: 1, more: true}, closing(1000, ""), {op: 0}}, err: &CloseError{Code: 1000}},
		{name: "7.3.1 close without payload", in: []raw{{op: 8}}, err: &CloseError{Code: NoStatus}},
		{name: "7.3.2 close with one byte", in: []raw{{op: 8, payload: "\x03"}}, err: fault(1002)},
		{name: "7.3.4 close with a reason", in: []raw{closing(1001, "bye")}, err: &CloseError{Code: 1001, Reason: "bye"}},
		{name: "7.3.5 longest reason", in: []raw{closing(1000, long[:123])}, err: &CloseError{Code: 1000, Reason: long[:123]}},
		{name: "7.3.6 reason too long", in: []raw{closing(1000, long[:124])}, err: fault(1002)},
		{name: "7.5.1 reason not UTF-8", in: []raw{closing(1000, "\xce\xba\xe1\xbd\xb9\xed\xa0\x80")}, err: fault(1007)},

		{name: "length not minimal, 16 bits", in: []raw{{op: 1, form: 16, payload: long}}, want: text(long)},
		{name: "length not minimal, 64 bits", in: []raw{{op: 2, form: 64, payload: "a"}}, want: []message{{Binary, "a"}}},
		{name: "length zero in 64 bits", in: []raw{{op: 2, form: 64}}, want: []message{{Binary, ""}}},
		{name: "length 2^63", in: []raw{{op: 2, lies: true, length: 1 << 63}}, err: fault(1002)},
		{name: "length 2^64-1", in: []raw{{op: 2, lies: true, length: 1<<64 - 1}}, err: fault(1002)},
		{name: "length 2^63 on a ping", in: []raw{{op: 9, lies: true, length: 1 << 63}}, err: fault(1002)},
		{name: "length 10^14", in: []raw{{op: 2, lies: true, length: 1e14}}, err: fault(1009)},
		{name: "length just over the bound", in: []raw{{op: 2, lies: true, length: 32<<20 + 1}}, err: fault(1009)},
		{name: "a message of the bound", opt: Options{MaxMessage: 3}, in: []raw{{op: 2, payload: "abc"}, {op: 1, payload: "abcd"}}, want: []message{{Binary, "abc"}}, err: fault(1009)},
		{
			name: "fragments of the bound", opt: Options{MaxMessage: 3}, want: []message{{Binary, "abc"}}, err: fault(1009),
			in: []raw{{op: 2, more: true, payload: "a"}, {op: 0, payload: "bc"}, {op: 2, more: true, payload: "abc"}, {op: 0, payload: "d"}},
		},
		{
			name: "fragments that would overflow", opt: Options{MaxMessage: 1<<63 - 1}, err: fault(1009),
			in: []raw{{op: 2, more: true, payload: "a"}, {op: 0, lies: true, length: 1<<63 - 1}},
		},
		{name: "the end inside a header", in: []raw{{op: 1, payload: "a"}, {op: 1, form: 64, lies: true, length: 5}}, want: text("a")},
		{name: "the end inside fragments", in: []raw{{op: 1, more: true, payload: "a"}}},
		{name: "the end inside a large frame", in: []raw{{op: 1, lies: true, length: 1 << 20, payload: long}}},
	}
	for _, size := range []int{0, 1, 125, 126, 127, 128, 65535, 65536} {
		payload := strings.Repeat("*", size)
		tests = append(tests,
			test{name: fmt.Sprint("1.1 text of ", size), in: []raw{{op: 1, payload: payload}}, want: text(payload)},
			test{name: fmt.Sprint("1.2 binary of ", size), in: []raw{{op: 2, payload: payload}}, want: []message{{Binary, payload}}})
	}
	for _, op := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		tests = append(tests,
			test{name: fmt.Sprint("4 reserved opcode ", op), in: []raw{{op: 1, payload: "a"}, {op: op}}, want: text("a"), err: fault(1002)})
	}
	for _, code := range []Code{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		tests = append(tests, test{name: fmt.Sprint("7.7 close with ", code), in: []raw{closing(code, "")}, err: &CloseError{Code: code}})
	}
	for _, code := range []Code{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		tests = append(tests, test{name: fmt.Sprint("7.9 close with ", code), in: []raw{closing(code, "")}, err: fault(1002)})
	}

	for _, test := range tests {
		for name, side := range sides {
			t.Run(test.name+"/"+name, func(t *testing.T) {
				stream := encode(test.in, side == server)
				got, err := play(side, test.opt, strings.NewReader(stream))
				same(t, got, err, test.want, test.err)
				got, err = play(side, test.opt, iotest.OneByteReader(strings.NewReader(stream)))
				same(t, got, err, test.want, test.err)
			})
		}
	}
}

func same(t *testing.T, got []message, err error, want []message, wantErr error) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %d messages %.300q, want %d %.300q", len(got), got, len(want), want)
	}
	var fault *ProtocolError
	var closed *CloseError
	switch wantErr := wantErr.(type) {
	case nil:
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("error %v, want the unexpected end", err)
		}
	case *ProtocolError:
		if !errors.As(err, &fault) || fault.Code != wantErr.Code || fault.Reason == "" {
			t.Errorf("error %v, want a ProtocolError with code %d and a reason", err, wantErr.Code)
		}
	case *CloseError:
		if !errors.As(err, &closed) || *closed != *wantErr {
			t.Errorf("error %v, want %v", err, wantErr)
		}
	}
}

func TestReadRefusesWrongMasking(t *testing.T) {
	for name, side := range sides {
		stream := raw{op: 1, payload: "a"}.bytes(side != server)
		got, err := play(side, Options{}, strings.NewReader(string(stream)))
		t.Log(name, err)
		same(t, got, err, nil, &ProtocolError{Code: 1002})
	}
}

// Autobahn's 9.*: large messages, in one frame and in fragments of any size.
func TestReadJoinsLargeMessages(t *testing.T) {
	for _, size := range []int{64 << 10, 256 << 10, 1 << 20, 4 << 20} {
		payload := strings.Repeat("0123456789abcdef", size/16)
		for _, part := range []int{64, 1000, 4096, 65536, size} {
			var frames []raw
			for at := 0; at < size; at += part {
				frames = append(frames, raw{more: at+part < size, payload: payload[at:min(at+part, size)]})
			}
			frames[0].op = 2
			got, err := play(server, Options{}, strings.NewReader(encode(frames, true)))
			same(t, got, err, []message{{Binary, payload}}, nil)
		}
	}
}

// allocated returns how many bytes the process has allocated so far.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func TestReadUnmasksLargeFragmentsOfOddSizes(t *testing.T) {
	payload := strings.Repeat("0123456789abcdef", 30_000)
	for odd := range 8 {
		got, err := play(server, Options{}, strings.NewReader(encode([]raw{{op: 1, more: true, payload: payload[:odd]}, {payload: payload[odd:]}}, true)))
		same(t, got, err, []message{{Text, payload}}, nil)
	}
}

func TestReadAllocatesNothingForDeclaredLengths(t *testing.T) {
	for _, length := range []uint64{1e14, 1 << 63, 32 << 20, 30 << 20} {
		stream := raw{op: 2, lies: true, length: length, payload: "abc"}.bytes(true)
		before := allocated()
		_, err := play(server, Options{}, strings.NewReader(string(stream)))
		grown := allocated() - before
		if err == nil || grown > 256<<10 {
			t.Errorf("length %d: %d bytes allocated, error %v", length, grown, err)
		}
	}
}

func TestReadAllocatesNothingForSmallMessages(t *testing.T) {
	payload := strings.Repeat("x", 200)
	for name, frames := range map[string][]raw{
		"whole":      {{op: 2, payload: payload}},
		"fragmented": {{op: 2, more: true, payload: payload}, {op: 9}, {payload: payload}},
	} {
		c := newConn(tape{&loop{data: []byte(encode(frames, true))}}, nil, server, Options{})
		defer c.CloseNow()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		allocs := testing.AllocsPerRun(1000, func() {
			if _, _, err := c.Read(ctx); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations a message, want none", name, allocs)
		}
	}
}

// A loop repeats data for ever.
type loop struct {
	data []byte
	at   int
}

func (l *loop) Read(p []byte) (n int, err error) {
	for n < len(p) {
		m := copy(p[n:], l.data[l.at:])
		n += m
		l.at = (l.at + m) % len(l.data)
	}
	return n, nil
}

func TestReadForgetsTheBufferOfALargeMessage(t *testing.T) {
	c, p := connect(t, server, Options{})
	go p.send(raw{op: 2, payload: strings.Repeat("x", 4<<20)}, raw{op: 2, payload: "y"})
	for range 2 {
		if _, _, err := c.Read(soon(t)); err != nil {
			t.Fatal(err)
		}
	}
	if held := cap(c.in.message); held > keptMessage {
		t.Errorf("%d bytes are held after a large message", held)
	}
}

func TestReadAnswersPings(t *testing.T) {
	for name, side := range sides {
		t.Run(name, func(t *testing.T) {
			var pings, pongs []string
			c, p := connect(t, side, Options{
				OnPing: func(b []byte) { pings = append(pings, string(b)) },
				OnPong: func(b []byte) { pongs = append(pongs, string(b)) },
			})
			full := strings.Repeat("\x00\xff", 62) + "z"
			p.send(raw{op: 9}, raw{op: 9, payload: full}, raw{op: 10, payload: "unasked"}, raw{op: 1, payload: "a"})
			if _, _, err := c.Read(soon(t)); err != nil {
				t.Fatal(err)
			}
			p.expect(raw{op: 10})
			p.expect(raw{op: 10, payload: full})
			if !slices.Equal(pings, []string{"", full}) || !slices.Equal(pongs, []string{"unasked"}) {
				t.Errorf("OnPing got %q, OnPong got %q", pings, pongs)
			}
		})
	}
}

func TestTenPingsInOneWriteGetTenPongs(t *testing.T) {
	c, p := connect(t, server, Options{})
	var frames []raw
	for i := range 10 {
		frames = append(frames, raw{op: 9, payload: fmt.Sprint("payload-", i)})
	}
	p.send(append(frames, raw{op: 1})...)
	if _, _, err := c.Read(soon(t)); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		p.expect(raw{op: 10, payload: fmt.Sprint("payload-", i)})
	}
}

// A pong may be a proof, so the caller that sends it may first wait for what it proves,
// but not beyond the end of the connection.
func TestACallerThatAnswersPingsItselfHasACallBeforeTheEnd(t *testing.T) {
	for name, end := range map[string]raw{"a close frame": closing(1000, ""), "a fault": {op: 3}} {
		t.Run(name, func(t *testing.T) {
			var c *Conn
			var owed [][]byte
			c, p := connect(t, server, Options{
				OwnPongs: true,
				OnPing:   func(b []byte) { owed = append(owed, slices.Clone(b)) },
				OnWait: func() error {
					for _, b := range owed {
						c.Pong(b)
					}
					owed = nil
					return nil
				},
			})
			p.send(raw{op: 9, payload: "a"}, raw{op: 1, payload: "m"}, raw{op: 9, payload: "b"}, end)
			if _, got, err := c.Read(soon(t)); err != nil || string(got) != "m" || len(owed) != 1 {
				t.Fatalf("%q, %v, %d pings are not answered", got, err, len(owed))
			}
			if _, _, err := c.Read(soon(t)); err == nil {
				t.Error("no error")
			}
			p.expect(raw{op: 10, payload: "a"})
			p.expect(raw{op: 10, payload: "b"})
		})
	}
}

func TestNoPongBehindAnErrorOfOnWait(t *testing.T) {
	var c *Conn
	var owed []byte
	c, p := connect(t, server, Options{
		OwnPongs: true,
		OnPing:   func(b []byte) { owed = slices.Clone(b) },
		OnWait: func() error {
			if owed == nil { // nothing has come
				return nil
			}
			return errors.New("full")
		},
	})
	p.send(raw{op: 9, payload: "a"}, closing(1000, ""))
	if _, _, err := c.Read(soon(t)); err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("Read: %v", err)
	}
	c.Pong(owed)
	go c.Close(soon(t), TryAgainLater, "")
	p.expect(closing(1013, "")) // and not the peer's own code
}

func TestReadReturnsTheSameErrorAgain(t *testing.T) {
	for _, last := range []raw{closing(1008, "quota"), {op: 3}} {
		c, p := connect(t, client, Options{})
		p.send(last, raw{op: 1, payload: "late"})
		_, _, first := c.Read(soon(t))
		_, _, second := c.Read(soon(t))
		if first == nil || first != second {
			t.Errorf("first %v, then %v", first, second)
		}
		select {
		case <-c.Done():
			t.Error("Done is closed before the caller could answer")
		default:
		}
		if err := c.Write(soon(t), Text, nil); err != first {
			t.Errorf("Write after it: %v, want %v", err, first)
		}
	}
}

func TestEndWithoutCloseFrameFailsTheConnection(t *testing.T) {
	c, p := connect(t, client, Options{})
	p.Close()
	_, _, err := c.Read(soon(t))
	if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "without a close frame") {
		t.Errorf("Read: %v", err)
	}
	<-c.Done()
	if c.Err() != err {
		t.Errorf("Err is %v, Read said %v", c.Err(), err)
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	for name, side := range sides {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _ := connectPipe(t, side, Options{})
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				start := time.Now()
				_, _, err := c.Read(ctx)
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Hour {
					t.Errorf("Read returned %v after %v", err, time.Since(start))
				}
				<-c.Done()
				if _, _, again := c.Read(t.Context()); !errors.Is(again, context.DeadlineExceeded) {
					t.Errorf("the next Read: %v", again)
				}
			})
		})
	}
}

func TestContextThatEndsBetweenReadsDoesNoHarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connectPipe(t, server, Options{})
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			go p.send(raw{op: 1, payload: "a"})
			if _, _, err := c.Read(ctx); err != nil {
				t.Fatal(err)
			}
			cancel()
			synctest.Wait()
		}
		go p.send(raw{op: 1, payload: "b"})
		if _, payload, err := c.Read(t.Context()); string(payload) != "b" {
			t.Errorf("got %q, %v", payload, err)
		}
	})
}

// The end of one Read's context once met the next Read and closed a healthy
// connection.
func TestContextThatEndsAsTheNextReadBeginsDoesNoHarm(t *testing.T) {
	c, p := connect(t, server, Options{})
	const reads = 20000
	go p.send(slices.Repeat([]raw{{op: 1, payload: "a"}}, reads)...)
	for i := range reads {
		ctx, cancel := context.WithCancel(t.Context())
		if _, _, err := c.Read(ctx); err != nil {
			t.Fatalf("read %d: %v", i, err)
		}
		go cancel()
	}
}

// A spy is a context that counts who waits for its end.
type spy struct {
	done    chan struct{}
	waiting atomic.Int32
}

func (s *spy) Deadline() (time.Time, bool) { return time.Time{}, false }
func (s *spy) Done() <-chan struct{}       { return s.done }
func (s *spy) Err() error                  { return nil }
func (s *spy) Value(any) any               { return nil }
func (s *spy) AfterFunc(func()) func() bool {
	s.waiting.Add(1)
	return func() bool { s.waiting.Add(-1); return true }
}

func TestReadWatchesOneContextAtATimeAndNoneInTheEnd(t *testing.T) {
	c, p := connect(t, server, Options{})
	first, second := &spy{done: make(chan struct{})}, &spy{done: make(chan struct{})}
	for _, ctx := range []*spy{first, first, second, second} {
		p.send(raw{op: 1})
		if _, _, err := c.Read(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := first.waiting.Load(), second.waiting.Load(); a != 0 || b != 1 {
		t.Errorf("%d wait for the first context, %d for the second", a, b)
	}
	c.CloseNow()
	if b := second.waiting.Load(); b != 0 {
		t.Errorf("%d wait after the end", b)
	}
	c.Read(first)
	if a := first.waiting.Load(); a != 0 {
		t.Errorf("%d wait after a Read after the end", a)
	}
}

func TestReadWithAnEndedContextFails(t *testing.T) {
	c, p := connect(t, server, Options{})
	p.send(raw{op: 1})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := c.Read(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Read: %v", err)
	}
	<-c.Done()
}

func TestSecondReaderIsToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := connectPipe(t, server, Options{})
		go c.Read(t.Context())
		synctest.Wait()
		if _, _, err := c.Read(t.Context()); err != errTwoReads {
			t.Errorf("second Read: %v", err)
		}
		c.CloseNow()
	})
}

func TestLastReadIsWhenBytesArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connectPipe(t, server, Options{})
		if !c.LastRead().Equal(time.Now()) {
			t.Errorf("fresh connection: %v", time.Since(c.LastRead()))
		}
		go c.Read(t.Context())
		time.Sleep(time.Minute) // virtual
		p.send(raw{op: 10})
		synctest.Wait()
		heard := time.Now()
		time.Sleep(time.Hour)
		if !c.LastRead().Equal(heard) {
			t.Errorf("LastRead %v, want %v", c.LastRead(), heard)
		}
		c.CloseNow()
	})
}

func TestReadTellsOfAReset(t *testing.T) {
	a, b := tcp(t)
	c := newConn(a, nil, client, Options{})
	defer c.CloseNow()
	b.(*net.TCPConn).SetLinger(0)
	b.Close()
	if _, _, err := c.Read(soon(t)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v", err)
	}
}

// An impatient is a transport with a time limit of its own.
type impatient struct{ net.Conn }

func (i impatient) Read(p []byte) (int, error) {
	i.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	return i.Conn.Read(p)
}

func TestReadTellsOfATransportsOwnTimeout(t *testing.T) {
	a, b := tcp(t)
	defer b.Close()
	c := newConn(impatient{a}, nil, client, Options{})
	defer c.CloseNow()
	if _, _, err := c.Read(soon(t)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
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
