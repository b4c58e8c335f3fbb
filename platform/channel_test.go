package platform_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/shopex/prism-go/internal/socket"
	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

func TestPublishReachesEveryConsumedTopic(t *testing.T) {
	e := newEnv(t, platform.Config{})
	e.call("POST", "platform/notify/routing/set", url.Values{"topic": {"orders"}, "routing_key": {"order.*"}}).wantResult(t, "true")
	p := e.dial()
	p.consume("")
	p.consume("orders")
	p.consume("orders") // again: ignored
	p.publish("order.new", "hello")
	tags := map[uint64]bool{}
	for range 2 {
		d := p.next()
		tags[d.Tag] = true
		if d.Key != "order.new" || d.Type != "text/plain" || d.App != "shop" || d.ClientID != testKey || string(d.Body) != "hello" {
			t.Errorf("delivered %+v", d)
		}
		if age := time.Now().Unix() - d.Time; age < 0 || age > 5 {
			t.Errorf("time %d", d.Time)
		}
	}
	if !tags[1] || !tags[2] {
		t.Errorf("tags %v, want 1 and 2", tags)
	}
}

func TestBothPathsAreTheChannel(t *testing.T) {
	e := newEnv(t, platform.Config{})
	for _, path := range []string{"/api/platform/notify", "/api/notify"} {
		conn, err := net.Dial("tcp", e.addr)
		if err != nil {
			t.Fatal(err)
		}
		dialOver(t, conn, notifyTarget(testKey, testSecret, path)).close()
	}
}

func TestHandshakeIsRefusedLikeAnyCall(t *testing.T) {
	e := newEnv(t, platform.Config{})
	rows := []struct {
		name, target string
		status       int
		code         string
	}{
		{"wrong secret", notifyTarget(testKey, "guess", "/api/platform/notify"), 401, "invalid_sign"},
		{"unknown key", notifyTarget("nobody", testSecret, "/api/platform/notify"), 401, "unknown_key"},
		{"unsigned", "/api/platform/notify", 401, "missing_client_id"},
		{"elsewhere", notifyTarget(testKey, testSecret, "/api/notfy"), 404, "unknown_api"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", e.addr)
			if err != nil {
				t.Fatal(err)
			}
			p, r := tryDial(t, conn, row.target)
			if p != nil {
				t.Fatal("accepted")
			}
			r.want(t, row.status, row.code)
		})
	}
}

func TestPlainCallOfTheChannelIsToldToUpgrade(t *testing.T) {
	e := newEnv(t, platform.Config{})
	r := e.call("GET", "platform/notify", nil)
	r.want(t, 426, "upgrade_required")
	contains(t, r.Error.Message, "WebSocket")
	e.call("POST", "platform/notify", nil).want(t, 405, "method_not_allowed")
}

// A body of any bytes passes; only one that is UTF-8 may be a text frame.
func TestDeliveriesAreTextOnlyIfTheyAreUTF8(t *testing.T) {
	e := newEnv(t, platform.Config{})
	p := e.dial()
	p.consume("")
	for body, want := range map[string]socket.Opcode{"订单": socket.Text, "\xff\x00": socket.Binary} {
		p.publish("k", body)
		op, frame, err := p.conn.Read(p.ctx)
		if err != nil || op != want || utf8.Valid(frame) != (want == socket.Text) {
			t.Errorf("body %q came with opcode %d, %v", body, op, err)
		}
	}
}

// The close codes and reasons are all that the sender of a bad frame gets.
func TestBadFramesCloseWithAReason(t *testing.T) {
	publish := func(key, body, contentType string) []byte {
		b := binary.BigEndian.AppendUint16([]byte{1}, uint16(len(key)))
		b = binary.BigEndian.AppendUint32(append(b, key...), uint32(len(body)))
		return append(binary.BigEndian.AppendUint16(append(b, body...), uint16(len(contentType))), contentType...)
	}
	binaryFrame := func(payload []byte) []byte {
		bits := 7
		if len(payload) > 65535 {
			bits = 64
		} else if len(payload) > 125 {
			bits = 16
		}
		return rawFrame(0x82, bits, payload)
	}
	declared := func(n uint64) []byte {
		return append(binary.BigEndian.AppendUint64([]byte{0x82, 0x80 | 127}, n), 1, 2, 3, 4)
	}
	rows := []struct {
		name  string
		bytes []byte
		code  uint16
		words []string
	}{
		{"empty", binaryFrame(nil), 1002, []string{"command", "empty"}},
		{"zero", binaryFrame([]byte{0}), 1003, []string{"command 0x00", "publish"}},
		{"unknown command", binaryFrame([]byte{0x49}), 1003, []string{"0x49", "publish"}},
		{"publish cut short", binaryFrame([]byte{1, 0, 9, 'x'}), 1002, []string{"publish", "length"}},
		{"publish too long", binaryFrame(append(publish("k", "b", "t"), 0)), 1002, []string{"publish"}},
		{"body length of 4 GiB", binaryFrame([]byte{1, 0, 1, 'k', 255, 255, 255, 255, 'x'}), 1002, []string{"publish"}},
		{"python's lengths", binaryFrame([]byte("\x01\x00\x02order.new\x00\x00\x00\x04hello world\x00\x02text/plain")), 1002, []string{"python"}},
		{"csharp's lengths", binaryFrame([]byte("\x01\x09\x00order.new\x05\x00hello")), 1002, []string{"csharp"}},
		{"routing key of two lines", binaryFrame(publish("a\nb", "b", "t")), 1008, []string{"routing key", "line break"}},
		{"content type of two lines", binaryFrame(publish("k", "b", "t\r\nX: y")), 1008, []string{"content type", "line break"}},
		{"empty routing key", binaryFrame(publish("", "b", "t")), 1008, []string{"routing key", "empty"}},
		{"long routing key", binaryFrame(publish(repeat("k", 257), "b", "t")), 1009, []string{"routing key", "257", "256"}},
		{"long content type", binaryFrame(publish("k", "b", repeat("t", 257))), 1009, []string{"content type", "256"}},
		{"long body", binaryFrame(publish("k", repeat("b", 1<<20+1), "")), 1009, []string{"body", "1048576"}},
		{"long topic", binaryFrame(append([]byte{2, 1, 1}, repeat("t", 257)...)), 1009, []string{"topic", "256"}},
		{"consume cut short", binaryFrame([]byte{2, 0}), 1002, []string{"consume"}},
		{"ack of a word", binaryFrame([]byte("\x03one")), 1002, []string{"ack", "decimal"}},
		{"ack of -1", binaryFrame([]byte("\x03-1")), 1002, []string{"ack"}},
		{"ack beyond 64 bits", binaryFrame([]byte("\x03" + repeat("9", 30))), 1002, []string{"ack"}},
		{"a length of 10^14, as PHP and Java write it", declared(100_000_000_000_000), 1009, nil},
		{"a length of 2^63", declared(1 << 63), 1002, nil},
		{"a length of 2^64-1", declared(1<<64 - 1), 1002, nil},
		{"unmasked", []byte{0x82, 1, 2}, 1002, []string{"mask"}},
		{"reserved bit", rawFrame(0xC2, 7, []byte{2}), 1002, nil},
		{"reserved opcode", rawFrame(0x83, 7, []byte{2}), 1002, nil},
		{"continuation of nothing", rawFrame(0x80, 7, []byte{2}), 1002, nil},
		{"fragmented ping", rawFrame(0x09, 7, nil), 1002, nil},
		{"close with one byte", rawFrame(0x88, 7, []byte{3}), 1002, nil},
		{"close with a reason that is no UTF-8", rawFrame(0x88, 7, []byte{3, 0xE8, 0xFF}), 1007, nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			e := newEnv(t, platform.Config{})
			conn, in := e.rawChannel()
			defer conn.Close()
			conn.Write(row.bytes)
			first, payload := rawServerFrame(t, in)
			if first != 0x88 || len(payload) < 3 {
				t.Fatalf("answered %#x %q, want a close frame with a reason", first, payload)
			}
			code, reason := binary.BigEndian.Uint16(payload), string(payload[2:])
			if code != row.code || !utf8.ValidString(reason) || len(payload) > 125 {
				t.Errorf("closed with %d %q, want %d", code, reason, row.code)
			}
			contains(t, reason, row.words...)
			wantEOF(t, in)
		})
	}
}

// rawChannel opens a channel without a library.
func (e *env) rawChannel() (net.Conn, *bufio.Reader) {
	e.t.Helper()
	conn, err := net.Dial("tcp", e.addr)
	if err != nil {
		e.t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: MTc5NTQ0NzA0Nw==\r\nSec-WebSocket-Version: 13\r\n\r\n",
		notifyTarget(testKey, testSecret, "/api/platform/notify"))
	in := bufio.NewReader(conn)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			e.t.Fatal(err)
		}
		if line == "\r\n" {
			return conn, in
		}
	}
}

// The old Go SDK sends fragments of 128 bytes, Python lengths in the 16-bit
// form, and text frames hold what is no text.
func TestOddFramesAreRead(t *testing.T) {
	seen, trace := newEvents()
	e := newEnv(t, platform.Config{Trace: trace})
	conn, _ := e.rawChannel()
	defer conn.Close()
	command := append([]byte("\x01\x00\x01k\x00\x00\x01\x00"), repeat("\xff", 256)...)
	conn.Write(rawFrame(0x01, 16, command[:128]))
	conn.Write(rawFrame(0x89, 7, []byte("Hi!"))) // a ping in between
	conn.Write(rawFrame(0x00, 16, command[128:256]))
	conn.Write(rawFrame(0x80, 64, command[256:]))
	if m := await[platform.PublishEvent](t, seen, 1); m.Err != nil || string(m.Message.Body) != repeat("\xff", 256) {
		t.Errorf("published %+v", m)
	}
}

func TestWindowIsSmallUntilThePeerPings(t *testing.T) {
	seen, trace := newEvents()
	e := newEnv(t, platform.Config{Trace: trace})
	for range 300 {
		e.write("", "x")
	}
	p := e.dial()
	p.consume("")
	for want := range uint64(16) {
		if d := p.next(); d.Tag != want+1 {
			t.Fatalf("tag %d, want %d", d.Tag, want+1)
		}
	}
	await[platform.DeliverEvent](t, seen, 16)
	if s := e.status(""); s.Unacknowledged != 16 {
		t.Errorf("%d unacknowledged before a ping", s.Unacknowledged)
	}
	p.ping("")
	for range 256 - 16 {
		p.next()
	}
	if s := e.status(""); s.Unacknowledged != 256 {
		t.Errorf("%d unacknowledged after a ping", s.Unacknowledged)
	}
	p.ack(100)
	if d := p.next(); d.Tag != 257 {
		t.Errorf("tag %d after an ack, want 257", d.Tag)
	}
}

func TestWindowCountsBytes(t *testing.T) {
	e := newEnv(t, platform.Config{Limits: platform.Limits{WindowBytes: 100}})
	for range 10 {
		e.write("", repeat("x", 40))
	}
	p := e.dial()
	p.consume("")
	for range 3 { // the third reaches the bound
		p.next()
	}
	p.ack(1)
	if d := p.next(); d.Tag != 4 {
		t.Errorf("tag %d", d.Tag)
	}
	p.barrier()
}

// A window that one topic fills must not keep the others waiting once there
// is room again.
func TestTopicsShareTheWindow(t *testing.T) {
	e := newEnv(t, platform.Config{Limits: platform.Limits{Window: 2, SmallWindow: 2}})
	p := e.dial()
	for i := range 5 {
		topic := fmt.Sprint("t", i)
		for range 10 {
			e.write(topic, topic)
		}
		p.consume(topic)
	}
	for want := range uint64(50) {
		d := p.next()
		if d.Tag != want+1 {
			t.Fatalf("tag %d, want %d: tags must count up on the wire", d.Tag, want+1)
		}
		p.ack(d.Tag)
	}
}

func TestTopicsOfAConnectionAreBounded(t *testing.T) {
	e := newEnv(t, platform.Config{Limits: platform.Limits{TopicsPerConnection: 2}})
	p := e.dial()
	for _, topic := range []string{"", "a", "a", "b"} {
		p.consume(topic)
	}
	if c := p.closed(); c.Code != socket.PolicyViolation {
		t.Errorf("closed with %d %q", c.Code, c.Reason)
	}
}

// Whoever has seen the close frame finds the messages in the queue.
func TestUnacknowledgedMessagesAreBackBeforeTheCloseFrame(t *testing.T) {
	endings := map[string]func(e *env, p *peer){
		"bad frame": func(_ *env, p *peer) { p.send([]byte{9}) },
		"shutdown": func(e *env, p *peer) {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			e.t.Cleanup(cancel)
			go e.p.Shutdown(ctx)
		},
		"own close frame": func(_ *env, p *peer) { go p.conn.Close(context.Background(), socket.NormalClosure, "") },
	}
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t, platform.Config{})
			for range 5 {
				e.write("", "x")
			}
			p := e.dial()
			p.consume("")
			for range 5 {
				p.next()
			}
			end(e, p)
			var closed *socket.CloseError
			if _, _, err := p.conn.Read(p.ctx); !errors.As(err, &closed) {
				t.Fatalf("Read: %v", err)
			}
			if s := e.status(""); s.Ready != 5 || s.Unacknowledged != 0 || s.Consumers != 0 {
				t.Errorf("at the close frame the queue is %+v", s)
			}
		})
	}
}

func TestCutConnectionReturnsItsMessagesInOrder(t *testing.T) {
	e := newEnv(t, platform.Config{})
	for i := range 5 {
		e.write("", fmt.Sprint(i))
	}
	p := e.dial()
	p.consume("")
	for range 5 {
		p.next()
	}
	p.raw.(*net.TCPConn).SetLinger(0) // a reset
	p.raw.Close()
	q := e.dial()
	q.consume("")
	for i := range 5 {
		if d := q.next(); string(d.Body) != fmt.Sprint(i) || d.Tag != uint64(i+1) {
			t.Fatalf("delivery %d is %+v", i, d)
		}
	}
}

func TestStrayAcksAreIgnoredAndCounted(t *testing.T) {
	e := newEnv(t, platform.Config{})
	e.write("", "x")
	p := e.dial()
	p.send([]byte{3})
	p.ack(0)
	p.ack(7)
	p.ack(1<<64 - 1)
	p.consume("")
	d := p.next()
	p.ack(d.Tag)
	p.ack(d.Tag)
	p.barrier()
	if s := e.p.Stats(); s.Acked != 1 || s.StrayAcks != 5 || s.Delivered != 1 {
		t.Errorf("stats %+v", s)
	}
}

// A tag means nothing on another connection.
func TestAcksDoNotReachOtherConnections(t *testing.T) {
	e := newEnv(t, platform.Config{})
	e.write("", "x")
	p := e.dial()
	p.consume("")
	p.next()
	q := e.dial()
	q.ack(1)
	q.barrier()
	if s := e.status(""); s.Unacknowledged != 1 {
		t.Errorf("%d unacknowledged after an ack from elsewhere", s.Unacknowledged)
	}
}

func TestStuckConsumerHarmsNobody(t *testing.T) {
	e := newEnv(t, platform.Config{WriteTimeout: 300 * time.Millisecond})
	const n = 64
	body := repeat("x", 256<<10)
	for range n {
		e.write("", body)
	}
	stuck := e.dial()
	stuck.ping("") // the full window: 8 MiB of bodies wait for it
	stuck.consume("")
	stuck.next() // and nothing is read any more

	lively := e.dial()
	lively.ping("")
	lively.consume("")
	for got := map[string]int{}; got["x"] < n; {
		d := lively.next()
		lively.ack(d.Tag)
		got[string(d.Body[:1])]++
	}
}

func TestConnectionsOfAKeyAreBounded(t *testing.T) {
	e := newEnv(t, platform.Config{Limits: platform.Limits{ConnectionsPerKey: 2}})
	first, _ := e.dial(), e.dial()
	refused := func() reply {
		conn, err := net.Dial("tcp", e.addr)
		if err != nil {
			t.Fatal(err)
		}
		p, r := tryDial(t, conn, notifyTarget(testKey, testSecret, "/api/platform/notify"))
		if p != nil {
			t.Fatal("a third connection was accepted")
		}
		return r
	}
	r := refused()
	r.want(t, 429, "too_many_connections")
	if r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	conn, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	dialOver(t, conn, notifyTarget("otherkey", "othersecretothersecr", "/api/platform/notify")).close()
	first.close()
	e.dial().close() // the place is free at once
}

// PHP reconnects at once and without a pause: it must find its place free
// although nothing of the old connection was awaited.
func TestReconnectingWithoutPauseIsNotLockedOut(t *testing.T) {
	e := newEnv(t, platform.Config{Limits: platform.Limits{ConnectionsPerKey: 1}})
	for range 50 {
		conn, in := e.rawChannel()
		conn.Write(rawFrame(0x82, 7, []byte{9})) // refused; no close frame comes back from here
		rawServerFrame(t, in)
		defer conn.Close()
	}
}

func TestShutdownSaysGoodbyeAndRefusesNewcomers(t *testing.T) {
	e := newEnv(t, platform.Config{})
	peers := make([]*peer, 5)
	for i := range peers {
		peers[i] = e.dial()
	}
	var reading sync.WaitGroup
	for _, p := range peers {
		reading.Go(func() {
			if c := p.closed(); c.Code != socket.GoingAway {
				t.Errorf("closed with %d %q", c.Code, c.Reason)
			}
		})
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for range 2 { // a second call is harmless
		if err := e.p.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	}
	reading.Wait()
	if s := e.p.Stats(); s.Connections != 0 || s.Connected != 5 {
		t.Errorf("stats %+v", s)
	}
	conn, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	_, r := tryDial(t, conn, notifyTarget(testKey, testSecret, "/api/platform/notify"))
	r.want(t, 503, "shutting_down")
	e.call("GET", "platform/notify/status", nil).want(t, 200, "")
}

func TestShutdownCutsPeersThatDoNotAnswerInTime(t *testing.T) {
	e := newEnv(t, platform.Config{})
	conn, in := e.rawChannel()
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := e.p.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown: %v", err)
	}
	if first, _ := rawServerFrame(t, in); first != 0x88 {
		t.Errorf("got %#x, want a close frame", first)
	}
	if _, err := in.ReadByte(); err == nil {
		t.Error("the socket stays open")
	}
}

// A consumer whose topic is dropped learns of it.
func TestDroppedTopicEndsItsConnection(t *testing.T) {
	seen, trace := newEvents()
	e := newEnv(t, platform.Config{Trace: trace})
	p := e.dial()
	p.consume("orders")
	p.publish("k", "x")
	await[platform.PublishEvent](t, seen, 1) // so the consume before it is done
	e.call("GET", "platform/notify/queue/drop", url.Values{"topic": {"orders"}}).wantResult(t, "true")
	c := p.closed()
	if c.Code != socket.QueueGone {
		t.Errorf("closed with %d", c.Code)
	}
	contains(t, c.Reason, "orders", "dropped")
}

type panickingQueues struct{ platform.Queues }

func (panickingQueues) Publish(context.Context, string, ...*platform.Message) ([]int, error) {
	panic("engine")
}

func TestPanicInAnEngineEndsItsConnectionOnly(t *testing.T) {
	e := newEnv(t, platform.Config{Queues: panickingQueues{newQueues(memory.Config{})}})
	bystander := e.dial()
	p := e.dial()
	p.publish("k", "x")
	if c := p.closed(); c.Code != socket.InternalError {
		t.Errorf("closed with %d %q", c.Code, c.Reason)
	}
	bystander.barrier()
}

// Thousands of messages through many connections, each acknowledged once.
func TestManyConsumersShareAQueue(t *testing.T) {
	seen, trace := newEvents()
	e := newEnv(t, platform.Config{Trace: trace})
	const consumers, messages = 8, 2000
	var mu sync.Mutex
	got := map[string]int{}
	var working sync.WaitGroup
	for range consumers {
		p := e.dial()
		p.ping("")
		p.consume("")
		working.Go(func() {
			for {
				_, frame, err := p.conn.Read(p.ctx)
				if err != nil {
					p.conn.Close(p.ctx, socket.NormalClosure, "")
					return
				}
				d := decode(t, frame)
				mu.Lock()
				got[string(d.Body)]++
				mu.Unlock()
				p.ack(d.Tag)
			}
		})
	}
	publisher := e.dial()
	for i := range messages {
		publisher.publish("k", fmt.Sprint(i))
	}
	await[platform.AckEvent](t, seen, messages)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	go publisher.closed()
	if err := e.p.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	working.Wait()
	if s := e.status(""); len(got) != messages || s.Ready+s.Unacknowledged != 0 {
		t.Errorf("%d different messages came, the queue is %+v", len(got), s)
	}
}

func TestHandshakeOverHTTP2IsRefused(t *testing.T) {
	e := newEnv(t, platform.Config{})
	req := e.request("GET", "platform/notify", nil)
	req.ProtoMajor, req.ProtoMinor, req.Proto = 2, 0, "HTTP/2.0"
	rec := newRecorder()
	e.p.ServeHTTP(rec, req)
	if rec.Code != http.StatusHTTPVersionNotSupported {
		t.Errorf("answered %d %s", rec.Code, rec.Body)
	}
}
