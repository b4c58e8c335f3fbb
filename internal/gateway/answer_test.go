package gateway

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopex/prism-go/apijson"
	"github.com/shopex/prism-go/internal/patience"
)

// through returns a gateway before a backend, with an API for the prefix b2b that has this
// time-out.
func through(t *testing.T, cfg Config, timeout time.Duration, h http.HandlerFunc) *testGateway {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return before(t, cfg, timeout, s.URL)
}

func before(t *testing.T, cfg Config, timeout time.Duration, address string) *testGateway {
	file := &apijson.Service{Prefix: "b2b", URL: address, APIs: []apijson.API{{ID: "x", Timeout: timeout}}}
	return newGateway(t, cfg, compiled(t, file, Backend{}))
}

func (g *testGateway) get(t *testing.T, method string) *http.Response {
	req, err := http.NewRequest(method, g.url+"/api/b2b/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	return g.do(t, req)
}

func TestAnswersStayAsTheyAre(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte("hello"))
	_ = z.Close()
	g := through(t, Config{}, 0, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Date"] = []string{"Thu, 01 Jan 1970 00:00:00 GMT"}
		h["X-Twice"] = []string{"a", "b"}
		switch r.URL.Query().Get("kind") {
		case "gzip":
			h.Set("Content-Encoding", "gzip")
			_, _ = w.Write(zipped.Bytes())
		case "untyped":
			h["Content-Type"] = nil
			_, _ = io.WriteString(w, "<html>")
		case "304":
			h.Set("Etag", "1")
			w.WriteHeader(304)
		case "head":
			h.Set("Content-Length", "12345")
		case "trailer":
			h.Set("Trailer", "X-Sum")
			_, _ = io.WriteString(w, "body")
			h.Set("X-Sum", "7")
		case "id":
			h.Set("X-Request-Id", "of the backend")
		case "hints":
			h.Set("Link", "</a>")
			w.WriteHeader(103)
			h.Del("Link")
			w.WriteHeader(202)
		case "connection":
			h.Set("Connection", "X-Hop")
			h.Set("X-Hop", "1")
		}
	})
	for kind, check := range map[string]func(r *http.Response, body string) bool{
		"gzip": func(r *http.Response, body string) bool {
			return body == zipped.String() && r.Header.Get("Content-Encoding") == "gzip"
		},
		"untyped":    func(r *http.Response, body string) bool { return r.Header["Content-Type"] == nil && body == "<html>" },
		"304":        func(r *http.Response, body string) bool { return r.StatusCode == 304 && r.Header.Get("Etag") == "1" },
		"head":       func(r *http.Response, body string) bool { return r.ContentLength == 12345 },
		"trailer":    func(r *http.Response, body string) bool { return body == "body" && r.Trailer.Get("X-Sum") == "7" },
		"id":         func(r *http.Response, body string) bool { return r.Header.Get("X-Request-Id") == "of the backend" },
		"hints":      func(r *http.Response, body string) bool { return r.StatusCode == 202 },
		"connection": func(r *http.Response, body string) bool { return r.Header.Get("X-Hop") == "" },
	} {
		t.Run(kind, func(t *testing.T) {
			method := "GET"
			if kind == "head" {
				method = "HEAD"
			}
			hints := 0
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				if code == 103 && h.Get("Link") != "" {
					hints++
				}
				return nil
			}})
			req, _ := http.NewRequestWithContext(ctx, method, g.url+"/api/b2b/x?kind="+kind, nil)
			answer := g.do(t, req)
			body, err := io.ReadAll(answer.Body)
			if err != nil || !check(answer, string(body)) {
				t.Errorf("answer %v %q %v", answer, body, err)
			}
			if date, err := http.ParseTime(answer.Header.Get("Date")); err != nil || date.Year() < 2000 {
				t.Errorf("Date %v is the backend's", date)
			}
			if kind != "id" && answer.Header.Get("X-Request-Id") != "3mpm4wr76dtmejev" {
				t.Errorf("X-Request-Id %q", answer.Header.Values("X-Request-Id"))
			}
			if twice := answer.Header["X-Twice"]; len(twice) != 2 {
				t.Errorf("X-Twice %q", twice)
			}
			if kind == "hints" && hints != 1 {
				t.Errorf("%d hints came", hints)
			}
		})
	}
}

func TestEventsAreFlushedAtOnce(t *testing.T) {
	next := make(chan bool)
	g := through(t, Config{}, 0, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	})
	lines := bufio.NewReader(g.get(t, "GET").Body)
	for i := range 3 {
		line, err := lines.ReadString('\n')
		if err != nil || line != fmt.Sprintf("data: %d\n", i) {
			t.Fatalf("event %q, %v", line, err)
		}
		_, _ = lines.ReadString('\n')
		next <- true
	}
}

// A backend may do anything with its connection: one caller learns it, at the latest after
// the time-out.
func TestAHostileBackendIsRefusedWithoutAWordOfIt(t *testing.T) {
	const timeout = 300 * time.Millisecond
	for name, tt := range map[string]struct {
		answer, more string // more for ever
		status       int
		phase        string
	}{
		"hangs":                {"", "", 504, "wait"},
		"hangs in a header":    {"HTTP/1.1 200 OK\r\nX: ", "", 504, "wait"},
		"endless headers":      {"HTTP/1.1 200 OK\r\n", "X: " + strings.Repeat("a", 1000) + "\r\n", 502, "wait"},
		"an endless line":      {"HTTP/1.1 200 ", strings.Repeat("a", 1000), 502, "wait"},
		"hints without end":    {"", "HTTP/1.1 103 Early Hints\r\n\r\n", 502, "wait"},
		"a broken header":      {"HTTP/1.1 200 OK\r\nX y\r\n\r\n", "", 502, "wait"},
		"two lengths":          {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "", 502, "wait"},
		"a negative length":    {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nab", "", 502, "wait"},
		"another protocol":     {"SSH-2.0-s3cret\r\n", "", 502, "wait"},
		"switches protocols":   {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", "", 502, "answer"},
		"less than its length": {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab", "", 200, "cut"},
		"a broken chunk":       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\r\n", "", 200, "cut"},
		"hangs in a body":      {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab", "hang", 200, "cut"},
		"more than its length": {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 200 OK\r\n\r\n", "", 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := before(t, Config{IdleTimeout: timeout}, timeout, rawBackend(t, tt.answer, tt.more, tt.phase == "cut" && tt.more == ""))
			began := time.Now()
			if tt.phase == "cut" {
				g.cut(t)
				return
			}
			answer := g.get(t, "GET")
			body, err := io.ReadAll(answer.Body)
			if answer.StatusCode != tt.status || err != nil || strings.Contains(string(body), "s3cret") {
				t.Errorf("answer %d %q, %v", answer.StatusCode, body, err)
			}
			if tt.status != 200 && answer.Header.Get("X-Phase") != tt.phase {
				t.Errorf("phase %s, want %s", answer.Header.Get("X-Phase"), tt.phase)
			}
			if took := time.Since(began); took > patience.Of(timeout+2*time.Second) {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// cut expects that an answer is no complete one.
func (g *testGateway) cut(t *testing.T) {
	answer, err := tell(dial(t, g.url), "GET /api/b2b/x HTTP/1.1\r\nHost: a\r\n\r\n")
	if err == nil {
		_, err = io.ReadAll(answer.Body)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		t.Errorf("the answer ended with %v", err)
	}
}

// rawBackend answers every connection with answer, and then with more: for ever, or, if it
// is "hang", with nothing. Without more it closes the connection if cut is set.
func rawBackend(t *testing.T, answer, more string, cut bool) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	serve := func(conn net.Conn) {
		defer conn.Close()
		r, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		_, err = io.WriteString(conn, answer)
		for err == nil && more != "" && more != "hang" {
			_, err = io.WriteString(conn, more)
		}
		if !cut {
			_, _ = io.Copy(io.Discard, conn)
		}
	}
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-ended
	})
	return "http://" + l.Addr().String()
}

func TestATimeOutComesWhenItShould(t *testing.T) {
	hold := make(chan struct{})
	g := through(t, Config{}, 500*time.Millisecond, func(w http.ResponseWriter, r *http.Request) { <-hold })
	defer close(hold)
	began := time.Now()
	answer := g.get(t, "GET")
	if took := time.Since(began); answer.StatusCode != 504 || took < 500*time.Millisecond || took > patience.Of(600*time.Millisecond) {
		t.Errorf("answer %d after %v", answer.StatusCode, took)
	}
}

// A call may have had its effect when its connection is lost.
func TestNoCallIsSentTwice(t *testing.T) {
	var calls atomic.Int32
	g := through(t, Config{}, 0, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1)%2 == 0 {
			panic(http.ErrAbortHandler)
		}
	})
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "DELETE", "POST", "PUT"} {
		calls.Store(0)
		req, _ := http.NewRequest(method, g.url+"/api/b2b/x", nil)
		req.Header.Set("Idempotency-Key", "1")
		first, second := g.do(t, req.Clone(t.Context())), g.do(t, req)
		if first.StatusCode != 200 || second.StatusCode != 502 || calls.Load() != 2 {
			t.Errorf("%s: answers %d and %d of %d calls", method, first.StatusCode, second.StatusCode, calls.Load())
		}
	}
}

func TestABackendLearnsThatItsCallerHasGone(t *testing.T) {
	arrived, ended := make(chan struct{}), make(chan struct{})
	g := through(t, Config{}, 0, func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(ended)
	})
	ctx, cancel := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "GET", g.url+"/api/b2b/x", nil)
	go func() {
		<-arrived
		cancel()
	}()
	via := &http.Transport{}
	defer via.CloseIdleConnections()
	if _, err := via.RoundTrip(req); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	<-ended
}

// A caller that stops in the middle of its body holds nothing for longer than the body may
// stand still.
func TestACallerThatStopsIsToldSo(t *testing.T) {
	g := through(t, Config{IdleTimeout: 200 * time.Millisecond}, 0, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	answer, err := tell(dial(t, g.url), "POST /api/b2b/x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nab")
	if err != nil || answer.StatusCode != 408 {
		t.Fatalf("answer %v, %v", answer, err)
	}
	answer.Body.Close()
}

// A backend may answer before it has the body: the caller gets the answer while it sends.
func TestAnAnswerDoesNotWaitForTheBody(t *testing.T) {
	g := through(t, Config{}, 0, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.WriteHeader(413)
	})
	answer, err := tell(dial(t, g.url), "POST /api/b2b/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nab")
	if err != nil || answer.StatusCode != 413 {
		t.Fatalf("answer %v, %v", answer, err)
	}
	answer.Body.Close()
}

// tell writes a request as it is given, and returns the answer.
func tell(conn net.Conn, request string) (*http.Response, error) {
	if _, err := io.WriteString(conn, request); err != nil {
		return nil, err
	}
	return http.ReadResponse(bufio.NewReader(conn), nil)
}

func dial(t *testing.T, address string) net.Conn {
	conn, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience.Of(20 * time.Second)))
	return conn
}

func TestABackendThatFailsRestsAndIsTriedOnce(t *testing.T) {
	var calls atomic.Int32
	var works atomic.Bool
	g := through(t, Config{Breaker: 3}, 0, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if !works.Load() {
			panic(http.ErrAbortHandler)
		}
	})
	for i, want := range []int{502, 502, 502, 503, 503} {
		answer := g.get(t, "GET")
		if answer.StatusCode != want || want == 503 && answer.Header.Get("X-Code") != "unavailable" {
			t.Errorf("call %d: answer %d %s", i, answer.StatusCode, answer.Header.Get("X-Code"))
		}
	}
	if calls.Load() != 3 {
		t.Errorf("the backend got %d calls", calls.Load())
	}
	b, now := breaker{}, time.Now()
	for range 3 {
		b.failed(3, now)
	}
	for _, tt := range []struct {
		at   time.Duration
		wait time.Duration
	}{{0, 10 * time.Second}, {9 * time.Second, time.Second}, {10 * time.Second, 0}, {10 * time.Second, 10 * time.Second}} {
		if got := b.wait(3, now.Add(tt.at)); got != tt.wait {
			t.Errorf("after %v: wait %v, want %v", tt.at, got, tt.wait)
		}
	}
	b.succeeded(3)
	if got := b.wait(3, now.Add(11*time.Second)); got != 0 {
		t.Errorf("a backend that works rests for %v", got)
	}
}

func TestTheGuardIsAskedForEachAddress(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a call has come") }))
	defer s.Close()
	file := &apijson.Service{Prefix: "b2b", URL: s.URL}
	service, err := Compile(file, Backend{ID: "1", Online: true})
	if err != nil {
		t.Fatal(err)
	}
	g := newGateway(t, Config{}, service)
	answer := g.get(t, "GET")
	body, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != 502 || strings.Contains(string(body), "127.0.0.1") {
		t.Errorf("answer %d %s", answer.StatusCode, body)
	}
}

// Memory does not depend on how long a body is, in either direction.
func TestLongBodiesAreStreamed(t *testing.T) {
	const size = 64 << 20
	g := through(t, Config{}, 0, func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Length", fmt.Sprint(n))
		_, _ = io.CopyN(w, zeros{}, n)
	})
	g.x = make(chan *Exchange, 1)
	g.keep = 4096
	for _, media := range []string{"application/octet-stream", "multipart/form-data; boundary=b"} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		body := io.Reader(io.LimitReader(zeros{}, size))
		if media[0] == 'm' {
			form := formOf("Content-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n")
			body = io.MultiReader(strings.NewReader(form[:len(form)-9]), body, strings.NewReader("\r\n--b--\r\n"))
		}
		req, _ := http.NewRequest("POST", g.url+"/api/b2b/x", body)
		req.Header.Set("Content-Type", media)
		answer := g.do(t, req)
		n, err := io.Copy(io.Discard, answer.Body)
		runtime.ReadMemStats(&after)
		if err != nil || n < size {
			t.Errorf("%s: %d bytes came, %v", media, n, err)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
			t.Errorf("%s: %d bytes were allocated", media, grown)
		}
		if x := <-g.x; x.Sent != n || x.Received != n || len(x.Body) != 4096 || len(x.AnswerBody) != 4096 {
			t.Errorf("%s: exchange of %d and %d bytes, %d and %d kept", media, x.Sent, x.Received, len(x.Body), len(x.AnswerBody))
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A header behind the body could be taken for one of the platform's before it.
func TestACallersTrailersReachNoBackend(t *testing.T) {
	got := make(chan http.Header, 1)
	g := through(t, Config{}, 0, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		got <- r.Trailer
	})
	conn := dial(t, g.url)
	fmt.Fprint(conn, "POST /api/b2b/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Api-Oauth\r\n\r\n1\r\na\r\n0\r\nX-Api-Oauth: @id=1\r\n\r\n")
	if trailer := <-got; len(trailer) > 0 {
		t.Errorf("the backend got the trailers %v", trailer)
	}
}

// What a backend has said of an answer that never came is not in the platform's own.
func TestHintsLeaveNothingInARefusal(t *testing.T) {
	hint := "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nX-Request-Id: forged\r\nSet-Cookie: a=b\r\n\r\n"
	for name, then := range map[string]string{"broken off": "", "broken": "HTTP/1.1 200 OK\r\nX y\r\n\r\n", "hints without end": strings.Repeat(hint, maxHints)} {
		g := before(t, Config{}, 0, rawBackend(t, hint+then, "", true))
		answer := g.get(t, "GET")
		if answer.StatusCode != 502 || answer.Header.Get("Link") != "" || answer.Header.Get("Set-Cookie") != "" || answer.Header.Get("X-Request-Id") != "3mpm4wr76dtmejev" {
			t.Errorf("%s: answer %d %v", name, answer.StatusCode, answer.Header)
		}
	}
}
