package platform_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopex/prism-go/platform"
)

func TestHostileRequestsGetAClearRefusal(t *testing.T) {
	const form = "Content-Type: application/x-www-form-urlencoded\r\n"
	rows := []struct {
		name, request string
		status        int
		code          string
	}{
		{"a length of 10^14", "POST /api/x HTTP/1.1\r\nHost: x\r\n" + form + "Content-Length: 100000000000000\r\n\r\n", 413, "request_too_large"},
		{"a long body", "POST /api/x HTTP/1.1\r\nHost: x\r\n" + form + "Content-Length: 2001\r\n\r\n" + repeat("x", 2001), 413, "request_too_large"},
		{"a long body in chunks", "POST /api/x HTTP/1.1\r\nHost: x\r\n" + form + "Transfer-Encoding: chunked\r\n\r\n7d1\r\n" + repeat("x", 2001) + "\r\n0\r\n\r\n", 413, "request_too_large"},
		{"many parameters", "GET /api/x?" + repeat("a&", 11) + " HTTP/1.1\r\nHost: x\r\n\r\n", 400, "invalid_query"},
		{"many parameters in a form", "POST /api/x HTTP/1.1\r\nHost: x\r\n" + form + "Content-Length: 22\r\n\r\n" + repeat("a&", 11), 400, "invalid_form"},
		{"a bad escape", "GET /api/x?a=%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400, "invalid_query"},
		{"a bad escape in a name", "GET /api/x?%=1 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "invalid_query"},
		{"a bad escape in a form", "POST /api/x HTTP/1.1\r\nHost: x\r\n" + form + "Content-Length: 4\r\n\r\na=%f", 400, "invalid_form"},
		{"a slow body", "POST /api/x HTTP/1.1\r\nHost: x\r\n" + form + "Content-Length: 10\r\n\r\na", 408, "request_timeout"},
		{"a slow body in chunks", "POST /api/x HTTP/1.1\r\nHost: x\r\n" + form + "Transfer-Encoding: chunked\r\n\r\n5\r\na", 408, "request_timeout"},
		{"a broken chunk", "POST /api/x HTTP/1.1\r\nHost: x\r\n" + form + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "invalid_body"},
		{"an unknown method", "BREW /api/x?client_id=buwb2lii HTTP/1.1\r\nHost: x\r\n\r\n", 401, "missing_sign"},
		{"an asterisk", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 200, ""}, // net/http's own answer
	}
	e := newEnv(t, platform.Config{
		BodyTimeout: 100 * time.Millisecond,
		Limits:      platform.Limits{RequestBody: 2000, Parameters: 10},
	})
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", e.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(patience))
			io.WriteString(conn, row.request)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			readReply(t, resp).want(t, row.status, row.code)
		})
	}
	e.call("GET", "platform/notify/status", nil).want(t, 200, "")
}

func TestABackendsBodyIsBoundedToo(t *testing.T) {
	var got error
	e := newEnv(t, platform.Config{
		Limits:  platform.Limits{RequestBody: 10},
		Backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, got = io.Copy(io.Discard, r.Body) }),
	})
	query := url.Values{}
	signed("POST", "/api/x", nil, query, nil)
	body := struct{ io.Reader }{strings.NewReader(repeat("x", 11))} // of unknown length
	req, _ := http.NewRequest("POST", e.url+"/api/x?"+query.Encode(), body)
	e.send(req)
	if got == nil {
		t.Error("the backend read it all")
	}
}

// A frame cut in the middle must not hold anything for longer than its peer.
func TestCutFramesLeaveNothingBehind(t *testing.T) {
	seen, trace := newEvents()
	e := newEnv(t, platform.Config{Trace: trace})
	whole := rawFrame(0x82, 7, []byte("\x01\x00\x01k\x00\x00\x00\x01b"))
	for n := range whole {
		conn, _ := e.rawChannel()
		conn.Write(whole[:n])
		conn.Close()
		await[disconnectEvent](t, seen, n+1)
	}
	if s := e.p.Stats(); s.Connections != 0 || s.Published != 0 {
		t.Errorf("stats %+v", s)
	}
}

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestLogTellsWhatHappenedAndNoSecret(t *testing.T) {
	var log lockedBuffer
	seen, trace := newEvents()
	e := newEnv(t, platform.Config{
		Explain: true, Trace: trace,
		Logger:  slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Backend: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oops") }),
	})
	e.call("GET", "platform/notify/status", url.Values{"topic": {"private"}}).want(t, 404, "unknown_topic")
	e.call("GET", "boom", nil).want(t, 500, "internal_error")
	e.get("/api/x?client_id=" + testKey + "&sign=SIGNATURE&sign_time=" + fmt.Sprint(time.Now().Unix()))
	e.get("/api/platform/notify/status?client_id=" + testKey + "&client_secret=" + testSecret)
	req := e.request("GET", "x", nil)
	req.Header.Set("Authorization", "Bearer accesstoken")
	e.send(req)
	e.dial().close()
	await[disconnectEvent](t, seen, 1)

	text := log.String()
	contains(t, text, "path=/api/platform/notify/status", "key="+testKey, "status=404", "code=unknown_topic", "took=", "request_id=",
		"code=internal_error", "oops", "msg=connected", "user_agent=platform-test", "msg=disconnected")
	for _, secret := range []string{testSecret, "SIGNATURE", "accesstoken", "private", "sign="} {
		if strings.Contains(text, secret) {
			t.Errorf("the log tells %q:\n%s", secret, text)
		}
	}
}

func TestTraceTellsTheLifeOfAMessage(t *testing.T) {
	seen, trace := newEvents()
	e := newEnv(t, platform.Config{Trace: trace})
	p := e.dial()
	p.consume("")
	p.publish("k", "x")
	p.ack(p.next().Tag)
	p.barrier()
	await[disconnectEvent](t, seen, 1)
	handshake, connected := await[callEvent](t, seen, 1), await[connectEvent](t, seen, 1)
	if handshake.Status != 101 || handshake.RequestID != connected.RequestID || connected.App != "shop" || connected.ID == 0 {
		t.Errorf("connected %+v by %+v", connected, handshake)
	}
	published, delivered, acked := await[platform.PublishEvent](t, seen, 1), await[platform.DeliverEvent](t, seen, 1), await[platform.AckEvent](t, seen, 1)
	if published.Conn != connected.ID || delivered.Conn != connected.ID || acked.Conn != connected.ID {
		t.Errorf("connections %d %d %d, want %d", published.Conn, delivered.Conn, acked.Conn, connected.ID)
	}
	if published.Err != nil || delivered.Message != published.Message || delivered.Tag != 1 || acked.Tag != 1 || acked.Stray {
		t.Errorf("published %+v, delivered %+v, acknowledged %+v", published, delivered, acked)
	}
	s := e.p.Stats()
	if want := (platform.Stats{Connected: 1, Calls: 1, Published: 1, Delivered: 1, Acked: 1}); s != want {
		t.Errorf("stats %+v, want %+v", s, want)
	}
}
