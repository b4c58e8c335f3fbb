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
			e.raw(t, row.request).want(t, row.status, row.code)
		})
	}
	e.call("GET", "platform/notify/status", nil).want(t, 200, "")
}

// net/http reads a body to its end before it answers, so a body that no API reads must
// not take longer than BodyTimeout either.
func TestABodyThatNeverComesDelaysNoAnswer(t *testing.T) {
	const length, chunked = "Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"
	rows := []struct {
		name, request string
		status        int
		code          string
	}{
		{"JSON without proof", "POST /api/platform/notify/purge HTTP/1.1\r\nContent-Type: application/json\r\n" + length, 401, "missing_client_id"},
		{"GET with a body", "GET /api/platform/notify/status HTTP/1.1\r\n" + length, 401, "missing_client_id"},
		{"GET in chunks", "GET /api/x HTTP/1.1\r\n" + chunked, 401, "missing_client_id"},
		{"a bad query", "POST /api/x?%zz HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n" + length, 400, "invalid_query"},
		{"a form that is too long", "POST /api/x HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 2001\r\n", 413, "request_too_large"},
		{"a body that only a backend may take", "POST /api/x HTTP/1.1\r\nContent-Length: 2001\r\n", 401, "missing_client_id"},
	}
	e := newEnv(t, platform.Config{BodyTimeout: 100 * time.Millisecond, Limits: platform.Limits{RequestBody: 2000}})
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			e.raw(t, row.request+"Host: x\r\n\r\n").want(t, row.status, row.code)
		})
	}
}

// raw sends a request, which may be the beginning of one, and returns its answer.
func (e *env) raw(t *testing.T, request string) reply {
	t.Helper()
	conn, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	io.WriteString(conn, request)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return readReply(t, resp)
}

// What was announced counts nothing; what has arrived counts until the call
// is answered.
func TestFormsInFlightAreBounded(t *testing.T) {
	entered, leave := make(chan bool, 1), make(chan bool)
	answer := sync.OnceFunc(func() { close(leave) })
	defer answer()
	e := newEnv(t, platform.Config{
		Limits: platform.Limits{RequestBody: 1000, FormsInFlight: 1000},
		Override: func(c platform.Call) http.Handler {
			if c.API != "wait" {
				return nil
			}
			return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { entered <- true; <-leave })
		},
	})
	announced, err := net.Dial("tcp", e.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer announced.Close()
	io.WriteString(announced, "POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\n")

	e.waitForms(t, 1)

	large := url.Values{"data": {repeat("x", 600)}}
	waiting := e.request("POST", "wait", large)
	done := make(chan reply, 1)
	go func() { done <- e.send(waiting) }()
	select {
	case <-entered:
	case r := <-done:
		t.Fatalf("the first call was answered %+v", r)
	case <-time.After(patience):
		t.Fatal("the first call does not come in")
	}
	r := e.call("POST", "platform/notify/write", large)
	r.want(t, 503, "overloaded")
	if r.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After is %q", r.header.Get("Retry-After"))
	}
	e.call("POST", "platform/notify/write", url.Values{"data": {"small"}}).wantResult(t, "true")
	answer()
	if r := awaited(t, "the answer", done); r.status != 200 {
		t.Errorf("the first call was answered %d", r.status)
	}
	e.call("POST", "platform/notify/write", large).wantResult(t, "true")
}

func TestTheLogCutsWhatTheCallerChose(t *testing.T) {
	var log lockedBuffer
	seen, trace := newEvents()
	e := newEnv(t, platform.Config{Trace: trace, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	e.raw(t, repeat("M", 5000)+" /api/"+repeat("p", 5000)+" HTTP/1.1\r\nHost: x\r\n\r\n").want(t, 401, "missing_client_id")
	await[callEvent](t, seen, 1)
	contains(t, log.String(), "method="+repeat("M", 253)+"...", "path=/api/"+repeat("p", 248)+"...")
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
