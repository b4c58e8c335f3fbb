package platform_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
	"github.com/shopex/prism-go/platform/memory"
)

// capture is the recorded traffic of a published SDK (protocol chapter 6).
// Text that is not ASCII is written as the bytes read in latin-1.
type capture struct {
	Peer, Scenario string
	HTTP           *struct {
		RequestLine string      `json:"request_line"`
		Headers     [][2]string `json:"headers"`
		Body        []byte      `json:"body_b64"`
	}
	WS *struct {
		Handshake struct {
			RequestLine string      `json:"request_line"`
			Headers     [][2]string `json:"headers"`
		}
		Frames []struct {
			Opcode     byte
			LengthBits int `json:"length_bits"`
			Payload    []byte
		}
		End string
	}
	Check struct {
		SignIn  *string `json:"sign_in"`
		OnWire  bool    `json:"sign_ok_path_as_on_wire"`
		Decoded bool    `json:"sign_ok_path_decoded"`
	}
}

func captures(t *testing.T) []capture {
	t.Helper()
	data, err := os.ReadFile("testdata/captures.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []capture
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	if len(list) < 60 {
		t.Fatalf("only %d captures", len(list))
	}
	return list
}

func latin1(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteByte(byte(r))
	}
	return b.String()
}

func head(requestLine string, headers [][2]string) string {
	var b strings.Builder
	b.WriteString(latin1(requestLine) + "\r\n")
	for _, h := range headers {
		b.WriteString(latin1(h[0]) + ": " + latin1(h[1]) + "\r\n")
	}
	return b.String() + "\r\n"
}

// outcome is what a capture must get: refused by its signature alone, and
// otherwise answered as the API says.
func (c capture) outcome() (status int, code string) {
	method, rest, _ := strings.Cut(c.HTTP.RequestLine, " ")
	if strings.Count(rest, " ") > 1 {
		return 400, "" // raw spaces: net/http refuses it
	}
	bySecret := strings.Contains(rest, "client_secret=") || strings.Contains(string(c.HTTP.Body), "client_secret=")
	if !c.Check.OnWire && !c.Check.Decoded && !bySecret {
		return 401, "invalid_sign"
	}
	target, err := url.Parse(strings.Fields(rest)[0])
	if err != nil {
		return 400, ""
	}
	switch path := target.Path; {
	case path == "/api/platform/notify/write" && method == "DELETE":
		return 405, "method_not_allowed"
	case path == "/api/platform/notify/write" && !strings.Contains(string(c.HTTP.Body), "data="):
		return 400, "missing_parameter"
	case strings.HasPrefix(path, "/api/platform/notify/"), c.ofOAuth():
		return 200, ""
	}
	return 404, "unknown_api"
}

// ofOAuth reports whether a capture is a call of a login.
func (c capture) ofOAuth() bool { return strings.HasPrefix(c.Scenario, "oauth-") }

// nobody are users of whom there is none.
func nobody() platform.Users { return platform.NewRegistry(new(memory.Store)) }

// prepared has the code and the session of the captures.
func prepared(t *testing.T, cfg platform.Config) *env {
	t.Helper()
	cfg.Users = nobody()
	e := newEnv(t, cfg)
	err := e.p.Prepare(t.Context(), "kv6sdomumjxnme5so2ckbw", "abc", testKey, platform.User{ID: "7", Login: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// The published SDKs work unmodified as far as their signatures are right.
func TestRecordedCallsOfPublishedSDKs(t *testing.T) {
	for _, c := range captures(t) {
		if c.HTTP == nil {
			continue
		}
		t.Run(c.Peer+"/"+c.Scenario, func(t *testing.T) {
			e := prepared(t, platform.Config{SignWindow: -1, ErrorCodes: platform.WordCodes, Explain: true})
			e.write("", "one")
			status, code := c.outcome()
			replay(t, e, c).want(t, status, code)
		})
	}
}

func TestRecordedLoginsNeedTheCodeAndTheSession(t *testing.T) {
	seen := 0
	for _, c := range captures(t) {
		if !c.ofOAuth() {
			continue
		}
		if status, _ := c.outcome(); status != 200 {
			continue
		}
		seen++
		t.Run(c.Peer+"/"+c.Scenario, func(t *testing.T) {
			code := "invalid_grant"
			if strings.HasSuffix(c.Scenario, "session-check") {
				code = "invalid_session"
			}
			replay(t, newEnv(t, platform.Config{SignWindow: -1, ErrorCodes: platform.WordCodes, Users: nobody()}), c).want(t, 400, code)
			replay(t, newEnv(t, platform.Config{SignWindow: -1, ErrorCodes: platform.WordCodes}), c).want(t, 404, "unknown_api")
		})
	}
	if seen != 6 {
		t.Errorf("%d captures of logins", seen)
	}
}

func TestRecordedCodesAreExchangedForTokens(t *testing.T) {
	for _, c := range captures(t) {
		if !strings.HasPrefix(c.Scenario, "oauth-token") {
			continue
		}
		t.Run(c.Peer+"/"+c.Scenario, func(t *testing.T) {
			e := prepared(t, platform.Config{SignWindow: -1, ErrorCodes: platform.WordCodes})
			r := replay(t, e, c)
			r.want(t, 200, "")
			if r.tokens.Session != "kv6sdomumjxnme5so2ckbw" || r.tokens.Data["@id"] != "7" || r.tokens.Access == "" || r.tokens.Refresh == "" {
				t.Errorf("answered %s", r.body)
			}
			replay(t, e, c).want(t, 400, "invalid_grant")
		})
	}
}

// A refusal names the SDK whose rule would have matched, where the caller was
// a published SDK.
func TestRecordedWrongSignaturesAreExplained(t *testing.T) {
	explained := 0
	for _, c := range captures(t) {
		if c.HTTP == nil {
			continue
		}
		if _, code := c.outcome(); code != "invalid_sign" {
			continue
		}
		t.Run(c.Peer+"/"+c.Scenario, func(t *testing.T) {
			r := replay(t, newEnv(t, platform.Config{SignWindow: -1, ErrorCodes: platform.WordCodes, Explain: true}), c)
			r.want(t, 401, "invalid_sign")
			if dialect, ok := r.Error.Data["dialect"].(string); ok {
				contains(t, dialect, c.Peer)
				explained++
			} else {
				t.Logf("no dialect named: %s", r.Error.Message)
			}
		})
	}
	if explained == 0 {
		t.Error("not one is explained")
	}
}

// replay sends a recorded call, byte for byte.
func replay(t *testing.T, e *env, c capture) reply {
	t.Helper()
	conn, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, head(c.HTTP.RequestLine, c.HTTP.Headers)+string(c.HTTP.Body))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return readReply(t, resp)
}

func TestRecordedConnectionsOfPublishedSDKs(t *testing.T) {
	for _, c := range captures(t) {
		if c.WS == nil {
			continue
		}
		t.Run(c.Peer+"/"+c.Scenario, func(t *testing.T) {
			seen, trace := newEvents()
			e := newEnv(t, platform.Config{SignWindow: -1, ErrorCodes: platform.WordCodes, Trace: trace})
			e.write("", "for default")
			e.write("messages", "for messages")
			replayChannel(t, e, seen, c)
		})
	}
}

func TestRecordedConsumersGetWhatOtherKeysPublish(t *testing.T) {
	peers := map[string]bool{}
	for _, c := range captures(t) {
		if c.WS == nil || !strings.HasPrefix(c.Scenario, "ws-consume-") {
			continue
		}
		peers[c.Peer] = true
		t.Run(c.Peer+"/"+c.Scenario, func(t *testing.T) {
			seen, trace := newEvents()
			e := newBus(t, platform.Config{SignWindow: -1, ErrorCodes: platform.WordCodes, Trace: trace, Queues: memory.New(memory.Config{})})
			for topic, pattern := range map[string]string{"": "for.default", "messages": "for.messages"} {
				e.ask(adminKey, "POST", "notify/routing/set", "topic", topic, "routing_key", pattern).wantResult(t, "true")
			}
			for _, queue := range []string{"default", "messages"} {
				r := e.ask(erpKey, "POST", "notify/write", "routing_key", "for."+queue, "data", "for "+queue)
				if r.wantResult(t, "true"); *r.Queues != 1 {
					t.Fatalf("answered %s", r.body)
				}
			}
			replayChannel(t, e, seen, c)
			if d := await[platform.DeliverEvent](t, seen, 1); d.Message.ClientID != erpKey.ID {
				t.Errorf("delivered %+v", d.Message)
			}
		})
	}
	if !peers["php"] || !peers["python"] || !peers["go"] { // Java's consume fails before a byte is sent
		t.Errorf("consumers of %v", peers)
	}
}

// replayChannel sends what a recorded connection has sent, frame by frame.
func replayChannel(t *testing.T, e *env, seen *events, c capture) {
	t.Helper()
	conn, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	in := bufio.NewReader(conn)
	fmt.Fprint(conn, head(c.WS.Handshake.RequestLine, c.WS.Handshake.Headers))
	wantBareAnswer(t, in)
	connected := await[connectEvent](t, seen, 1)
	if ua := headerOf(c.WS.Handshake.Headers, "User-Agent"); connected.UserAgent != ua || connected.Key != testKey {
		t.Errorf("connected as %+v, want user agent %q", connected.Conn, ua)
	}
	for _, f := range c.WS.Frames {
		conn.Write(rawFrame(0x80|f.Opcode, f.LengthBits, f.Payload))
		wantEffect(t, seen, in, c, f.Opcode, f.Payload)
	}
	if c.WS.End == "eof" {
		conn.Close()
	}
	await[disconnectEvent](t, seen, 1)
}

// PHP reads exactly three header lines; any other kills its connection.
func wantBareAnswer(t *testing.T, in *bufio.Reader) {
	t.Helper()
	want := []string{"HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: ", ""}
	for i, w := range want {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		got := strings.TrimSuffix(line, "\r\n")
		if got != w && (i != 3 || !strings.HasPrefix(got, w) || len(got) != len(w)+28) {
			t.Fatalf("line %d is %q, want %q", i, got, w)
		}
	}
}

func headerOf(headers [][2]string, name string) string {
	for _, h := range headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

// wantEffect waits for what a frame must bring about.
func wantEffect(t *testing.T, seen *events, in *bufio.Reader, c capture, opcode byte, payload []byte) {
	t.Helper()
	switch {
	case opcode == 8 && c.Peer == "python" && c.Scenario == "ws-publish":
		wantEOF(t, in) // its publish was refused by a close frame already
	case opcode == 8:
		first, _ := rawServerFrame(t, in)
		if first != 0x88 {
			t.Errorf("a close frame is answered with %#x", first)
		}
		wantEOF(t, in)
	case c.Peer == "python" && payload[0] == 1:
		first, reason := rawServerFrame(t, in)
		if first != 0x88 || reason[0] != 3 || reason[1] != 0xEA {
			t.Errorf("python's publish is answered with %#x %q, want close 1002", first, reason)
		}
		contains(t, string(reason[2:]), "python")
	case payload[0] == 1:
		m := await[platform.PublishEvent](t, seen, 1)
		if m.Err != nil || m.Message.Key != "order.new" || string(m.Message.Body) != "hello world" || m.Message.ContentType != "text/plain" {
			t.Errorf("published %+v, %v", m.Message, m.Err)
		}
	case payload[0] == 2:
		first, frame := rawServerFrame(t, in)
		topic := strings.TrimPrefix(c.Scenario, "ws-consume-")
		if first != 0x81 || !strings.Contains(string(frame), `"tag":1,`) || !strings.Contains(string(frame), `"body":"for `+topic+`"`) {
			t.Errorf("delivered %#x %s", first, frame)
		}
	case payload[0] == 3:
		if a := await[platform.AckEvent](t, seen, 1); a.Stray == strings.Contains(c.Scenario, "consume") {
			t.Errorf("acknowledged %+v", a)
		}
	}
}

func wantEOF(t *testing.T, in *bufio.Reader) {
	t.Helper()
	if _, err := in.ReadByte(); err != io.EOF {
		t.Errorf("after the close frame came %v, want the end of the connection", err)
	}
}

// What was acknowledged is gone, what was not is still there.
func TestOnlyAcknowledgedMessagesLeaveTheQueue(t *testing.T) {
	seen, trace := newEvents()
	e := newEnv(t, platform.Config{Trace: trace})
	for _, body := range []string{"a", "b", "c"} {
		e.write("", body)
	}
	p := e.dial()
	p.consume("")
	for range 3 {
		p.next()
	}
	p.ack(2)
	await[platform.AckEvent](t, seen, 1)
	p.close()
	await[disconnectEvent](t, seen, 1)
	left, err := e.queues.Read(context.Background(), testKey, "", 10)
	if err != nil || len(left) != 2 || string(left[0].Body) != "a" || string(left[1].Body) != "c" {
		t.Errorf("left are %v, %v", left, err)
	}
}
